package simtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/trace"
)

const (
	setName  = "web"
	badImage = "web:bad" // its containers never become ready
)

// manifest is the set that operations work on: with a Service, a claim for each
// pod and a readiness probe.
const manifest = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/disk
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: %d
  podManagementPolicy: %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: web
        image: %q
        readinessProbe: {periodSeconds: 1, tcpSocket: {port: 80}}
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
`

// workloads are what the images of the manifest do.
func workloads() map[string]kubelet.Workload {
	return map[string]kubelet.Workload{
		"web":    {StartAfter: 500 * time.Millisecond, StopAfter: 300 * time.Millisecond},
		badImage: {Unready: []kubelet.Window{{}}, StopAfter: 300 * time.Millisecond},
	}
}

// run is one script on one cluster.
type run struct {
	c        *sim.Cluster
	monitor  *Monitor
	policy   appsv1.PodManagementPolicyType
	replicas int    // as last asked for
	image    string // as last asked for
	marks    Marks
	done     []trace.Mark // the operations, for a picture
}

// Marks counts what has happened in runs: operations by name, those that had
// nothing to act on as "skipped NAME", and situations worth reaching.
type Marks map[string]int

func (r *run) mark(what string) {
	if r.marks != nil {
		r.marks[what]++
	}
}

// errSkipped says that an operation has nothing to act on.
var errSkipped = errors.New("nothing to act on")

func newRun(s Script, trial Trial) *run {
	r := &run{policy: s.Policy, replicas: 3, image: "web:1", marks: trial.Marks}
	if r.policy == "" {
		r.policy = appsv1.OrderedReadyPodManagement
	}
	var cfg sim.Config
	if trial.Config != nil {
		cfg = trial.Config()
	}
	cfg.Seed, cfg.Provision = s.Seed, true
	if cfg.Limits.Steps == 0 {
		cfg.Limits.Steps = 100_000 // a run has some thousands
	}
	if cfg.Workloads == nil {
		cfg.Workloads = workloads()
	}
	r.c = sim.New(cfg)
	invariants := trial.Invariants
	if invariants == nil {
		invariants = UnderFaults()
	}
	r.monitor = Watch(r.c, invariants...)
	return r
}

func (r *run) manifest() string { return fmt.Sprintf(manifest, r.replicas, r.policy, r.image) }

// play creates the set, does the operations, ends all faults and expects the
// set to come to what its spec says.
func (r *run) play(ops []Operation) error {
	if _, err := r.c.Apply(r.manifest()); err != nil {
		return err
	}
	for i, o := range ops {
		if o.Do != "wait" {
			bad := slices.Contains([]string{"crash", "fail", "hold"}, o.Do)
			r.done = append(r.done, trace.Mark{At: engine.Time(r.c.Now().Sub(apiserver.WallTime(0))), Text: o.String(), Misfortune: bad})
		}
		err := kindOf(o.Do).do(r, o.Args)
		switch {
		case err == nil:
			r.mark(o.Do)
		case errors.Is(err, errSkipped), isRefused(err):
			r.mark("skipped " + o.Do)
		default:
			return fmt.Errorf("operation %d, %s: %w", i+1, o, err)
		}
		if err := r.monitor.Err(); err != nil {
			return fmt.Errorf("after operation %d, %s: %w", i+1, o, err)
		}
	}
	if err := r.heal(); err != nil {
		return fmt.Errorf("after all faults are healed: %w", err)
	}
	return r.monitor.Err()
}

// isRefused reports whether the API has refused an operation, as it may.
func isRefused(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err)
}

// heal ends all faults, and demands convergence twice: to the spec as it is,
// and after the partition is lifted to the newest revision everywhere.
func (r *run) heal() error {
	if err := r.c.Heal(); err != nil {
		return err
	}
	if err := r.restoreSet(); err != nil {
		return err
	}
	if !r.hasBadRevision() {
		if err := r.converge("ready", r.isReady); err != nil {
			return err
		}
	}
	if r.image == badImage {
		if err := image(r, []string{"web:1"}); err != nil {
			return err
		}
	}
	if err := r.patch(`{"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0}}}}`); err != nil {
		return err
	}
	return r.converge("updated", r.isUpdated)
}

// restoreSet creates the set again if it has been deleted. A set that is being
// deleted in the foreground goes first.
func (r *run) restoreSet() error {
	if set := r.set(); set != nil && set.DeletionTimestamp == nil {
		return nil
	}
	for range patience {
		if r.set() == nil {
			_, err := r.c.Apply(r.manifest())
			return err
		}
		if _, err := r.c.Settle(); err != nil {
			return cmp.Or(r.monitor.Err(), err)
		}
		if err := r.c.Run(30 * time.Minute); err != nil {
			return err
		}
	}
	return fmt.Errorf("the set is never gone: %v", r.c.Waiting())
}

