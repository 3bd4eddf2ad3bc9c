package scheduling

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/match"
)

// storage is what our plugins read, straight from the server.
type storage struct {
	c        *Cluster
	volumes  match.Index
	selector labels.Selector
}

func (s *storage) Claim(ns, name string) *corev1.PersistentVolumeClaim {
	pvc, _ := s.c.host.Server().Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: ns, Name: name}).(*corev1.PersistentVolumeClaim)
	return pvc
}

func (s *storage) Class(name string) *storagev1.StorageClass {
	sc, _ := s.c.host.Server().Get(apiserver.StorageClass, apiserver.Key{Name: name}).(*storagev1.StorageClass)
	return sc
}

func (s *storage) Volumes() *match.Index { return &s.volumes }
func (s *storage) Limited() bool         { return true }
func (s *storage) CSINode(name string) *storagev1.CSINode {
	node, _ := s.c.host.Server().Get(apiserver.CSINode, apiserver.Key{Name: name}).(*storagev1.CSINode)
	return node
}

func (s *storage) CSIDriver(name string) *storagev1.CSIDriver {
	driver, _ := s.c.host.Server().Get(apiserver.CSIDriver, apiserver.Key{Name: name}).(*storagev1.CSIDriver)
	return driver
}

func (s *storage) Attachments(node string) map[string]*storagev1.VolumeAttachment {
	list := map[string]*storagev1.VolumeAttachment{}
	for _, o := range s.c.objects("VolumeAttachment") {
		if a := o.(*storagev1.VolumeAttachment); a.Spec.NodeName == node {
			list[a.Name] = a
		}
	}
	return list
}

func (s *storage) DefaultSelector(*corev1.Pod) plugin.Selection {
	if s.selector == nil {
		return plugin.Selection{}
	}
	return plugin.Select(s.selector)
}

// Judge asks our plugins about each node. The selector is that of the default
// spread.
func (c *Cluster) Judge(selector labels.Selector) Verdicts {
	cluster, store := plugin.NewCluster(), &storage{c: c, selector: selector}
	for _, o := range c.objects("Namespace") {
		ns := o.(*corev1.Namespace)
		cluster.SetNamespace(ns.Name, ns)
	}
	for _, o := range c.objects("PersistentVolume") {
		store.volumes.Set(o.(*corev1.PersistentVolume))
	}
	for _, o := range c.objects("Node") {
		cluster.SetNode(o.(*corev1.Node))
	}
	for _, o := range c.objects("Pod") {
		if p := o.(*corev1.Pod); p.Spec.NodeName != "" {
			cluster.AddPod(plugin.NewPod(p))
		}
	}
	cycle := plugin.NewCycle(cluster, store, plugin.NewPod(c.Pod()))
	v := Verdicts{Nodes: map[string]Verdict{}}
	if status := cycle.PreFilter(); !status.OK() {
		v.PreFilter = ourVerdict(status)
		return v
	}
	var feasible []*plugin.Node
	for _, n := range cluster.Nodes() {
		status := cycle.Filter(n)
		v.Nodes[n.Name()] = ourVerdict(status)
		if status.OK() {
			feasible = append(feasible, n)
		}
	}
	if len(feasible) < 2 {
		return v
	}
	totals, err := cycle.Scores(feasible, &plugin.Buffer{})
	if err != nil {
		v.ScoreError = err.Error()
		return v
	}
	v.Totals = map[string]int64{}
	for i, n := range feasible {
		v.Totals[n.Name()] = totals[i]
	}
	return v
}

func ourVerdict(s plugin.Status) Verdict {
	if s.OK() {
		return Verdict{}
	}
	code := map[plugin.Code]string{
		plugin.Unschedulable: "Unschedulable", plugin.Unresolvable: "UnschedulableAndUnresolvable", plugin.Error: "Error",
	}[s.Code]
	v := Verdict{Code: code, Plugin: s.Plugin.String()}
	for r := range s.Reasons {
		v.Reasons = append(v.Reasons, r)
	}
	return v
}

// Decide runs one cycle of our scheduler.
func (c *Cluster) Decide() Decision {
	h := c.host
	before := c.Pod().Status.NominatedNodeName
	h.Drain()
	s := scheduler.New(scheduler.Config{Cycle: controller.Range{Min: time.Second, Max: time.Second}})
	id := h.Add(s)
	end := c.engine.Now().Add(5 * time.Second)
	var d Decision
	decided := false
	for {
		ev, ok := c.engine.Peek()
		if !ok || ev.At > end {
			break
		}
		h.Step()
		for _, rec := range h.Drain() {
			if rec.Kind != apiserver.Pod {
				continue
			}
			pod := rec.Object.(*corev1.Pod)
			if rec.Key != c.key {
				if old, ok := rec.Old.(*corev1.Pod); ok && old.DeletionTimestamp == nil && (rec.Type == watch.Deleted || pod.DeletionTimestamp != nil) {
					d.Victims = append(d.Victims, rec.Key.Namespace+"/"+rec.Key.Name)
				}
				continue
			}
			if !decided {
				decided = d.read(pod, before)
			}
		}
	}
	slices.Sort(d.Victims)
	if !decided {
		d.Node = waitsFor(s.Waiting(h.Env(id)))
	}
	return d
}

// read takes the outcome from the pod's first write.
func (d *Decision) read(pod *corev1.Pod, before string) bool {
	if pod.Spec.NodeName != "" {
		d.Node = pod.Spec.NodeName
		return true
	}
	for _, cond := range pod.Status.Conditions {
		if cond.Type == corev1.PodScheduled && cond.Message != "" {
			d.Message, d.IsError = cond.Message, cond.Reason == corev1.PodReasonSchedulerError
			if n := pod.Status.NominatedNodeName; n != before {
				d.Nominate = &n
			}
			return true
		}
	}
	return false
}

// waitsFor returns the node that a pod's volumes are being bound for.
func waitsFor(ws []controller.Wait) string {
	for _, w := range ws {
		if node, ok := strings.CutPrefix(w.Reason, "waiting for its volumes to be bound for node "); ok {
			return node
		}
	}
	return ""
}
