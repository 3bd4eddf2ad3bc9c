package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// rolled returns the objects of a rollout command, which are of the kinds that it is
// for; others are refused in kubectl's words.
func (c *call) rolled(refusal string, kinds ...apiserver.Kind) []apiserver.Object {
	if len(c.args) == 0 && len(c.list("filename")) == 0 {
		c.wrong("required resource not specified")
		return nil
	}
	var list []apiserver.Object
	for _, obj := range c.targets(c.args, true) {
		switch kind := apiserver.KindOf(obj); {
		case slices.Contains(kinds, kind):
			list = append(list, obj)
		case strings.Contains(refusal, "%s"):
			c.wrong(refusal, groupKind(kind))
		default:
			c.wrong("%s %q %s", kind.GroupResource(), obj.GetName(), refusal)
		}
	}
	return list
}

func groupKind(kind apiserver.Kind) string { return kind.GroupVersionKind().GroupKind().String() }

// rolloutStatus: kubectl rollout status sts/NAME: a line for each state of the
// set, until the rollout is over.
func (c *call) rolloutStatus() {
	if c.number("revision") < 0 {
		c.wrong("revision must be a positive integer: %v", c.number("revision"))
		return
	}
	for _, obj := range c.rolled("no status viewer has been implemented for %s", apiserver.StatefulSet, apiserver.Deployment, apiserver.DaemonSet) {
		if err := c.atRevision(obj); err != nil {
			c.fail(err)
			continue
		}
		c.followRollout(obj)
	}
}

// atRevision holds --revision, which is for Deployments alone.
func (c *call) atRevision(obj apiserver.Object) error {
	wanted := c.number("revision")
	if _, ok := obj.(*appsv1.Deployment); !ok || wanted == 0 {
		return nil
	}
	at, err := revisionOf(obj)
	if err != nil {
		return fmt.Errorf("cannot get the revision of deployment %q: %v", obj.GetName(), err)
	}
	if at != wanted {
		return fmt.Errorf("desired revision (%d) is different from the running revision (%d)", wanted, at)
	}
	return nil
}

func (c *call) followRollout(obj apiserver.Object) {
	over := false
	look := func(obj apiserver.Object) {
		message, done, err := table.RolloutStatus(obj)
		if err != nil {
			c.fail(err)
			over = true
			return
		}
		c.print("%s\n", message)
		over = done || !c.on("watch")
	}
	look(obj)
	defer c.cluster.OnRecord(func(rec *apiserver.Record) {
		switch {
		case over || rec.Kind != apiserver.KindOf(obj) || rec.Key != apiserver.KeyOf(obj):
		case rec.Type == watch.Deleted:
			c.fail(table.ErrSetDeleted)
			over = true
		default:
			look(rec.Object)
		}
	})()
	isOver := func() bool { return over }
	limit := c.span("timeout")
	if limit == 0 {
		if err := c.cluster.RunUntil(isOver); err != nil {
			c.fail(err)
		}
		return
	}
	switch done, err := c.cluster.Await(limit, isOver); {
	case err != nil:
		c.fail(err)
	case !done:
		c.wrong("timed out waiting for the condition")
	}
}

// templated is what kubectl reads of a StatefulSet or a DaemonSet: its selector and
// its template, which are the set's own.
func templated(set apiserver.Object) (*metav1.LabelSelector, *corev1.PodTemplateSpec) {
	if d, ok := set.(*appsv1.DaemonSet); ok {
		return d.Spec.Selector, &d.Spec.Template
	}
	s := set.(*appsv1.StatefulSet)
	return s.Spec.Selector, &s.Spec.Template
}

// revisions returns the revisions of a set, oldest first (statefulSetHistory,
// daemonSetHistory).
func (c *call) revisions(set apiserver.Object) ([]*appsv1.ControllerRevision, error) {
	of, _ := templated(set)
	selector, err := metav1.LabelSelectorAsSelector(of)
	if err != nil {
		return nil, err
	}
	list, err := sim.List[*appsv1.ControllerRevision](c.cluster, set.GetNamespace(), selector.String())
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r *appsv1.ControllerRevision) bool { return !metav1.IsControlledBy(r, set) })
	slices.SortFunc(list, func(a, b *appsv1.ControllerRevision) int { return int(a.Revision - b.Revision) })
	return list, nil
}

