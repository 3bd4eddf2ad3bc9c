package validation

import (
	"reflect"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
)

// isCounted reports whether the strategy of a kind without behaviour counts its
// generations.
func isCounted(obj runtime.Object) bool {
	switch obj.(type) {
	case *batchv1.Job, *batchv1.CronJob, *corev1.ReplicationController, *corev1.PodTemplate, *autoscalingv2.HorizontalPodAutoscaler,
		*networkingv1.Ingress, *networkingv1.IngressClass, *networkingv1.NetworkPolicy,
		*resourcev1.ResourceSlice, *resourcev1.DeviceClass, *resourcev1.DeviceTaintRule,
		*flowcontrolv1.FlowSchema, *flowcontrolv1.PriorityLevelConfiguration,
		*admissionregistrationv1.ValidatingAdmissionPolicy, *admissionregistrationv1.ValidatingAdmissionPolicyBinding,
		*admissionregistrationv1.MutatingAdmissionPolicy, *admissionregistrationv1.MutatingAdmissionPolicyBinding,
		*admissionregistrationv1.MutatingWebhookConfiguration, *admissionregistrationv1.ValidatingWebhookConfiguration,
		*apiextensionsv1.CustomResourceDefinition:
		return true
	}
	return false
}

// prepareOther is the preparation of a kind without behaviour: whatever has a
// status loses what a client says of it, or keeps what is stored.
func prepareOther(obj, old runtime.Object) {
	v := reflect.ValueOf(obj).Elem()
	if status := v.FieldByName("Status"); status.IsValid() {
		if old == nil {
			status.SetZero()
		} else {
			status.Set(reflect.ValueOf(old).Elem().FieldByName("Status"))
		}
	}
	if d, ok := obj.(*apiextensionsv1.CustomResourceDefinition); ok && old == nil {
		for _, version := range d.Spec.Versions {
			if version.Storage {
				d.Status.StoredVersions = append(d.Status.StoredVersions, version.Name)
			}
		}
	}
	if !isCounted(obj) {
		return
	}
	if m := objectMeta(obj); old == nil {
		m.Generation = 1
	} else {
		raise(&m.Generation, objectMeta(old).Generation, !sameButStatus(v, reflect.ValueOf(old).Elem()))
	}
}

// sameButStatus compares objects without their metadata and status.
func sameButStatus(a, b reflect.Value) bool {
	for i := range a.NumField() {
		switch a.Type().Field(i).Name {
		case "TypeMeta", "ObjectMeta", "Status":
			continue
		}
		if !apiequality.Semantic.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// prepareOtherStatus keeps the spec of a kind without behaviour.
func prepareOtherStatus(obj, old runtime.Object) {
	if spec := reflect.ValueOf(obj).Elem().FieldByName("Spec"); spec.IsValid() {
		spec.Set(reflect.ValueOf(old).Elem().FieldByName("Spec"))
	}
}
