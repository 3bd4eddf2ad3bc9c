package shell

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// rolloutStatus prints a line for each state of the set, until the rollout is
// over.
func (s *Shell) rolloutStatus(namespace, name string) Output {
	var out Output
	over := false
	look := func(set *appsv1.StatefulSet) {
		message, done, err := table.RolloutStatus(set)
		if err != nil {
			out = failed(err)
			over = true
			return
		}
		out.Text += message + "\n"
		over = done
	}
	set, err := sim.Get[*appsv1.StatefulSet](s.cluster, namespace, name)
	if err != nil {
		return failed(err)
	}
	look(set)
	stop := s.cluster.OnRecord(func(rec *apiserver.Record) {
		set, ok := rec.Object.(*appsv1.StatefulSet)
		if ok && set.Namespace == namespace && set.Name == name && !over {
			look(set)
		}
	})
	defer stop()
	if err := s.cluster.RunUntil(func() bool { return over }); err != nil {
		e := failed(err)
		out.Text, out.Code = out.Text+e.Text, e.Code
	}
	return out
}

// rolloutUndo goes back to the revision before the newest: its data is the
// patch (kubectl's StatefulSetRollbacker).
func (s *Shell) rolloutUndo(namespace, name string) Output {
	set, err := sim.Get[*appsv1.StatefulSet](s.cluster, namespace, name)
	if err != nil {
		return failed(err)
	}
	revisions, err := sim.List[*appsv1.ControllerRevision](s.cluster, namespace, "")
	if err != nil {
		return failed(err)
	}
	revisions = slices.DeleteFunc(revisions, func(r *appsv1.ControllerRevision) bool { return !metav1.IsControlledBy(r, set) })
	slices.SortFunc(revisions, func(a, b *appsv1.ControllerRevision) int { return int(a.Revision - b.Revision) })
	if len(revisions) < 2 {
		return failure("error: no last revision to roll back to")
	}
	patch := string(revisions[len(revisions)-2].Data.Raw)
	return s.rollTo(namespace, name, patch, table.RolledBack)
}

// rolloutRestart has every pod replaced, by an annotation of the template.
func (s *Shell) rolloutRestart(namespace, name string) Output {
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`,
		s.cluster.Now().Format(time.RFC3339))
	return s.rollTo(namespace, name, patch, table.Restarted)
}

func (s *Shell) rollTo(namespace, name, patch string, op table.Operation) Output {
	_, _, err := s.cluster.Patch(apiserver.StatefulSet, namespace, name, types.StrategicMergePatchType, patch)
	if err != nil {
		return failed(err)
	}
	return printed("%s\n", table.Line(apiserver.StatefulSet, name, op))
}
