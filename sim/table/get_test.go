package table_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

func namespaced(ns, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: ago(time.Minute),
			Labels: map[string]string{"app.kubernetes.io/name": "web", "x": "y"}},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
}

// get prints one kind.
func get(opt table.Options, kind apiserver.Kind, objs ...apiserver.Object) string {
	out, errOut := table.Get([]table.Group{{Kind: kind, Objects: objs}}, now, opt)
	return out + errOut
}

func TestGetFlags(t *testing.T) {
	pods := objects(namespaced("a", "web-0"), namespaced("long-namespace", "w"))
	require.Equal(t, `NAMESPACE        NAME    READY   STATUS    RESTARTS   AGE
a                web-0   0/1     Pending   0          60s
long-namespace   w       0/1     Pending   0          60s
`, get(table.Options{AllNamespaces: true}, apiserver.Pod, pods...))
	require.Equal(t, "web-0   0/1   Pending   0     60s\nw       0/1   Pending   0     60s\n",
		get(table.Options{NoHeaders: true}, apiserver.Pod, pods...))
	require.Equal(t, `NAME        READY   STATUS    RESTARTS   AGE   NAME   LABELS
pod/web-0   0/1     Pending   0          60s   web    app.kubernetes.io/name=web,x=y
`, get(table.Options{ShowKind: true, ShowLabels: true, LabelColumns: []string{"app.kubernetes.io/name"}}, apiserver.Pod, pods[0]))
}

func TestGetFindsNothing(t *testing.T) {
	require.Equal(t, "No resources found in default namespace.\n", get(table.Options{}, apiserver.Pod))
	require.Equal(t, "No resources found in prod namespace.\n", get(table.Options{Namespace: "prod"}, apiserver.Pod))
	require.Equal(t, "No resources found\n", get(table.Options{AllNamespaces: true}, apiserver.Pod))
	require.Equal(t, "No resources found\n", get(table.Options{}, apiserver.Node))
}

// TestGetSeveralKinds: the kinds that were asked for decide about prefixes,
// those that have rows about empty lines; a cluster-wide kind has no column
// NAMESPACE; a kind named twice in a row is one table.
func TestGetSeveralKinds(t *testing.T) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", CreationTimestamp: ago(time.Hour)}}
	out, _ := table.Get([]table.Group{
		{Kind: apiserver.StatefulSet},
		{Kind: apiserver.Pod, Objects: objects(namespaced("a", "web-0"))},
		{Kind: apiserver.Pod, Objects: objects(namespaced("a", "db-0"))},
		{Kind: apiserver.Namespace, Objects: objects(ns)},
	}, now, table.Options{AllNamespaces: true})
	require.Equal(t, `NAMESPACE   NAME        READY   STATUS    RESTARTS   AGE
a           pod/web-0   0/1     Pending   0          60s
a           pod/db-0    0/1     Pending   0          60s

NAME          STATUS   AGE
namespace/a            60m
`, out)
}

// TestLongTables: kubectl lists 500 objects at a time and fits the columns to
// what it has.
func TestLongTables(t *testing.T) {
	var pods []apiserver.Object
	for i := range 501 {
		pods = append(pods, namespaced("a", fmt.Sprintf("web-%03d", i)))
	}
	pods[499].SetName("web-0000000")
	pods[500].SetName("web-00000000000")
	lines := strings.Split(get(table.Options{}, apiserver.Pod, pods...), "\n")
	require.Equal(t, "NAME          READY   STATUS    RESTARTS   AGE", lines[0])
	require.Equal(t, "web-000       0/1     Pending   0          60s", lines[1])
	require.Equal(t, "web-0000000   0/1     Pending   0          60s", lines[500])
	require.Equal(t, "web-00000000000   0/1     Pending   0          60s", lines[501])
}

// TestWatchWidths holds K8 and the widths of a watch: a heading once, a row
// for every event, and columns that grow but never shrink.
func TestWatchWidths(t *testing.T) {
	w := table.NewWatcher(apiserver.Pod, table.Options{})
	require.Empty(t, w.List(nil, now))
	pod := namespaced("a", "web-0")
	require.Equal(t, "NAME    READY   STATUS    RESTARTS   AGE\nweb-0   0/1     Pending   0          60s\n", w.Event(watch.Added, pod, now))
	creating := pod.DeepCopy()
	creating.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	before := w
	require.Equal(t, "web-0   0/1     ContainerCreating   0          60s\n", w.Event(watch.Modified, creating, now))
	require.Equal(t, "web-0   0/1     Pending             0          60s\n", w.Event(watch.Deleted, pod, now))
	require.Equal(t, "web-0   0/1     Pending   0          60s\n", before.Event(watch.Modified, pod, now), "a copy goes its own way")

	w = table.NewWatcher(apiserver.Pod, table.Options{WatchEvents: true})
	require.Equal(t, "EVENT      NAME    READY   STATUS    RESTARTS   AGE\nADDED      web-0   0/1     Pending   0          60s\n",
		w.List(objects(pod), now))
	require.Equal(t, "DELETED    web-0   0/1     Pending   0          60s\n", w.Event(watch.Deleted, pod, now))
}

