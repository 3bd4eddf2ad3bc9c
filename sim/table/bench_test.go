package table_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// BenchmarkWatcher prints one row of a watch.
func BenchmarkWatcher(b *testing.B) {
	w := table.NewWatcher(apiserver.Pod, table.Options{})
	pod := namespaced("default", "web-0")
	b.ReportAllocs()
	for b.Loop() {
		w.Event(watch.Modified, pod, now)
	}
}
