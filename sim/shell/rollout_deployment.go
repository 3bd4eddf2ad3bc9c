package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/deployment"
	"github.com/statefulsim/statefulsim/sim/table"
)

// revisionOf is the number of an object's revision; 0 without one
// (deploymentutil.Revision).
func revisionOf(obj apiserver.Object) (int64, error) {
	text, ok := obj.GetAnnotations()[deployment.Revision]
	if !ok {
		return 0, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// replicaSets returns the ReplicaSets of a Deployment, the new one last.
func (c *call) replicaSets(d *appsv1.Deployment) ([]*appsv1.ReplicaSet, error) {
	objs, err := c.cluster.List(apiserver.ReplicaSet, d.Namespace, "")
	if err != nil {
		return nil, err
	}
	fresh, sets := table.ReplicaSetsOf(d, objs)
	if fresh != nil {
		sets = append(sets, fresh)
	}
	return sets, nil
}

// deploymentHistory is the table of all revisions, or the template of one
// (DeploymentHistoryViewer).
func (c *call) deploymentHistory(d *appsv1.Deployment, wanted int64) (string, error) {
	sets, err := c.replicaSets(d)
	if err != nil {
		return "", err
	}
	byRevision := map[int64]*appsv1.ReplicaSet{}
	for _, rs := range sets {
		if n, err := revisionOf(rs); err == nil {
			byRevision[n] = rs
		}
	}
	switch rs := byRevision[wanted]; {
	case len(byRevision) == 0:
		return "No rollout history found.", nil
	case wanted > 0 && rs == nil:
		return "", errors.New("unable to find the specified revision")
	case wanted > 0:
		template := rs.Spec.Template.DeepCopy()
		if why := rs.Annotations[changeCause]; why != "" {
			if template.Annotations == nil {
				template.Annotations = map[string]string{}
			}
			template.Annotations[changeCause] = why
		}
		return table.PodTemplate(template), nil
	}
	var causes []cause
	for _, n := range slices.Sorted(maps.Keys(byRevision)) {
		rs := byRevision[n]
		why := rs.Annotations[changeCause]
		if why == "" {
			why = rs.Spec.Template.Annotations[changeCause]
		}
		causes = append(causes, cause{n, why})
	}
	return causeTable(causes)
}

// undoDeployment gives a Deployment the template and the annotations of a former
// ReplicaSet (DeploymentRollbacker).
func (c *call) undoDeployment(d *appsv1.Deployment, to int64) (table.Operation, error) {
	sets, err := c.replicaSets(d)
	if err != nil {
		return "", fmt.Errorf("failed to retrieve replica sets from deployment %s: %v", d.Name, err)
	}
	rs, err := formerSet(d, sets, to)
	switch {
	case err != nil:
		return "", err
	case d.Spec.Paused:
		return "", errors.New("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again")
	case deployment.SameTemplate(&rs.Spec.Template, &d.Spec.Template):
		return skippedRollback(to), nil
	}
	template := rs.Spec.Template.DeepCopy()
	delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/spec/template", "value": template},
		{"op": "replace", "path": "/metadata/annotations", "value": deployment.Annotations(d.Annotations, rs.Annotations)},
	})
	if err != nil {
		return "", err
	}
	if res := c.patched(d, apiserver.None, types.JSONPatchType, string(patch)); res.Err != nil {
		return "", fmt.Errorf("failed restoring revision %d: %v", to, res.Err)
	}
	return table.RolledBack, nil
}

// formerSet returns the ReplicaSet of a revision, or that of the last but one.
func formerSet(d *appsv1.Deployment, sets []*appsv1.ReplicaSet, to int64) (*appsv1.ReplicaSet, error) {
	var latest, previous *appsv1.ReplicaSet
	first, second := int64(-1), int64(-1)
	for _, rs := range sets {
		n, err := revisionOf(rs)
		switch {
		case err != nil:
		case to != 0 && n == to:
			return rs, nil
		case n > first:
			latest, previous, first, second = rs, latest, n, first
		case n > second:
			previous, second = rs, n
		}
	}
	switch {
	case to != 0:
		return nil, fmt.Errorf("unable to find specified revision %v in history", to)
	case previous == nil:
		return nil, fmt.Errorf("no rollout history found for deployment %q", d.Name)
	}
	return previous, nil
}
