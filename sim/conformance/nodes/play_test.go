package nodes

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	restfake "k8s.io/client-go/rest/fake"
	"k8s.io/client-go/tools/cache"
	upstreamlifecycle "k8s.io/kubernetes/pkg/controller/nodelifecycle"
	upstreamgc "k8s.io/kubernetes/pkg/controller/podgc"
	upstreameviction "k8s.io/kubernetes/pkg/controller/tainteviction"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/rig"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/nodelifecycle"
	"github.com/statefulsim/statefulsim/sim/podgc"
	"github.com/statefulsim/statefulsim/sim/tainteviction"
)

var states = flag.Int("states", 200, "how many histories to compare, of each controller and of all")

func TestMain(m *testing.M) { seeded.Main(m) }

// The controllers, by the names under which they write.
const (
	lifecycle = "node-controller"
	eviction  = "taint-eviction-controller"
	collector = "pod-garbage-collector"
)

// Spans and rates that are not upstream's defaults; see doc.go.
const (
	monitor    = 5*time.Second + 700*time.Microsecond
	grace      = 48 * time.Second
	startup    = 58 * time.Second
	rate       = 0.11
	secondRate = 0.013
	large      = 3
	unhealthy  = 0.55
	threshold  = 2 // of ended pods
	period     = 20 * time.Second
	quarantine = 40 * time.Second
)

// Our controllers leave the same behind at every rest as upstream's, alone and
// together (N1 to N6).
func TestLifecycle(t *testing.T) { compare(t, 0, []string{lifecycle}, scenesOfLifecycle) }
func TestEviction(t *testing.T)  { compare(t, 1, []string{eviction}, scenesOfEviction) }
func TestCollector(t *testing.T) { compare(t, 2, []string{collector}, scenesOfCollector) }
func TestTogether(t *testing.T) {
	compare(t, 3, []string{lifecycle, eviction, collector}, slices.Concat(scenesOfLifecycle, scenesOfEviction, scenesOfCollector))
}

var (
	scenesOfLifecycle = []string{"NodeStatusUnknown", "NodeStatusNeverUpdated", "unreachable=:NoExecute", "not-ready=:NoExecute", "not-ready=:NoSchedule", "memory-pressure=:NoSchedule",
		"unschedulable=:NoSchedule", "NodeNotReady: Node is not ready", "RemovingNode", "RegisteredNode"}
	scenesOfEviction  = []string{"TaintManagerEviction: Marking for deletion", "TaintManagerEviction: Cancelling deletion", "DeletionByTaintManager"}
	scenesOfCollector = []string{"PodGC: node no longer exists", "DeletionByPodGC"}
)

func compare(t *testing.T, shard int, who []string, scenes []string) {
	rig.Compare(t, shard, *states, scenes, drawScript(who),
		func(s rig.Script) string {
			return rig.Upstream(t, s, func(ctx context.Context, w *rig.World, f informers.SharedInformerFactory) []func(context.Context) {
				return start(ctx, w, f, who)
			}, show)
		},
		func(s rig.Script) string { return rig.Ours(s, actors(who), show) })
}

func actors(who []string) (list []controller.Actor) {
	for _, name := range who {
		switch name {
		case lifecycle:
			list = append(list, nodelifecycle.New(nodelifecycle.Config{NodeMonitorPeriod: monitor, NodeMonitorGracePeriod: grace, NodeStartupGracePeriod: startup,
				NodeEvictionRate: rate, SecondaryNodeEvictionRate: secondRate, LargeClusterSizeThreshold: large, UnhealthyZoneThreshold: unhealthy}))
		case eviction:
			list = append(list, tainteviction.New())
		case collector:
			list = append(list, podgc.New(threshold))
		}
	}
	return list
}

