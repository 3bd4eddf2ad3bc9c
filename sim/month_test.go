package sim_test

import (
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// inventory counts what a cluster holds: the elements of every map and slice
// that can be reached, by the path to it.
type inventory struct {
	seen   map[visit]bool
	counts map[string]int
}

type visit struct {
	at  uintptr
	len int
	typ reflect.Type
}

func takeInventory(c *sim.Cluster) map[string]int {
	i := inventory{map[visit]bool{}, map[string]int{}}
	i.walk(reflect.ValueOf(c), "cluster")
	return i.counts
}

func (i *inventory) isNew(v reflect.Value, n int) bool {
	k := visit{v.Pointer(), n, v.Type()}
	if i.seen[k] {
		return false
	}
	i.seen[k] = true
	return true
}

func (i *inventory) walk(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && i.isNew(v, 0) {
			i.walk(v.Elem(), path)
		}
	case reflect.Interface:
		if !v.IsNil() {
			i.walk(v.Elem(), path)
		}
	case reflect.Struct:
		for f := range v.NumField() {
			i.walk(v.Field(f), path+"."+v.Type().Field(f).Name)
		}
	case reflect.Array:
		for e := range v.Len() {
			i.walk(v.Index(e), path+"[]")
		}
	case reflect.Slice:
		if v.Len() > 0 && i.isNew(v, v.Len()) {
			i.counts[path] += v.Len()
			for e := range v.Len() {
				i.walk(v.Index(e), path+"[]")
			}
		}
	case reflect.Map:
		if v.Len() > 0 && i.isNew(v, 0) {
			i.counts[path] += v.Len()
			for it := v.MapRange(); it.Next(); {
				i.walk(it.Value(), path+"[]")
			}
		}
	}
}

// busy returns a small cluster with two lasting sets.
func busy(t testing.TB) *sim.Cluster {
	c := sim.New(sim.Config{Seed: 1, Provision: true, History: -1, Limits: sim.Limits{Time: 100 * 24 * time.Hour}})
	apply(t, c, parallelSet("web", 4), parallelSet("db", 2),
		`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: None, selector: {app: web}}}`)
	return c
}

// shift is one shift of eight hours in the life of a busy cluster. It leaves it
// as it found it, but for what it remembers.
func shift(t testing.TB, c *sim.Cluster, n int) {
	end := c.Now().Add(8 * time.Hour)
	wait := func() { require.NoError(t, c.Run(10*time.Minute)) }
	require.NoError(t, c.Scale("", "web", 7))
	wait()
	require.NoError(t, c.SetImage("", "web", "c", fmt.Sprintf("nginx:%d", n%5)))
	require.NoError(t, c.Delete(apiserver.Pod, "", "db-1"))
	wait()
	require.NoError(t, c.Scale("", "web", 4))
	// A set that comes and goes, with claims that go with it and a Service.
	guest := fmt.Sprintf("guest-%d", n)
	apply(t, c, parallelSet(guest, 2)+"  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}\n",
		fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {selector: {app: %[1]s}, ports: [{port: 80}]}}`, guest))
	wait()
	require.NoError(t, c.Delete(apiserver.StatefulSet, "", guest))
	require.NoError(t, c.Delete(apiserver.Service, "", guest))
	// A set that is made anew under its old name, and an image that is missing.
	require.NoError(t, c.Delete(apiserver.StatefulSet, "", "db"))
	wait()
	apply(t, c, parallelSet("db", 2))
	require.NoError(t, c.Run(end.Sub(c.Now())))
}

// bounds are what may still grow after ten days: memories of a bounded size, most
// of them as upstream has them, by what holds them.
var bounds = map[string]int{
	".actor.absent.":                  500,       // the collector's owners that do not exist (absentOwnerCache)
	".cluster.":                       3 * 128,   // the scheduler's counters of pods, each with its nodes
	".groups.selectors":               4 * 1024,  // its merged selectors
	".events.seen.":                   13 * 4096, // each component's recorder (maxLruCacheEntries)
	".events.similar.":                13 * 4096,
	".events.spam.":                   13 * 4096,
	".older[].Object.Status.":         128,     // versions of nodes that a log keeps before it is trimmed
	"cluster.host.engine.asked.young": 1 << 20, // engine.Tally
	"cluster.host.server.born.young":  1 << 20,
}

func boundOf(path string) int {
	path = strings.NewReplacer(".cells[].value", "", ".cell.value", "").Replace(path) // of boxes
	for part, n := range bounds {                                                     // at most one of them fits
		if strings.Contains(path, part) {
			return n
		}
	}
	return 0
}

// Nothing grows without bound: what a busy cluster holds and remembers after
// ten days is as much after thirty.
func TestMonth(t *testing.T) {
	c := busy(t)
	at := map[int]map[string]int{}
	heap := map[int]uint64{}
	for day := 1; day <= 30; day++ {
		for s := range 3 {
			shift(t, c, 3*day+s)
		}
		if day == 10 || day == 30 {
			at[day] = takeInventory(c)
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			heap[day] = m.HeapAlloc
		}
	}
	require.NotEmpty(t, at[10])
	sum := map[int]int{}
	for _, path := range slices.Sorted(maps.Keys(at[30])) {
		early, late := at[10][path], at[30][path]
		sum[10], sum[30] = sum[10]+early, sum[30]+late
		assert.LessOrEqual(t, late, max(early+early/4+12, boundOf(path)), "%s grew from %d to %d in 20 days", path, early, late)
	}
	t.Logf("%d elements after 10 days, %d after 30; heap in use %d and %d KiB", sum[10], sum[30], heap[10]>>10, heap[30]>>10)
}
