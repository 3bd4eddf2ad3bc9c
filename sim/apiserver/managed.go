package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
)

// FieldManager knows who has set which field: it keeps metadata.managedFields and
// merges what is applied on the server's side. Package fieldmanager has the one of
// the real server. It has no state of its own: a cluster and its forks share it.
type FieldManager interface {
	// Update sets the managedFields of next, which a write makes the successor of
	// live. A new object succeeds an empty one.
	Update(w Writing, live, next Object)
	// Apply returns the successor of live that an applied configuration makes, with
	// its managedFields and with defaults; or the conflicts with others' fields.
	Apply(w Writing, live Object, config map[string]any, force bool) (Object, error)
	// ScaleFields turns the managedFields of an object into those of its Scale, and
	// ParentFields those of a Scale into those of the object.
	ScaleFields(kind Kind, fields []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error)
	ParentFields(kind Kind, fields, ofScale []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, error)
}

// Writing is who writes what, and when.
type Writing struct {
	// Kind is in whose version the object was sent; it may be kept as another.
	Kind Kind
	// Custom says what a CustomResource is, and Version in which version it was sent.
	Custom  *Defined
	Version string
	// Subresource is "", "status", "scale" or "finalize".
	Subresource string
	// Manager is the name of the writer.
	Manager string
	// Time is what the stamp of the entry says.
	Time metav1.Time
}

// writing describes a request to the FieldManager. Without a name the writer is
// called by what is before the slash in its user agent (managerOrUserAgent).
func (s *Server) writing(req *Request) Writing {
	w := Writing{Kind: req.Kind, Manager: req.Manager, Time: Stamp(s.now)}
	if s.as.Exists() && s.as.Stored() == req.Kind {
		w.Kind = s.as
	}
	switch req.Subresource {
	case Status:
		w.Subresource = "status"
	case Scale:
		w.Subresource = "scale"
	case Finalize:
		w.Subresource = "finalize"
	}
	if w.Manager == "" {
		w.Manager = agentOf(s.by)
	}
	return w
}

// ofManager are the components that run in kube-controller-manager and that write
// under its name.
var ofManager = []string{
	"statefulset-controller", "deployment-controller", "replicaset-controller", "endpointslice-controller", "disruption-controller",
	"generic-garbage-collector", "namespace-controller", "service-account-controller", "root-ca-cert-publisher", "resourcequota-controller",
	"ephemeral-volume-controller", "horizontal-pod-autoscaler", "node-controller", "taint-eviction-controller", "pod-garbage-collector",
	"persistentvolume-controller", "pvc-protection-controller", "pv-protection-controller", "volume_expand", "attachdetach-controller",
}

// agentOf is what the process of a component calls itself.
func agentOf(by string) string {
	switch {
	case by == "default-scheduler":
		return "kube-scheduler"
	case slices.Contains(ofManager, by):
		return "kube-controller-manager"
	}
	return by
}

// manage sets the managedFields of an object that is being written (the handlers,
// FieldManager.UpdateNoErrors). What was sent has its defaults by then.
func (s *Server) manage(req *Request, obj, old Object) {
	if s.cfg.FieldManager == nil {
		obj.SetManagedFields(nil)
		return
	}
	if req.managed {
		return
	}
	if req.Subresource == Status {
		defaults.SetStatus(obj)
	} else {
		defaults.Set(obj)
	}
	if old == nil {
		old = req.Kind.New()
	}
	s.cfg.FieldManager.Update(s.writing(req), old, obj)
}

// sparedStamps gives a successor the stamps of what it succeeds if nothing else is
// new, so that it is not written (IgnoreManagedFieldsTimestampsTransformer).
func sparedStamps(obj, old Object) {
	was, is := old.GetManagedFields(), obj.GetManagedFields()
	if len(is) == 0 || len(was) != len(is) {
		return
	}
	same := true
	for i := range is {
		same = same && is[i].Time.Equal(was[i].Time)
		a, b := is[i], was[i]
		if a.Time, b.Time = nil, nil; !reflect.DeepEqual(a, b) {
			return
		}
	}
	if same {
		return
	}
	obj.SetManagedFields(was)
	if !apiequality.Semantic.DeepEqual(obj, old) {
		obj.SetManagedFields(is)
	}
}

