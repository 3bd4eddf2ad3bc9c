package rig

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Sorted returns an informer whose store lists in the order of names: upstream's is
// a map's.
func Sorted(i cache.SharedIndexInformer) cache.SharedIndexInformer { return informer{i} }

type informer struct{ cache.SharedIndexInformer }

func (i informer) GetIndexer() cache.Indexer { return indexer{i.SharedIndexInformer.GetIndexer()} }

type indexer struct{ cache.Indexer }

func (i indexer) ByIndex(name, value string) ([]any, error) {
	list, err := i.Indexer.ByIndex(name, value)
	sort(list)
	return list, err
}

func (i indexer) Index(name string, obj any) ([]any, error) {
	list, err := i.Indexer.Index(name, obj)
	sort(list)
	return list, err
}

func (i indexer) List() []any {
	list := i.Indexer.List()
	sort(list)
	return list
}

func sort(list []any) {
	slices.SortFunc(list, func(a, b any) int {
		x, y := a.(metav1.Object), b.(metav1.Object)
		return cmp.Or(cmp.Compare(x.GetNamespace(), y.GetNamespace()), cmp.Compare(x.GetName(), y.GetName()))
	})
}