// TestCellsAreCut: a cell ends at its first line break and cannot steer the
// terminal.
func TestCellsAreCut(t *testing.T) {
	e := &corev1.Event{Type: "Normal", Reason: "R\x1b[2J", Message: "first\nsecond",
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-0"}}
	out := get(table.Options{NoHeaders: true}, apiserver.Event, e)
	require.Equal(t, "<unknown>   Normal   R^[[2J   pod/web-0   first...\n", out)
}

// TestEventRows holds A10: an event by count, by series, and one that says
// neither.
func TestEventRows(t *testing.T) {
	ref := corev1.ObjectReference{Kind: "Pod", Name: "web-0", FieldPath: "spec.containers{nginx}"}
	counted := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e1"}, InvolvedObject: ref, Type: "Warning", Reason: "BackOff",
		Message: " back-off \n", Source: corev1.EventSource{Component: "kubelet", Host: "node-1"},
		FirstTimestamp: ago(5 * time.Minute), LastTimestamp: ago(10 * time.Second), Count: 4}
	series := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e2"}, InvolvedObject: ref, Type: "Warning", Reason: "FailedScheduling",
		Message: "0/3 nodes", ReportingController: "default-scheduler", ReportingInstance: "s-0",
		EventTime: metav1.NewMicroTime(now.Add(-time.Minute)),
		Series:    &corev1.EventSeries{Count: 3, LastObservedTime: metav1.NewMicroTime(now.Add(-2 * time.Second))}}
	once := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e3"}, InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: "n"},
		Type: "Normal", Reason: "Scheduled", Message: "m", EventTime: metav1.NewMicroTime(now.Add(-3 * time.Second))}
	require.Equal(t, `LAST SEEN   TYPE      REASON             OBJECT      MESSAGE
10s         Warning   BackOff            pod/web-0   back-off
2s          Warning   FailedScheduling   pod/web-0   0/3 nodes
3s          Normal    Scheduled          node/n      m
`, get(table.Options{}, apiserver.Event, counted, series, once))
	require.Equal(t, `LAST SEEN   TYPE      REASON             OBJECT      SUBOBJECT                SOURCE                   MESSAGE     FIRST SEEN   COUNT   NAME
10s         Warning   BackOff            pod/web-0   spec.containers{nginx}   kubelet, node-1          back-off    5m           4       e1
2s          Warning   FailedScheduling   pod/web-0   spec.containers{nginx}   default-scheduler, s-0   0/3 nodes   60s          3       e2
3s          Normal    Scheduled          node/n                                                        m           3s           1       e3
`, get(table.Options{Wide: true}, apiserver.Event, counted, series, once))
}

// TestDefaultStorageClass holds V6: of several default classes the newest is
// marked, then the first by name; a watch marks none.
func TestDefaultStorageClass(t *testing.T) {
	class := func(name string, old time.Duration, isDefault string) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(old),
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": isDefault}}, Provisioner: "p"}
	}
	a, b, c := class("a", time.Hour, "true"), class("b", time.Minute, "true"), class("c", time.Minute, "true")
	d := class("d", time.Second, "false")
	require.Equal(t, `NAME          PROVISIONER   RECLAIMPOLICY   VOLUMEBINDINGMODE   ALLOWVOLUMEEXPANSION   AGE
a             p             Delete          Immediate           false                  60m
b (default)   p             Delete          Immediate           false                  60s
c             p             Delete          Immediate           false                  60s
d             p             Delete          Immediate           false                  1s
`, get(table.Options{}, apiserver.StorageClass, a, b, c, d))
	w := table.NewWatcher(apiserver.StorageClass, table.Options{NoHeaders: true})
	require.True(t, strings.HasPrefix(w.Event(watch.Modified, b, now), "b   "))
}

// TestAge holds K27.
func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 150 * time.Second: "2m30s", 9*time.Minute + 59*time.Second: "9m59s",
		10*time.Minute + 59*time.Second: "10m", 179 * time.Minute: "179m", 3 * time.Hour: "3h", 7*time.Hour + 59*time.Minute: "7h59m",
		47*time.Hour + 59*time.Minute: "47h", 49 * time.Hour: "2d1h", 8 * 24 * time.Hour: "8d", 729 * 24 * time.Hour: "729d",
		730 * 24 * time.Hour: "2y", 800 * 24 * time.Hour: "2y70d", -2 * time.Second: "<invalid>", -time.Second / 2: "0s",
	} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: ago(d)}}
		require.Equal(t, want, table.New(apiserver.Namespace, objects(ns), now).Rows[0].Cells[2], fmt.Sprint(d))
	}
	require.Equal(t, "<unknown>", table.New(apiserver.Namespace, objects(&corev1.Namespace{}), now).Rows[0].Cells[2])
}