// start makes the controllers as the controller manager does.
func start(ctx context.Context, w *rig.World, f informers.SharedInformerFactory, who []string) (run []func(context.Context)) {
	pods, all := f.Core().V1().Pods(), f.Core().V1().Nodes()
	for _, name := range who {
		switch name {
		case lifecycle:
			c, err := upstreamlifecycle.NewNodeLifecycleController(ctx, f.Coordination().V1().Leases(), pods, all, f.Apps().V1().DaemonSets(),
				withEvents{w.Client(name), w}, monitor, startup, grace, rate, secondRate, large, unhealthy)
			must(err)
			run = append(run, c.Run)
		case eviction:
			if !slices.Contains(who, lifecycle) { // which adds the index
				must(pods.Informer().AddIndexers(cache.Indexers{"spec.nodeName": func(obj any) ([]string, error) {
					return []string{obj.(*corev1.Pod).Spec.NodeName}, nil
				}}))
			}
			c, err := upstreameviction.New(ctx, w.Client(name), pods, all, name)
			must(err)
			run = append(run, c.Run)
		case collector:
			// Which comes first at the end of a quarantine, the tick or its end, is chance; ours takes
			// the end.
			c := upstreamgc.NewPodGCInternal(ctx, w.Client(name), pods, all, threshold, period, quarantine-time.Millisecond)
			run = append(run, c.Run)
		}
	}
	return run
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// withEvents is a client whose RESTClient, which the lifecycle controller takes for
// its Events, writes Events.
type withEvents struct {
	kubernetes.Interface
	w *rig.World
}

func (c withEvents) CoreV1() typedcore.CoreV1Interface {
	return coreWithEvents{c.Interface.CoreV1(), c.Interface}
}

type coreWithEvents struct {
	typedcore.CoreV1Interface
	client kubernetes.Interface
}

func (c coreWithEvents) RESTClient() rest.Interface {
	return &restfake.RESTClient{GroupVersion: corev1.SchemeGroupVersion, NegotiatedSerializer: scheme.Codecs.WithoutConversion(), VersionedAPIPath: "/api/v1",
		Client: restfake.CreateHTTPClient(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			must(err)
			parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			var res *corev1.Event
			switch r.Method {
			case http.MethodPost:
				var e corev1.Event
				must(json.Unmarshal(body, &e))
				res, err = c.client.CoreV1().Events(e.Namespace).CreateWithEventNamespaceWithContext(r.Context(), &e)
			case http.MethodPatch:
				e := &corev1.Event{}
				e.Namespace, e.Name = parts[3], parts[len(parts)-1]
				res, err = c.client.CoreV1().Events(e.Namespace).PatchWithEventNamespaceWithContext(r.Context(), e, body)
			default:
				panic("nodes: " + r.Method + " of an Event")
			}
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(res)
			must(err)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(text)))}, nil
		})}
}

// show writes the nodes, pods and Events that there are.
func show(s *apiserver.Server) string {
	var d strings.Builder
	for _, o := range s.List(apiserver.Node, "") {
		n := o.(*corev1.Node)
		fmt.Fprintf(&d, "  node %s %v\n", n.Name, n.Labels)
		var taints []string
		for _, t := range n.Spec.Taints {
			at := ""
			if t.TimeAdded != nil {
				at = t.TimeAdded.UTC().Format(time.TimeOnly)
			}
			taints = append(taints, fmt.Sprintf("    %s=%s:%s %s\n", t.Key, t.Value, t.Effect, at))
		}
		slices.Sort(taints)
		d.WriteString(strings.Join(taints, ""))
		for _, c := range n.Status.Conditions {
			fmt.Fprintf(&d, "    %s %s %s %s %s\n", c.Type, c.Status, c.Reason, c.LastHeartbeatTime.UTC().Format(time.TimeOnly), c.LastTransitionTime.UTC().Format(time.TimeOnly))
		}
	}
	for _, o := range s.List(apiserver.Pod, "") {
		p := o.(*corev1.Pod)
		fmt.Fprintf(&d, "  pod %s on %s %s %s deleting=%v\n", p.Name, p.Spec.NodeName, p.Status.Phase, p.Status.Reason, p.DeletionTimestamp)
		for _, c := range p.Status.Conditions {
			fmt.Fprintf(&d, "    %s %s %s %q %s %d\n", c.Type, c.Status, c.Reason, c.Message, c.LastTransitionTime.UTC().Format(time.TimeOnly), c.ObservedGeneration)
		}
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if !strings.HasPrefix(e.Message, "(combined") { // its message is the last one's
			events = append(events, fmt.Sprintf("  event on %s %s from %s: %s %s: %s\n", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Source.Component, e.Type, e.Reason, e.Message))
		}
	}
	slices.Sort(events)
	return d.String() + strings.Join(slices.Compact(events), "")
}
