package scheduling

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

// Real is upstream's scheduler with its default profile, fed by hand.
type Real struct {
	sched    *scheduler.Scheduler
	supply   *supply
	snapshot *internalcache.Snapshot
	fw       framework.Framework
	ctx      context.Context
	deleted  []string // pods that it deleted, by key
	out      *Decision
	queued   *framework.QueuedPodInfo

	looked, feasible int // nodes, in the last cycle that found one
}

// errStop ends a cycle that found a node before anything is written.
var errStop = errors.New("stop")

// NewReal starts a scheduler; stop it by the context.
func NewReal(ctx context.Context, opts ...scheduler.Option) *Real {
	r := &Real{snapshot: internalcache.NewEmptySnapshot(), ctx: klog.NewContext(ctx, klog.Logger{})}
	client := fake.NewSimpleClientset()
	client.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if d, ok := a.(clienttesting.DeleteAction); ok && a.GetVerb() == "delete" {
			r.deleted = append(r.deleted, d.GetNamespace()+"/"+d.GetName())
		}
		return true, &corev1.Pod{}, nil
	})
	r.supply = newSupply(client)
	sched, err := scheduler.New(r.ctx, client, r.supply, nil,
		profile.RecorderFactory(func(string) events.EventRecorderLogger { return &events.FakeRecorder{} }),
		append(opts, scheduler.WithNodeInfoSnapshot(r.snapshot), scheduler.WithParallelism(1))...)
	if err != nil {
		panic(err)
	}
	r.sched, r.fw = sched, sched.Profiles[corev1.DefaultSchedulerName]
	sched.NextEntity = func(klog.Logger) (framework.QueuedEntityInfo, error) { return r.queued, nil }
	schedule := sched.SchedulePod
	sched.SchedulePod = func(ctx context.Context, fw framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
		res, err := schedule(ctx, fw, state, pod)
		r.looked, r.feasible = res.EvaluatedNodes, res.FeasibleNodes
		if err == nil {
			r.out.Node = res.SuggestedHost
			return res, errStop
		}
		return res, err
	}
	sched.FailureHandler = func(_ context.Context, _ framework.Framework, _ *framework.QueuedPodInfo, status *fwk.Status, n *fwk.NominatingInfo, _ time.Time) {
		r.failed(status, n)
	}
	return r
}

// failed notes how a cycle failed.
func (r *Real) failed(status *fwk.Status, n *fwk.NominatingInfo) {
	if errors.Is(status.AsError(), errStop) {
		return
	}
	r.out.Message, r.out.IsError = status.Message(), !status.IsRejected()
	if n != nil && n.Mode() == fwk.ModeOverride {
		r.out.Nominate = &n.NominatedNodeName
	}
	slices.Sort(r.deleted)
	r.out.Victims = slices.Clone(r.deleted)
}

// load gives it the objects of a cluster.
func (r *Real) load(c *Cluster) {
	r.supply.clear()
	r.update() // of the empty cluster, so that the next one builds the snapshot afresh
	for _, k := range r.supply.kinds {
		for _, obj := range c.objects(k.name) {
			k.put(obj)
		}
	}
	r.deleted = nil
	r.queue(c.Pod())
}

// queue makes a pod the next to be scheduled.
func (r *Real) queue(pod *corev1.Pod) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		panic(err)
	}
	r.queued = &framework.QueuedPodInfo{PodInfo: info}
	r.update()
}

// update takes the snapshot that a cycle reads.
func (r *Real) update() {
	if err := r.sched.Cache.UpdateSnapshot(klog.Logger{}, r.snapshot); err != nil {
		panic(err)
	}
}

// Decide runs one cycle.
func (r *Real) Decide() Decision {
	r.out = &Decision{}
	r.sched.ScheduleOne(r.ctx)
	return *r.out
}

// Judge asks the plugins about each node.
func (r *Real) Judge() Verdicts {
	v := Verdicts{Nodes: map[string]Verdict{}}
	state := framework.NewCycleState()
	pod := r.queued.Pod
	_, status, _ := r.fw.RunPreFilterPlugins(r.ctx, state, pod)
	if !status.IsSuccess() {
		v.PreFilter = verdictOf(status)
		return v
	}
	infos, err := r.snapshot.NodeInfos().List()
	if err != nil {
		panic(err)
	}
	var feasible []fwk.NodeInfo
	for _, n := range infos {
		status := r.fw.RunFilterPlugins(r.ctx, state, pod, n)
		v.Nodes[n.Node().Name] = verdictOf(status)
		if status.IsSuccess() {
			feasible = append(feasible, n)
		}
	}
	if len(feasible) < 2 {
		return v
	}
	r.score(&v, state, feasible)
	return v
}

// Ties returns the nodes that a cycle may choose, sorted: the best of those that
// also leave room for the pods that were promised a node (C5).
func (r *Real) Ties() []string {
	state, v := framework.NewCycleState(), Verdicts{}
	if _, status, _ := r.fw.RunPreFilterPlugins(r.ctx, state, r.queued.Pod); !status.IsSuccess() {
		return nil
	}
	infos, err := r.snapshot.NodeInfos().List()
	if err != nil {
		panic(err)
	}
	var feasible []fwk.NodeInfo
	for _, n := range infos {
		if r.fw.RunFilterPluginsWithNominatedPods(r.ctx, state, r.queued.Pod, n).IsSuccess() {
			feasible = append(feasible, n)
		}
	}
	if len(feasible) < 2 {
		return nil
	}
	r.score(&v, state, feasible)
	return v.Best()
}

// score adds the scores of the feasible nodes.
func (r *Real) score(v *Verdicts, state fwk.CycleState, feasible []fwk.NodeInfo) {
	if s := r.fw.RunPreScorePlugins(r.ctx, state, r.queued.Pod, feasible); !s.IsSuccess() {
		v.ScoreError = s.AsError().Error()
		return
	}
	list, s := r.fw.RunScorePlugins(r.ctx, state, r.queued.Pod, feasible)
	if !s.IsSuccess() {
		v.ScoreError = s.AsError().Error()
		return
	}
	v.Totals, v.Parts = map[string]int64{}, map[string]map[string]int64{}
	for _, n := range list {
		v.Totals[n.Name], v.Parts[n.Name] = n.TotalScore, map[string]int64{}
		for _, p := range n.Scores {
			v.Parts[n.Name][p.Name] = p.Score
		}
	}
}

func verdictOf(s *fwk.Status) Verdict {
	if s.IsSuccess() {
		return Verdict{}
	}
	v := Verdict{Code: s.Code().String(), Plugin: s.Plugin(), Reasons: slices.Clone(s.Reasons())}
	return v
}
