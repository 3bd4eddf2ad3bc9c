package serve

import (
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// deleteOptions reads the body of a deletion, or its query if there is none.
func (c *call) deleteOptions() (*metav1.DeleteOptions, error) {
	opts := &metav1.DeleteOptions{}
	data, err := readBody(c.r)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		if err := metascheme.ParameterCodec.DecodeParameters(c.r.URL.Query(), metaV1, opts); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
	} else {
		info, err := input(c.r)
		if err != nil {
			return nil, err
		}
		// It may be of any group: the old clients' are of the resource's own.
		got, gvk, err := info.Serializer.Decode(data, new(metaV1.WithKind("DeleteOptions")), opts)
		if runtime.IsNotRegisteredError(err) && c.plainText && gvk.Kind == "DeleteOptions" { // of a group that is defined
			got, err = opts, yaml.Unmarshal(data, opts)
		}
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if got != opts {
			return nil, apierrors.NewBadRequest("decoded object cannot be converted to DeleteOptions")
		}
	}
	opts.IgnoreStoreReadErrorWithClusterBreakingPotential = nil // its gate is off
	return opts, invalid("DeleteOptions", validation.ValidateDeleteOptions(opts))
}

// deletion is the request that the options ask for.
func deletion(kind apiserver.Kind, key apiserver.Key, o *metav1.DeleteOptions) apiserver.Request {
	req := apiserver.Request{Verb: apiserver.Delete, Kind: kind, Key: key, GracePeriodSeconds: o.GracePeriodSeconds}
	if p := o.Preconditions; p != nil {
		if p.UID != nil {
			req.UID = *p.UID
		}
		if p.ResourceVersion != nil {
			req.ResourceVersion = *p.ResourceVersion
		}
	}
	switch {
	case o.OrphanDependents != nil && *o.OrphanDependents:
		req.Propagation = metav1.DeletePropagationOrphan
	case o.OrphanDependents != nil:
		req.Propagation = metav1.DeletePropagationBackground
	case o.PropagationPolicy != nil:
		req.Propagation = *o.PropagationPolicy
	}
	return req
}

// answersWithObject are the kinds whose last state is the answer when one is
// gone; for the others it is a Status (registry.Store.ReturnDeletedObject).
var answersWithObject = []string{
	"ResourceClaim", "ResourceClaimTemplate", "ResourceSlice", "DeviceClass", "CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass",
	"ResourceQuota", "PersistentVolume", "PersistentVolumeClaim", "ServiceAccount", "Namespace", "Pod", "Service", "PodTemplate",
}

// delete answers DELETE of an object.
func (c *call) delete(t *target) {
	f, err := c.negotiate(false)
	var opts *metav1.DeleteOptions
	if err == nil {
		opts, err = c.deleteOptions()
	}
	if err != nil {
		c.fail(err)
		return
	}
	var res apiserver.Result
	gone := false
	c.own(func(cl *sim.Cluster) {
		if len(opts.DryRun) > 0 {
			cl = cl.Fork()
		}
		if res = cl.Do(deletion(t.kind, t.key(), opts)); res.Err == nil {
			_, err := t.get(cl)
			gone = apierrors.IsNotFound(err)
		}
	})
	c.warn(res.Warnings)
	switch {
	case res.Err != nil:
		c.fail(res.Err)
	case gone && !slices.Contains(answersWithObject, t.kind.String()):
		f.as = ""
		c.encode(http.StatusOK, f, &metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
			Details: &metav1.StatusDetails{Name: t.name, Group: t.version.Group, Kind: t.resource, UID: res.Object.GetUID()},
		})
	default:
		code := http.StatusOK
		if !gone && opts.OrphanDependents != nil && !*opts.OrphanDependents {
			code = http.StatusAccepted
		}
		c.answer(code, f, t, res.Object)
	}
}

// deleteCollection answers DELETE of a collection: one object after the other, as
// they are now.
func (c *call) deleteCollection(t *target) {
	f, err := c.negotiate(false)
	_, sel, lerr := c.listOptions(t)
	if err == nil {
		err = lerr
	}
	var opts *metav1.DeleteOptions
	if err == nil {
		opts, err = c.deleteOptions()
	}
	if err == nil && t.kind == apiserver.Namespace {
		c.notAllowed()
		return
	}
	if err != nil {
		c.fail(err)
		return
	}
	var objs []apiserver.Object
	var version uint64
	c.own(func(cl *sim.Cluster) {
		if len(opts.DryRun) > 0 {
			cl = cl.Fork()
		}
		version = cl.Version()
		if objs, err = t.list(cl); err != nil {
			return
		}
		objs = slices.DeleteFunc(objs, func(o apiserver.Object) bool { return !sel.matches(o) })
		for _, obj := range objs {
			if res := cl.Do(deletion(t.kind, apiserver.KeyOf(obj), opts)); res.Err != nil && !apierrors.IsNotFound(res.Err) {
				err = res.Err
				return
			}
		}
	})
	if err != nil {
		c.fail(err)
		return
	}
	tr, err := c.transformer(f, t)
	if err != nil {
		c.fail(err)
		return
	}
	list, err := tr.list(objs, metav1.ListMeta{ResourceVersion: versionText(version)})
	if err != nil {
		c.fail(err)
		return
	}
	c.encode(http.StatusOK, f, list)
}