// patience is how often a cluster that rests is given another half an hour:
// the longest back-off is 1000 s.
const patience = 3

// converge runs until done says so. Where Kubernetes itself stays stuck until
// somebody deletes a pod, somebody does (see stuck).
func (r *run) converge(what string, done func() string) error {
	helped := 0
	for waits := 0; ; {
		if _, err := r.c.Settle(); err != nil {
			return cmp.Or(r.monitor.Err(), err)
		}
		if err := r.monitor.Err(); err != nil {
			return err
		}
		missing := done()
		if missing == "" {
			return nil
		}
		if pod := r.stuck(); pod != nil && helped < 20 {
			helped++
			r.mark("S29: a stuck rollout")
			if err := r.c.Delete(apiserver.Pod, pod.Namespace, pod.Name); err != nil {
				return err
			}
			continue
		}
		if waits++; waits > patience {
			return &sim.StuckError{Reason: "the set never becomes " + what + ": " + missing, Waiting: r.c.Waiting()}
		}
		if err := r.c.Run(30 * time.Minute); err != nil {
			return err
		}
	}
}

// stuck returns the pod that blocks the set by S29 (kubernetes#67250), or nil:
// under OrderedReady, a pod in the set's range that runs an image which never
// becomes ready, of a revision that is no more the update revision. Its
// successor would be good, and nobody but a user deletes it. Under Parallel the
// controller does (S27).
func (r *run) stuck() *corev1.Pod {
	set := r.set()
	if set == nil || r.policy != appsv1.OrderedReadyPodManagement || r.image == badImage {
		return nil
	}
	for _, pod := range r.pods() {
		_, ordinal := memberOf(pod)
		if pod.DeletionTimestamp == nil && ordinal < int(*set.Spec.Replicas) && pod.Spec.Containers[0].Image == badImage &&
			pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision && !isReady(pod) {
			return pod
		}
	}
	return nil
}

// hasBadRevision reports whether some pod, or one that is still to be created
// below the partition, is meant to run the bad image.
func (r *run) hasBadRevision() bool {
	if r.image == badImage {
		return true
	}
	revisions, err := sim.List[*appsv1.ControllerRevision](r.c, sim.DefaultNamespace, "")
	return err != nil || slices.ContainsFunc(revisions, func(rev *appsv1.ControllerRevision) bool {
		return strings.Contains(string(rev.Data.Raw), badImage)
	})
}

// isReady says what the set lacks of its replicas, or "".
func (r *run) isReady() string {
	set := r.set()
	if set == nil {
		return "it is gone"
	}
	s, want := &set.Status, *set.Spec.Replicas
	pods := r.pods()
	switch {
	case s.ObservedGeneration < set.Generation:
		// Higher is upstream's doing: a sync of the set's predecessor that ends
		// after its deletion meets a conflict, reads the cache again, and writes
		// its status to the successor (UpdateStatefulSetStatus); nothing lowers
		// observedGeneration again (inconsistentStatus).
		return fmt.Sprintf("generation %d is not observed", set.Generation)
	case s.Replicas != want || s.ReadyReplicas != want || s.AvailableReplicas != want:
		return fmt.Sprintf("%d pods, %d ready, %d available of %d", s.Replicas, s.ReadyReplicas, s.AvailableReplicas, want)
	case len(pods) != int(want):
		return fmt.Sprintf("%d pods in the API of %d", len(pods), want)
	}
	seen := map[types.UID]bool{}
	for _, p := range r.c.Processes() {
		seen[p.UID] = true
	}
	for _, pod := range pods {
		if !isReady(pod) || !seen[pod.UID] {
			return pod.Name + " does not run"
		}
	}
	if len(seen) != len(pods) {
		return fmt.Sprintf("%d pods have processes, of %d", len(seen), len(pods))
	}
	return ""
}

// isUpdated says what the set lacks of its newest revision, or "".
func (r *run) isUpdated() string {
	if missing := r.isReady(); missing != "" {
		return missing
	}
	set := r.set()
	s := &set.Status
	if s.CurrentRevision != s.UpdateRevision || s.UpdatedReplicas != *set.Spec.Replicas {
		return fmt.Sprintf("%d of %d at %s, current is %s", s.UpdatedReplicas, *set.Spec.Replicas, s.UpdateRevision, s.CurrentRevision)
	}
	for _, pod := range r.pods() {
		if got, want := pod.Spec.Containers[0].Image, set.Spec.Template.Spec.Containers[0].Image; got != want {
			return fmt.Sprintf("%s runs %s, not %s", pod.Name, got, want)
		}
	}
	return ""
}
