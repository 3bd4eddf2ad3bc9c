package serve

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// selection is which objects of a kind are meant.
type selection struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

func (s *selection) matches(obj apiserver.Object) bool {
	if s.namespace != "" && obj.GetNamespace() != s.namespace {
		return false
	}
	if s.labels != nil && !s.labels.Matches(labels.Set(obj.GetLabels())) {
		return false
	}
	return s.fields == nil || s.fields.Empty() || s.fields.Matches(fieldsOf(obj))
}

// everything reports whether all objects of a namespace are meant.
func (s *selection) everything() bool {
	return (s.labels == nil || s.labels.Empty()) && (s.fields == nil || s.fields.Empty())
}

// selectable are the fields by which objects of a kind can be selected, beside
// name and namespace: those that upstream's strategies know
// (AddFieldLabelConversionFunc).
var selectable = map[string]string{
	"Pod":                   "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName",
	"Node":                  "spec.unschedulable",
	"ReplicationController": "status.replicas",
	"Event": "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion involvedObject.resourceVersion " +
		"involvedObject.fieldPath reason reportingComponent source type",
	"Namespace":                 "status.phase",
	"Secret":                    "type",
	"Service":                   "spec.clusterIP spec.type",
	"Job":                       "status.successful",
	"CertificateSigningRequest": "spec.signerName",
}

// fieldLabel refuses what is not selectable, in the words of the kind.
func fieldLabel(kind apiserver.Kind, label, value string) (string, string, error) {
	more, own := selectable[kind.String()]
	switch {
	case !own:
		return runtime.DefaultMetaV1FieldSelectorConversion(label, value)
	case label == "spec.host" && kind == apiserver.Pod: // of old clients
		return "spec.nodeName", value, nil
	case label == "metadata.name", label == "metadata.namespace" && kind.Namespaced(), slices.Contains(strings.Fields(more), label):
		return label, value, nil
	case kind.String() == "Job":
		return "", "", fmt.Errorf("field label %q not supported for Job", label)
	}
	return "", "", fmt.Errorf("field label not supported: %s", label)
}

// fieldsOf returns an object's selectable fields.
func fieldsOf(obj apiserver.Object) fields.Set {
	set := fields.Set{"metadata.name": obj.GetName(), "metadata.namespace": obj.GetNamespace()}
	switch o := obj.(type) {
	case *corev1.Pod:
		podFields(set, o)
	case *corev1.Node:
		set["spec.unschedulable"] = strconv.FormatBool(o.Spec.Unschedulable)
	case *corev1.ReplicationController:
		set["status.replicas"] = strconv.Itoa(int(o.Status.Replicas))
	case *corev1.Event:
		eventFields(set, o)
	case *corev1.Namespace:
		set["status.phase"] = string(o.Status.Phase)
	case *corev1.Secret:
		set["type"] = string(o.Type)
	case *corev1.Service:
		set["spec.clusterIP"], set["spec.type"] = o.Spec.ClusterIP, string(o.Spec.Type)
	case *batchv1.Job:
		set["status.successful"] = strconv.Itoa(int(o.Status.Succeeded))
	case *certificatesv1.CertificateSigningRequest:
		set["spec.signerName"] = o.Spec.SignerName
	}
	return set
}

func podFields(set fields.Set, o *corev1.Pod) {
	ip := o.Status.PodIP
	if len(o.Status.PodIPs) > 0 {
		ip = o.Status.PodIPs[0].IP
	}
	set["spec.nodeName"], set["spec.restartPolicy"] = o.Spec.NodeName, string(o.Spec.RestartPolicy)
	set["spec.schedulerName"], set["spec.serviceAccountName"] = o.Spec.SchedulerName, o.Spec.ServiceAccountName
	set["spec.hostNetwork"] = strconv.FormatBool(o.Spec.HostNetwork)
	set["status.phase"], set["status.podIP"], set["status.nominatedNodeName"] = string(o.Status.Phase), ip, o.Status.NominatedNodeName
}

func eventFields(set fields.Set, o *corev1.Event) {
	about := &o.InvolvedObject
	set["involvedObject.kind"], set["involvedObject.namespace"], set["involvedObject.name"] = about.Kind, about.Namespace, about.Name
	set["involvedObject.uid"], set["involvedObject.apiVersion"] = string(about.UID), about.APIVersion
	set["involvedObject.resourceVersion"], set["involvedObject.fieldPath"] = about.ResourceVersion, about.FieldPath
	set["reason"], set["type"], set["reportingComponent"] = o.Reason, o.Type, o.ReportingController
	set["source"] = cmp.Or(o.Source.Component, o.ReportingController)
}