// rolloutHistory: kubectl rollout history sts/NAME [--revision=N]
func (c *call) rolloutHistory() {
	wanted := c.number("revision")
	if wanted < 0 {
		c.wrong("revision must be a positive integer: %v", wanted)
		return
	}
	for _, obj := range c.rolled("no history viewer has been implemented for %q", apiserver.StatefulSet, apiserver.Deployment, apiserver.DaemonSet) {
		text, err := c.historyOf(obj, wanted)
		if err != nil {
			c.fail(err)
			continue
		}
		with := ""
		if wanted > 0 {
			with = fmt.Sprintf("with revision #%d", wanted)
		}
		c.print("%s %s\n%s\n", table.Name(apiserver.KindOf(obj), obj.GetName()), with, text)
	}
}

func (c *call) historyOf(obj apiserver.Object, wanted int64) (string, error) {
	if d, ok := obj.(*appsv1.Deployment); ok {
		return c.deploymentHistory(d, wanted)
	}
	return c.history(obj, wanted)
}

// history is the table of all revisions, or the template of one.
func (c *call) history(set apiserver.Object, wanted int64) (string, error) {
	list, err := c.revisions(set)
	switch {
	case err != nil:
		return "", err
	case len(list) == 0:
		return "No rollout history found.", nil
	}
	if wanted > 0 {
		i := slices.IndexFunc(list, func(r *appsv1.ControllerRevision) bool { return r.Revision == wanted })
		if i < 0 {
			return "", errors.New("unable to find the specified revision")
		}
		template, err := templateOf(set, list[i])
		if err != nil {
			return "", fmt.Errorf("unable to parse history %s", list[i].Name)
		}
		return table.PodTemplate(template), nil
	}
	causes := make([]cause, len(list))
	for i, r := range list {
		causes[i] = cause{r.Revision, r.Annotations[changeCause]}
	}
	return causeTable(causes)
}

// changeCause is the annotation in which users say why.
const changeCause = "kubernetes.io/change-cause"

// cause is a revision and what it is said to be for.
type cause struct {
	revision int64
	text     string
}

func causeTable(list []cause) (string, error) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "REVISION\tCHANGE-CAUSE\n")
	for _, c := range list {
		if c.text == "" {
			c.text = "<none>"
		}
		fmt.Fprintf(w, "%d\t%s\n", c.revision, c.text)
	}
	err := w.Flush()
	return b.String(), err
}

// templateOf is the pod template of a revision: its data is a patch of the set.
func templateOf(set apiserver.Object, r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	now, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	patched, err := strategicpatch.StrategicMergePatch(now, r.Data.Raw, set)
	if err != nil {
		return nil, err
	}
	var then struct {
		Spec struct{ Template corev1.PodTemplateSpec }
	}
	err = json.Unmarshal(patched, &then)
	return &then.Spec.Template, err
}

// rolloutUndo: kubectl rollout undo TYPE/NAME [--to-revision=N]
func (c *call) rolloutUndo() {
	to := c.number("to-revision")
	for _, obj := range c.rolled("no rollbacker has been implemented for %q", apiserver.StatefulSet, apiserver.Deployment, apiserver.DaemonSet) {
		kind := apiserver.KindOf(obj)
		if _, ok := obj.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; ok {
			c.warn("Warning: resource %s/%s was previously managed with 'kubectl apply'. "+
				"Rolling back will not update the %s annotation, which may cause unexpected behavior on future 'kubectl apply' operations. "+
				"Consider using 'kubectl apply' with your previous configuration file instead.\n",
				kind.Resource(), obj.GetName(), corev1.LastAppliedConfigAnnotation)
		}
		var done table.Operation
		var err error
		switch o := obj.(type) {
		case *appsv1.Deployment:
			done, err = c.undoDeployment(o, to)
		default:
			done, err = c.undo(obj, to)
		}
		if err != nil {
			c.fail(err)
			continue
		}
		c.report(kind, obj, done)
	}
}

