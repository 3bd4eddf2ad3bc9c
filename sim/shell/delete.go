package shell

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// cascades are the values of --cascade.
var cascades = map[string]metav1.DeletionPropagation{"background": metav1.DeletePropagationBackground,
	"foreground": metav1.DeletePropagationForeground, "orphan": metav1.DeletePropagationOrphan}

// delete: kubectl delete (TYPE (NAME … | -l LABEL | --all) | -f FILE)
func (c *call) delete() {
	if output := c.text("output"); output != "" && output != "name" {
		c.wrong("unexpected -o output mode: %v. We only support '-o name'", output)
		return
	}
	opts, err := c.deleteOptions(c.on("force"))
	if err != nil {
		c.fail(err)
		return
	}
	r, err := c.ask(c.args, false)
	if err != nil {
		c.fail(err)
		return
	}
	c.warnOfForce(opts)
	var refs []ref
	for _, w := range r.wanted {
		for i, key := range w.names {
			t := ref{kind: w.kind, key: key}
			if w.docs != nil {
				t.doc = w.docs[i]
			}
			refs = append(refs, t)
		}
		if !w.list {
			continue
		}
		objs, err := c.listed(w.kind)
		if err != nil {
			c.fail(err)
			return
		}
		for _, obj := range objs {
			refs = append(refs, ref{kind: w.kind, key: apiserver.KeyOf(obj)})
		}
	}
	ignore := c.on("ignore-not-found")
	if !c.flags.Changed("ignore-not-found") && r.listed {
		ignore = true
	}
	if c.deleteAll(refs, opts, c.on("wait"), ignore) == 0 && len(c.errs) == 0 && (r.listed || len(refs) == 0) {
		c.print("No resources found\n")
	}
}

// deleteOptions reads --cascade, --grace-period, --now and --force.
func (c *call) deleteOptions(force bool) (sim.DeleteOptions, error) {
	cascade := c.text("cascade")
	grace := c.number("grace-period")
	opts := sim.DeleteOptions{Propagation: cascades[cascade]}
	switch {
	case opts.Propagation == "":
		return opts, fmt.Errorf("invalid cascade value (%s). Must be \"background\", \"foreground\", or \"orphan\"", cascade)
	case c.on("now") && grace != -1:
		return opts, errors.New("--now and --grace-period cannot be specified together")
	case c.on("now"):
		grace = 1
	case grace == 0 && !force:
		grace = 1 // 0 needs --force
	case grace < 0 && force:
		grace = 0
	}
	switch {
	case c.on("all") && c.text("selector") != "":
		return opts, errors.New("cannot set --all and --selector at the same time")
	case c.on("all") && c.text("field-selector") != "":
		return opts, errors.New("cannot set --all and --field-selector at the same time")
	case grace > 0 && force:
		return opts, errors.New("--force and --grace-period greater than 0 cannot be specified together")
	}
	if grace >= 0 {
		opts.GracePeriodSeconds = &grace
	}
	return opts, nil
}

func isForced(opts sim.DeleteOptions) bool {
	return opts.GracePeriodSeconds != nil && *opts.GracePeriodSeconds == 0
}

func (c *call) warnOfForce(opts sim.DeleteOptions) {
	if isForced(opts) {
		c.warn("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n")
	}
}

// deleteAll deletes objects, waits until they are gone and returns how many
// there were.
func (c *call) deleteAll(refs []ref, opts sim.DeleteOptions, wait, ignoreMissing bool) int {
	var begun []ref
	var uids []types.UID
	warned := !c.flags.Changed("namespace") || c.on("all-namespaces")
	for _, t := range refs {
		if !t.kind.Namespaced() && !warned {
			c.warn("Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n")
			warned = true
		}
		obj, err := c.cluster.Get(t.kind, t.key.Namespace, t.key.Name)
		if err == nil {
			err = c.cluster.Delete(t.kind, t.key.Namespace, t.key.Name, opts)
		}
		switch {
		case err == nil:
			begun, uids = append(begun, t), append(uids, obj.GetUID())
			c.reportDeleted(t, isForced(opts))
		case apierrors.IsNotFound(err) && ignoreMissing:
		case t.doc != nil:
			c.failAt("deleting", t.doc, nil, err)
		default:
			c.fail(err)
		}
	}
	if !wait || c.suffix != "" {
		return len(begun)
	}
	for i, t := range begun {
		c.awaitGone(t, uids[i], c.span("timeout"))
	}
	return len(begun)
}

func (c *call) reportDeleted(t ref, force bool) {
	if c.text("output") == "name" {
		c.print("%s\n", table.Name(t.kind, t.key.Name))
		return
	}
	c.print("%s%s\n", table.DeletedLine(t.kind, t.key, force), c.suffix)
}

// awaitGone lets time pass until an object is gone or another one has its name.
// A zero limit is kubectl's week, which nobody has: it ends when the cluster
// comes to rest, and says what it was waiting for.
func (c *call) awaitGone(t ref, uid types.UID, limit time.Duration) {
	gone := func() bool {
		obj, err := c.cluster.Get(t.kind, t.key.Namespace, t.key.Name)
		return err != nil || obj.GetUID() != uid
	}
	timedOut := fmt.Errorf("timed out waiting for the condition on %s/%s", t.kind.Resource(), t.key.Name)
	if limit == 0 {
		if err := c.cluster.RunUntil(gone); err != nil {
			c.wrong("%v: %v", timedOut, err)
		}
		return
	}
	switch done, err := c.cluster.Await(limit, gone); {
	case err != nil:
		c.fail(err)
	case !done:
		c.fail(timedOut)
	}
}