// configOf reads what a server-side apply sends.
func configOf(raw RawPatch) (map[string]any, error) {
	config := map[string]any{}
	if err := yaml.Unmarshal([]byte(raw.Data), &config); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	if config == nil { // it was null
		config = map[string]any{}
	}
	return config, nil
}

// applyConfig serves a server-side apply: it changes the object, or creates it
// (applyPatcher).
func (s *Server) applyConfig(req *Request, raw RawPatch) Result {
	if s.cfg.FieldManager == nil {
		return Result{Err: errNotApplied()}
	}
	config, err := configOf(raw)
	if err != nil {
		return Result{Err: err}
	}
	old := s.Get(req.Kind, req.Key)
	if old == nil && req.Subresource != None {
		return Result{Err: apierrors.NewNotFound(req.Kind.GroupResource(), req.Key.Name)}
	}
	live := old
	if live == nil {
		live = req.Kind.New()
	}
	if req.Subresource == Scale {
		return s.scaled(req, old, func(scale *autoscalingv1.Scale) (*autoscalingv1.Scale, []string, error) {
			next, err := s.cfg.FieldManager.Apply(s.writing(req), scale, config, raw.Force)
			if err != nil {
				return nil, nil, err
			}
			warnings, err := twiceStated(raw)
			return next.(*autoscalingv1.Scale), warnings, err
		})
	}
	obj, err := s.cfg.FieldManager.Apply(s.writing(req), live, config, raw.Force)
	if err != nil {
		return Result{Err: statusOf(err)}
	}
	warnings, err := twiceStated(raw)
	if err != nil {
		return Result{Err: err}
	}
	req.managed = true
	var res Result
	if old == nil {
		res = s.createByApply(req, obj)
	} else {
		res = s.patched(req, obj, old)
	}
	if len(warnings) > 0 {
		res.Warnings = append(warnings, res.Warnings...)
	}
	return res
}

// createByApply stores an object that was applied and is not there yet.
func (s *Server) createByApply(req *Request, obj Object) Result {
	if uid := obj.GetUID(); uid != "" {
		return Result{Err: apierrors.NewConflict(req.Kind.GroupResource(), req.Key.Name,
			fmt.Errorf("uid mismatch: the provided object specified uid %s, and no existing object was found", uid))}
	}
	if err := matchNamespace(req.Kind, obj, req.Key.Namespace); err != nil {
		return Result{Err: err}
	}
	if err := matchName(obj, req.Key.Name); err != nil {
		return Result{Err: err}
	}
	clearKind(obj)
	wipeMeta(obj)
	if err := s.admitCreate(req.Kind, obj); err != nil {
		if missing, ok := err.(*accountError); ok {
			return Result{Err: missing.StatusError, Again: req.Tries < accountTries-1}
		}
		return Result{Err: err}
	}
	warnings := dedupOwners(obj, twiceAdmitted)
	obj.SetResourceVersion("")
	return s.store(req.Kind, obj, warnings)
}

// twiceStated looks for keys that a configuration states twice, of which the last
// one counts.
func twiceStated(raw RawPatch) ([]string, error) {
	err := yaml.UnmarshalStrict([]byte(raw.Data), &map[string]any{})
	switch {
	case err == nil:
		return nil, nil
	case raw.Strict:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error strict decoding patch: %v", err))
	}
	text := err.Error()
	if i := strings.Index(text, "unmarshal errors:\n"); i >= 0 {
		text = text[i+len("unmarshal errors:\n"):]
	}
	var warnings []string
	for line := range strings.Lines(text) {
		warnings = append(warnings, strings.TrimSpace(line))
	}
	return warnings, nil
}

// statusOf gives an error that is none of the API's a status.
func statusOf(err error) error {
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return status
	}
	return unknownError(err)
}

// errNotApplied refuses server-side apply where nobody knows whose fields are whose.
func errNotApplied() error {
	err := apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, "patch", schema.GroupResource{}, "", "", 0, true)
	err.ErrStatus.Message = fmt.Sprintf("the body of the request was in an unknown format - accepted media types include: %s, %s, %s: "+
		"server-side apply needs a FieldManager, and this cluster was made without one (sim.Config.FieldManager)",
		types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType)
	err.ErrStatus.Details.Causes = nil
	return err
}

// SetDefaults gives an object the defaults of its kind, as when it is created.
func SetDefaults(obj Object) { defaults.Set(obj) }