// skippedRollback is what undo answers when there is nothing to do.
func skippedRollback(to int64) table.Operation {
	return table.Operation(fmt.Sprintf("skipped rollback (current template already matches revision %d)", to))
}

// undo gives a set the data of a revision, which is the patch
// (StatefulSetRollbacker, DaemonSetRollbacker).
func (c *call) undo(set apiserver.Object, to int64) (table.Operation, error) {
	list, err := c.revisions(set)
	if err != nil {
		return "", err
	}
	var target *appsv1.ControllerRevision
	switch {
	case to == 0 && len(list) < 2:
		return "", errors.New("no last revision to roll back to")
	case to == 0:
		target = list[len(list)-2]
	default:
		if i := slices.IndexFunc(list, func(r *appsv1.ControllerRevision) bool { return r.Revision == to }); i >= 0 {
			target = list[i]
		}
	}
	if target == nil {
		return "", fmt.Errorf("unable to find specified revision %v in history", to)
	}
	_, now := templated(set)
	if template, err := templateOf(set, target); err == nil && sameJSON(template, now) {
		return skippedRollback(to), nil
	}
	if res := c.patched(set, apiserver.None, types.StrategicMergePatchType, string(target.Data.Raw)); res.Err != nil {
		return "", fmt.Errorf("failed restoring revision %d: %v", to, res.Err)
	}
	return table.RolledBack, nil
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}

// rolloutRestart: kubectl rollout restart TYPE/NAME: every pod is replaced, by an
// annotation of the template.
func (c *call) rolloutRestart() {
	const annotation = "kubectl.kubernetes.io/restartedAt"
	now := c.cluster.Now().Format(time.RFC3339)
	for _, obj := range c.rolled("restarting is not supported", apiserver.StatefulSet, apiserver.Deployment, apiserver.DaemonSet) {
		kind, last := apiserver.KindOf(obj), ""
		switch o := obj.(type) {
		case *appsv1.StatefulSet:
			last = o.Spec.Template.Annotations[annotation]
		case *appsv1.DaemonSet:
			last = o.Spec.Template.Annotations[annotation]
		case *appsv1.Deployment:
			last = o.Spec.Template.Annotations[annotation]
			if o.Spec.Paused {
				c.wrong("%s %q can't restart paused deployment (run rollout resume first)", kind.GroupResource(), o.Name)
				continue
			}
		}
		if last == now {
			c.wrong("failed to create patch for %v: if restart has already been triggered within the past second, please wait before attempting to trigger another", obj.GetName())
			continue
		}
		patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:%q}}}}}`, annotation, now)
		res := c.patched(obj, apiserver.None, types.StrategicMergePatchType, patch)
		if res.Err != nil {
			c.wrong("failed to patch: %v", res.Err)
			continue
		}
		c.report(kind, res.Object, table.Restarted)
	}
}

// rolloutPause: kubectl rollout pause and resume, which Deployments alone support.
func (c *call) rolloutPause() {
	pause, refusal, done, already := true, "pausing is not supported", table.Paused, "is already paused"
	if c.spec.name == "rollout resume" {
		pause, refusal, done, already = false, "resuming is not supported", table.Resumed, "is not paused"
	}
	for _, obj := range c.rolled(refusal, apiserver.Deployment) {
		if obj.(*appsv1.Deployment).Spec.Paused == pause {
			c.wrong("%s %q %s", apiserver.Deployment.GroupResource(), obj.GetName(), already)
			continue
		}
		res := c.patched(obj, apiserver.None, types.StrategicMergePatchType, fmt.Sprintf(`{"spec":{"paused":%t}}`, pause))
		if res.Err != nil {
			c.wrong("failed to patch: %v", res.Err)
			continue
		}
		c.report(apiserver.Deployment, res.Object, done)
	}
}
