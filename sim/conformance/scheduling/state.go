package scheduling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const namespace = "here"

// State is a cluster to decide in, as somebody would write it: objects with
// their status. The last pod is the one that is to be scheduled.
type State struct {
	Objects []apiserver.Object
	Doomed  []string // pods of here that are being deleted, claims too
}

// noise is what says nothing in a manifest.
var noise = regexp.MustCompile(`(?m)^ +(nodeInfo|daemonEndpoints|kubeletEndpoint):\n|^ +[a-zA-Z]+: ""\n|^ +Port: 0\n|^(status|spec): {}\n`)

// String prints the state as manifests.
func (s *State) String() string {
	var b strings.Builder
	for _, o := range s.Objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			panic(err)
		}
		text = noise.ReplaceAll(text, nil)
		fmt.Fprintf(&b, "--- # %v\n%s", apiserver.KindOf(o), text)
	}
	fmt.Fprintf(&b, "--- # being deleted: %v\n", s.Doomed)
	return b.String()
}

// Cluster is a state made real: an API server that holds its objects.
type Cluster struct {
	engine    *engine.Engine
	host      *controller.Host
	key       apiserver.Key // of the pod to schedule
	nominated string        // the node that it is nominated for
}

// Build makes a state real. The server defaults and validates the objects, so
// that both schedulers see what a real one would.
func Build(s *State) (*Cluster, error) {
	e := engine.New(engine.Strategy{})
	c := &Cluster{engine: e, host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "RuntimeClass", "TaintNodesByCondition"}}), controller.Latency{}, nil)}
	for _, o := range s.Objects {
		if err := c.create(o); err != nil {
			return nil, fmt.Errorf("%v %s: %w", apiserver.KindOf(o), o.GetName(), err)
		}
		c.key = apiserver.KeyOf(o)
	}
	for _, name := range s.Doomed {
		for _, k := range []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolumeClaim} {
			c.host.Do("user", apiserver.Request{Verb: apiserver.Delete, Kind: k, Key: apiserver.Key{Namespace: namespace, Name: name}})
		}
	}
	c.nominated = c.Pod().Status.NominatedNodeName
	return c, nil
}

// create stores an object with its status.
func (c *Cluster) create(o apiserver.Object) error {
	k, key := apiserver.KindOf(o), apiserver.KeyOf(o)
	given := o.DeepCopyObject().(apiserver.Object)
	if pod, ok := given.(*corev1.Pod); ok {
		c.own(pod)
	}
	res := c.host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: k, Key: key, Object: given})
	if res.Err != nil {
		return res.Err
	}
	next := res.Object.DeepCopyObject().(apiserver.Object)
	switch o := o.(type) {
	case *corev1.Pod:
		next.(*corev1.Pod).Status = *o.Status.DeepCopy()
	case *corev1.Node:
		next.(*corev1.Node).Status = *o.Status.DeepCopy()
		next.(*corev1.Node).Status.Capacity = o.Status.Allocatable
	case *corev1.PersistentVolume:
		next.(*corev1.PersistentVolume).Status = *o.Status.DeepCopy()
	case *corev1.PersistentVolumeClaim:
		next.(*corev1.PersistentVolumeClaim).Status = *o.Status.DeepCopy()
	default:
		return nil
	}
	return c.host.Do("user", apiserver.Request{Verb: apiserver.Update, Kind: k, Subresource: apiserver.Status, Key: key, Object: next}).Err
}

// own fills in the UIDs of the set or pod that owns what a pod names as its
// controller.
func (c *Cluster) own(pod *corev1.Pod) {
	for i := range pod.OwnerReferences {
		ref := &pod.OwnerReferences[i]
		ref.UID = "00000000-0000-4000-8000-000000000001"
		if set, ok := c.get(apiserver.StatefulSet, ref.Name).(*appsv1.StatefulSet); ok {
			ref.UID = set.UID
		}
	}
}

func (c *Cluster) get(k apiserver.Kind, name string) apiserver.Object {
	return c.host.Server().Get(k, apiserver.Key{Namespace: namespace, Name: name})
}

// Pod returns the pod to schedule.
func (c *Cluster) Pod() *corev1.Pod { return c.host.Server().Get(apiserver.Pod, c.key).(*corev1.Pod) }

var kinds = map[string]apiserver.Kind{
	"Namespace": apiserver.Namespace, "StorageClass": apiserver.StorageClass, "PersistentVolume": apiserver.PersistentVolume,
	"PersistentVolumeClaim": apiserver.PersistentVolumeClaim, "Service": apiserver.Service, "StatefulSet": apiserver.StatefulSet,
	"PodDisruptionBudget": apiserver.PodDisruptionBudget, "CSINode": apiserver.CSINode, "CSIDriver": apiserver.CSIDriver,
	"VolumeAttachment": apiserver.VolumeAttachment, "Node": apiserver.Node, "Pod": apiserver.Pod,
}

// objects returns the objects of a kind as the scheduler's informers see them:
// pods that have ended are left out (NewInformerFactory).
func (c *Cluster) objects(name string) []runtime.Object {
	var list []runtime.Object
	for _, rec := range c.host.Server().Live(kinds[name]) {
		if p, ok := rec.Object.(*corev1.Pod); ok && isTerminal(p) {
			continue
		}
		list = append(list, rec.Object)
	}
	return list
}

func isTerminal(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// Decision is how a cycle ended.
type Decision struct {
	Node     string // that was chosen
	Message  string // why none was
	IsError  bool
	Nominate *string // nil leaves the nomination
	Victims  []string
}

// Verdict is the answer of the first plugin that rejects; the zero Verdict is
// none.
type Verdict struct {
	Code, Plugin string
	Reasons      []string
}

// Verdicts are the plugins' answers.
type Verdicts struct {
	PreFilter  Verdict
	Nodes      map[string]Verdict
	ScoreError string
	Totals     map[string]int64            // of the feasible nodes, if there are two
	Parts      map[string]map[string]int64 // upstream's, by node and plugin
}

// Best returns the nodes with the highest score, sorted.
func (v *Verdicts) Best() []string {
	var best []string
	var highest int64
	for name, total := range v.Totals { // sorted below
		if len(best) == 0 || total > highest {
			best, highest = nil, total
		}
		if total == highest {
			best = append(best, name)
		}
	}
	slices.Sort(best)
	return best
}

func controllerOf(set string) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: set, Controller: &yes, BlockOwnerDeletion: &yes}}
}
