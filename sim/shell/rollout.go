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

// rolled returns the objects of a rollout command. Those of kinds whose rollouts
// nothing drives here are told, others refused in kubectl's words.
func (c *call) rolled(refusal string) []*appsv1.StatefulSet {
	if len(c.args) == 0 && len(c.list("filename")) == 0 {
		c.wrong("required resource not specified")
		return nil
	}
	var sets []*appsv1.StatefulSet
	for _, obj := range c.targets(c.args, true) {
		set, ok := obj.(*appsv1.StatefulSet)
		switch kind := apiserver.KindOf(obj); {
		case ok:
			sets = append(sets, set)
		case kind == apiserver.KindNamed("deployments") || kind == apiserver.KindNamed("daemonsets"):
			c.wrong("no controller acts on a %s here: its rollout is not modelled", kind)
		case strings.Contains(refusal, "%s"):
			c.wrong(refusal, groupKind(kind))
		default:
			c.wrong("%s %q %s", kind.GroupResource(), obj.GetName(), refusal)
		}
	}
	return sets
}

func groupKind(kind apiserver.Kind) string { return kind.GroupVersionKind().GroupKind().String() }

// rolloutStatus: kubectl rollout status sts/NAME: a line for each state of the
// set, until the rollout is over.
func (c *call) rolloutStatus() {
	if c.number("revision") < 0 {
		c.wrong("revision must be a positive integer: %v", c.number("revision"))
		return
	}
	for _, set := range c.rolled("no status viewer has been implemented for %s") {
		c.followRollout(set)
	}
}

func (c *call) followRollout(set *appsv1.StatefulSet) {
	over := false
	look := func(set *appsv1.StatefulSet) {
		message, done, err := table.RolloutStatus(set)
		if err != nil {
			c.fail(err)
			over = true
			return
		}
		c.print("%s\n", message)
		over = done || !c.on("watch")
	}
	look(set)
	defer c.cluster.OnRecord(func(rec *apiserver.Record) {
		now, ok := rec.Object.(*appsv1.StatefulSet)
		switch {
		case !ok || over || rec.Key != apiserver.KeyOf(set):
		case rec.Type == watch.Deleted:
			c.fail(table.ErrSetDeleted)
			over = true
		default:
			look(now)
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

// revisions returns the revisions of a set, oldest first (statefulSetHistory).
func (c *call) revisions(set *appsv1.StatefulSet) ([]*appsv1.ControllerRevision, error) {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, err
	}
	list, err := sim.List[*appsv1.ControllerRevision](c.cluster, set.Namespace, selector.String())
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
	for _, set := range c.rolled("no history viewer has been implemented for %q") {
		text, err := c.history(set, wanted)
		if err != nil {
			c.fail(err)
			continue
		}
		with := ""
		if wanted > 0 {
			with = fmt.Sprintf("with revision #%d", wanted)
		}
		c.print("%s %s\n%s\n", table.Name(apiserver.StatefulSet, set.Name), with, text)
	}
}

// history is the table of all revisions, or the template of one.
func (c *call) history(set *appsv1.StatefulSet, wanted int64) (string, error) {
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
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "REVISION\tCHANGE-CAUSE\n")
	for _, r := range list {
		cause := r.Annotations["kubernetes.io/change-cause"]
		if cause == "" {
			cause = "<none>"
		}
		fmt.Fprintf(w, "%d\t%s\n", r.Revision, cause)
	}
	err = w.Flush()
	return b.String(), err
}

// templateOf is the pod template of a revision: its data is a patch of the set.
func templateOf(set *appsv1.StatefulSet, r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	now, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	patched, err := strategicpatch.StrategicMergePatch(now, r.Data.Raw, set)
	if err != nil {
		return nil, err
	}
	var then appsv1.StatefulSet
	err = json.Unmarshal(patched, &then)
	return &then.Spec.Template, err
}

// rolloutUndo: kubectl rollout undo sts/NAME [--to-revision=N]: the revision's
// data is the patch (StatefulSetRollbacker).
func (c *call) rolloutUndo() {
	to := c.number("to-revision")
	for _, set := range c.rolled("no rollbacker has been implemented for %q") {
		if _, ok := set.Annotations[corev1.LastAppliedConfigAnnotation]; ok {
			c.warn("Warning: resource %s/%s was previously managed with 'kubectl apply'. "+
				"Rolling back will not update the %s annotation, which may cause unexpected behavior on future 'kubectl apply' operations. "+
				"Consider using 'kubectl apply' with your previous configuration file instead.\n",
				apiserver.StatefulSet.Resource(), set.Name, corev1.LastAppliedConfigAnnotation)
		}
		list, err := c.revisions(set)
		if err != nil {
			c.fail(err)
			continue
		}
		var target *appsv1.ControllerRevision
		switch {
		case to == 0 && len(list) < 2:
			c.wrong("no last revision to roll back to")
			continue
		case to == 0:
			target = list[len(list)-2]
		default:
			if i := slices.IndexFunc(list, func(r *appsv1.ControllerRevision) bool { return r.Revision == to }); i >= 0 {
				target = list[i]
			}
		}
		if target == nil {
			c.wrong("unable to find specified revision %v in history", to)
			continue
		}
		if template, err := templateOf(set, target); err == nil && sameJSON(template, &set.Spec.Template) {
			c.report(apiserver.StatefulSet, set, table.Operation(fmt.Sprintf("skipped rollback (current template already matches revision %d)", to)))
			continue
		}
		res := c.patched(set, apiserver.None, types.StrategicMergePatchType, string(target.Data.Raw))
		if res.Err != nil {
			c.wrong("failed restoring revision %d: %v", to, res.Err)
			continue
		}
		c.report(apiserver.StatefulSet, res.Object, table.RolledBack)
	}
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}

// rolloutRestart: kubectl rollout restart sts/NAME: every pod is replaced, by an
// annotation of the template.
func (c *call) rolloutRestart() {
	now := c.cluster.Now().Format(time.RFC3339)
	for _, set := range c.rolled("restarting is not supported") {
		if set.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] == now {
			c.wrong("failed to create patch for %v: if restart has already been triggered within the past second, please wait before attempting to trigger another", set.Name)
			continue
		}
		patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, now)
		res := c.patched(set, apiserver.None, types.StrategicMergePatchType, patch)
		if res.Err != nil {
			c.wrong("failed to patch: %v", res.Err)
			continue
		}
		c.report(apiserver.StatefulSet, res.Object, table.Restarted)
	}
}

// rolloutPause: kubectl rollout pause and resume, which no StatefulSet supports.
func (c *call) rolloutPause() {
	word := "pausing"
	if c.spec.name == "rollout resume" {
		word = "resuming"
	}
	for _, set := range c.rolled(word + " is not supported") {
		c.wrong("%s %q %s is not supported", apiserver.StatefulSet.GroupResource(), set.Name, word)
	}
}
