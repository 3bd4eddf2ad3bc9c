package shell

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/table"
)

// managers are the names under which kubectl's commands write; the others write
// under the program's.
var managers = map[string]string{
	"annotate": "kubectl-annotate", "apply": "kubectl-client-side-apply", "create": "kubectl-create", "create configmap": "kubectl-create",
	"create namespace": "kubectl-create", "label": "kubectl-label", "patch": "kubectl-patch", "replace": "kubectl-replace",
	"rollout pause": "kubectl-rollout", "rollout restart": "kubectl-rollout", "rollout resume": "kubectl-rollout", "set image": "kubectl-set", "taint": "kubectl-taint",
}

// kubectlItself is who applies on the server's side if nobody else is named.
const kubectlItself = "kubectl"

// manager is the name under which the command writes.
func (c *call) manager() string {
	switch {
	case c.flags.Lookup("field-manager") != nil && c.text("field-manager") != "" && c.flags.Changed("field-manager"):
		return c.text("field-manager")
	case c.flags.Lookup("server-side") != nil && c.on("server-side"):
		return kubectlItself
	}
	return managers[c.spec.name]
}

// conflicting is what kubectl adds to the server's list of conflicts.
const conflicting = `%v
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the ` + "`--force-conflicts`" + ` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`

// applyServerSide is kubectl apply --server-side for one document
// (applyOneObject): the configuration goes to the server as it is. If the object
// was applied on the client's side before, kubectl then takes over what it owned
// as that, and applies again.
func (c *call) applyServerSide(d *manifest.Document) {
	d.SetNamespace(c.namespace)
	key, err := d.Key()
	if err == nil {
		err = d.Refused()
	}
	if err != nil {
		c.fail(err)
		return
	}
	config, err := json.Marshal(d.Fields())
	if err != nil {
		c.fail(err)
		return
	}
	send := func() (apiserver.Object, error) {
		return c.sendPatch(d.Kind, key, c.manager(), apiserver.RawPatch{Type: types.ApplyYAMLPatchType, Data: string(config), Strict: true, Force: c.on("force-conflicts")})
	}
	obj, err := send()
	switch {
	case apierrors.IsConflict(err):
		c.wrong(conflicting, err)
		return
	case err != nil:
		c.fail(err)
		return
	}
	obj, err = c.keepLastApplied(d, obj)
	if err != nil {
		c.warn("Warning: failed to migrate kubectl.kubernetes.io/last-applied-configuration for Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: %v\n", err)
	} else if migrated, err := c.migrate(obj); err != nil {
		c.warn("Warning: failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal and will be retried next time you apply. Error: %v\n", err)
	} else if migrated != nil {
		if obj, err = send(); err != nil {
			c.warn("Warning: failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal and will be retried next time you apply. Error: %v\n", err)
			obj = migrated
		}
	}
	if obj.GetDeletionTimestamp() != nil {
		c.warnAll([]string{fmt.Sprintf("Detected changes to resource %s which is currently being deleted.", key.Name)})
	}
	c.report(d.Kind, obj, table.Operation("serverside-applied"))
}

// sendPatch sends a patch under a name and prints the warnings.
func (c *call) sendPatch(kind apiserver.Kind, key apiserver.Key, manager string, patch apiserver.RawPatch) (apiserver.Object, error) {
	res := c.cluster.Do(apiserver.Request{Verb: apiserver.Patch, Kind: kind, Key: key, Manager: manager, Patch: patch})
	c.warnAll(res.Warnings)
	return res.Object, res.Err
}

var lastAppliedPath = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", corev1.LastAppliedConfigAnnotation))

// keepLastApplied has somebody own the annotation of client-side apply, so that it
// does not go with the manager that is about to (saveLastApplyAnnotationIfNecessary).
func (c *call) keepLastApplied(d *manifest.Document, obj apiserver.Object) (apiserver.Object, error) {
	last, there := obj.GetAnnotations()[manifest.LastApplied]
	if c.manager() != kubectlItself || !there ||
		len(csaupgrade.FindFieldsOwners(obj.GetManagedFields(), metav1.ManagedFieldsOperationApply, lastAppliedPath)) > 0 {
		return obj, nil
	}
	meta := map[string]any{"name": obj.GetName(), "annotations": map[string]string{manifest.LastApplied: last}}
	if ns := obj.GetNamespace(); ns != "" {
		meta["namespace"] = ns
	}
	data, err := json.Marshal(map[string]any{"apiVersion": d.Kind.APIVersion(), "kind": d.Kind.String(), "metadata": meta})
	if err != nil {
		return obj, err
	}
	return c.sendPatch(d.Kind, apiserver.KeyOf(obj), "kubectl-last-applied", apiserver.RawPatch{Type: types.ApplyYAMLPatchType, Data: string(data), Strict: true})
}

// migrate gives the manager what managers of client-side apply own
// (migrateToSSAIfNecessary). It returns nil if there are none.
func (c *call) migrate(obj apiserver.Object) (apiserver.Object, error) {
	names := sets.New[string]()
	for _, entry := range csaupgrade.FindFieldsOwners(obj.GetManagedFields(), metav1.ManagedFieldsOperationUpdate, lastAppliedPath) {
		names.Insert(entry.Manager)
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(obj, names, c.manager())
	if err != nil || patch == nil {
		return nil, err
	}
	return c.sendPatch(apiserver.KindOf(obj), apiserver.KeyOf(obj), c.manager(), apiserver.RawPatch{Type: types.JSONPatchType, Data: string(patch)})
}
