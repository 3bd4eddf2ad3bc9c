package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// crowds are the Parallel sets that ask for more pods than Limits.Objects: a set
// without order creates them all, whatever becomes of the first.
type crowds map[apiserver.Key]int32

// see takes in what was just written. Sets are written seldom enough.
func (c *crowds) see(recs []*apiserver.Record, limit int) {
	for _, rec := range recs {
		if rec.Kind != apiserver.StatefulSet {
			continue
		}
		set := rec.Object.(*appsv1.StatefulSet)
		asks := set.Spec.Replicas
		if rec.Type != watch.Deleted && set.DeletionTimestamp == nil && asks != nil && int(*asks) > limit &&
			set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
			if *c == nil {
				*c = crowds{}
			}
			(*c)[rec.Key] = *asks
		} else if len(*c) > 0 {
			delete(*c, rec.Key)
		}
	}
}

// overfull says that the cluster holds more than its Limits allow, or is about
// to, and who asked for it.
func (c *Cluster) overfull(what string, l Limits) error {
	if len(c.crowds) > 0 {
		keys := slices.SortedFunc(maps.Keys(c.crowds), apiserver.Key.Compare)
		return &StuckError{
			Reason: fmt.Sprintf("%s: StatefulSet %s asks for %d replicas at once (podManagementPolicy Parallel), which is more than Limits.Objects, %d",
				what, keys[0], c.crowds[keys[0]], l.Objects),
		}
	}
	held := c.host.Server().Stored()
	var reason string
	switch {
	case held.Objects > l.Objects:
		reason = fmt.Sprintf("the API server holds %d objects, Limits.Objects is %d", held.Objects, l.Objects)
	case held.Bytes > l.Bytes:
		reason = fmt.Sprintf("the API server's objects take %d bytes, Limits.Bytes is %d", held.Bytes, l.Bytes)
	default:
		return nil
	}
	return &StuckError{
		Reason: fmt.Sprintf("%s reached its limit at %s (seed %d): %s; most are %s",
			what, c.now().Format(time.RFC3339), c.cfg.Seed, reason, c.most()),
	}
}

// most names the kind of which there are most objects, and the controller of most.
func (c *Cluster) most() string {
	server := c.host.Server()
	var most apiserver.Kind
	counts := map[owner]int{}
	for _, kind := range apiserver.Kinds() {
		if kind == apiserver.Event {
			continue
		}
		if most == 0 || server.Count(kind) > server.Count(most) {
			most = kind
		}
		for _, rec := range server.Live(kind) {
			if ref := metav1.GetControllerOfNoCopy(rec.Object); ref != nil {
				counts[owner{ref.Kind, rec.Key.Namespace, ref.Name}]++
			}
		}
	}
	text := fmt.Sprintf("%d of kind %s", server.Count(most), most)
	var first owner
	for o, n := range counts { // the least of those with most: the order cannot matter
		if n > counts[first] || n == counts[first] && o.compare(first) < 0 {
			first = o
		}
	}
	if counts[first] == 0 {
		return text
	}
	text += fmt.Sprintf("; %s %s controls %d", first.kind, strings.TrimPrefix(first.namespace+"/"+first.name, "/"), counts[first])
	if set, ok := server.Get(apiserver.StatefulSet, apiserver.Key{Namespace: first.namespace, Name: first.name}).(*appsv1.StatefulSet); ok && first.kind == "StatefulSet" {
		text += fmt.Sprintf(" and asks for %d replicas", *set.Spec.Replicas)
	}
	return text
}

// owner is a controller, as its objects name it.
type owner struct{ kind, namespace, name string }

func (o owner) compare(p owner) int {
	return cmp.Or(strings.Compare(o.kind, p.kind), strings.Compare(o.namespace, p.namespace), strings.Compare(o.name, p.name))
}
