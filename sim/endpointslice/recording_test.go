package endpointslice

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// recorded is a line of a recording.
type recorded struct {
	RV     int             `json:"rv"`
	Type   watch.EventType `json:"type"`
	Kind   string          `json:"kind"`
	Object json.RawMessage `json:"object"`
}

// written is what a write to a slice says, without names, UIDs and the nodes'
// choice.
type written struct {
	Endpoints []string
	Hostnames []string
	Nodes     []string
	Ports     []discoveryv1.EndpointPort
	Labels    map[string]string
	Trigger   string
}

func writtenOf(s *discoveryv1.EndpointSlice) written {
	w := written{Endpoints: show(s), Ports: s.Ports, Labels: s.Labels, Trigger: s.Annotations[corev1.EndpointsLastChangeTriggerTime]}
	for i := range s.Endpoints {
		w.Hostnames = append(w.Hostnames, *s.Endpoints[i].Hostname)
		w.Nodes = append(w.Nodes, *s.Endpoints[i].NodeName)
	}
	return w
}

// TestSeedRecording does to the pods what was done to them on a real v1.37.2
// cluster while it lived through the article's story, and expects the writes to
// the EndpointSlice that were recorded there: each of them, in order, with its
// trigger time.
func TestSeedRecording(t *testing.T) {
	c := newCluster(t, controller.Latency{})
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		c.create(newNode(name, ""))
	}
	f, err := os.Open("testdata/seed.jsonl")
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var want, got []written
	c.settle()
	c.host.Drain()
	for lines.Scan() {
		var rec recorded
		require.NoError(t, json.Unmarshal(lines.Bytes(), &rec))
		if rec.Kind == "EndpointSlice" {
			s := new(discoveryv1.EndpointSlice)
			require.NoError(t, json.Unmarshal(rec.Object, s))
			want = append(want, writtenOf(s))
			continue
		}
		c.relive(t, rec)
		c.settle()
		for _, r := range c.host.Drain() {
			if s, ok := r.Object.(*discoveryv1.EndpointSlice); ok {
				got = append(got, writtenOf(s))
			}
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(want), 25)
	got[0].Trigger = want[0].Trigger // the Service's creation, on another clock
	assert.Equal(t, want, got)
}

// relive does what led to a recorded event.
func (c *cluster) relive(t *testing.T, rec recorded) {
	var obj runtime.Object = new(corev1.Pod)
	if rec.Kind == "Service" {
		obj = new(corev1.Service)
	}
	require.NoError(t, json.Unmarshal(rec.Object, obj))
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		service := obj.(*corev1.Service)
		service.ResourceVersion, service.UID = "", ""
		c.create(service)
		return
	}
	pod.UID = ""
	old := c.pod(pod.Name)
	switch {
	case rec.Type == watch.Added:
		c.create(pod)
		return
	case rec.Type == watch.Deleted:
		c.remove(apiserver.Pod, pod.Name, new(int64))
		return
	case old.Spec.NodeName == "" && pod.Spec.NodeName != "":
		c.do(apiserver.Request{Verb: apiserver.Create, Subresource: apiserver.Binding, Kind: apiserver.Pod,
			Key: apiserver.KeyOf(pod), Node: pod.Spec.NodeName})
		return
	case old.DeletionTimestamp == nil && pod.DeletionTimestamp != nil:
		c.remove(apiserver.Pod, pod.Name, nil)
		return
	}
	next := old.DeepCopy()
	next.Status = pod.Status
	c.status(next)
}
