package shell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// selectable are the fields, beside the name and the namespace, that the server
// can select by (pkg/apis/core/v1/conversion.go).
var selectable = map[apiserver.Kind][]string{
	apiserver.Pod: {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
		"status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"},
	apiserver.Node: {"spec.unschedulable"},
	apiserver.Event: {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
		"involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"},
	apiserver.Namespace: {"status.phase", "name"},
	apiserver.Service:   {"spec.clusterIP", "spec.type"},
}

// unknownField says why the server cannot select by a field, or nothing.
func unknownField(kind apiserver.Kind, field string) string {
	if field == "metadata.name" || field == "metadata.namespace" || slices.Contains(selectable[kind], field) {
		return ""
	}
	if _, ours := selectable[kind]; ours {
		return "field label not supported: " + field
	}
	return fmt.Sprintf("%q is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", field)
}

// fieldsOf returns an object's selectable fields.
func fieldsOf(obj apiserver.Object) fields.Set {
	set := fields.Set{"metadata.name": obj.GetName(), "metadata.namespace": obj.GetNamespace()}
	switch o := obj.(type) {
	case *corev1.Pod:
		var ips []string
		for _, ip := range o.Status.PodIPs {
			ips = append(ips, ip.IP)
		}
		set["spec.nodeName"], set["spec.restartPolicy"] = o.Spec.NodeName, string(o.Spec.RestartPolicy)
		set["spec.schedulerName"], set["spec.serviceAccountName"] = o.Spec.SchedulerName, o.Spec.ServiceAccountName
		set["spec.hostNetwork"] = strconv.FormatBool(o.Spec.HostNetwork)
		set["status.phase"], set["status.podIP"] = string(o.Status.Phase), o.Status.PodIP
		set["status.podIPs"], set["status.nominatedNodeName"] = strings.Join(ips, ","), o.Status.NominatedNodeName
	case *corev1.Node:
		set["spec.unschedulable"] = strconv.FormatBool(o.Spec.Unschedulable)
	case *corev1.Namespace:
		set["status.phase"], set["name"] = string(o.Status.Phase), o.Name
	case *corev1.Service:
		set["spec.clusterIP"], set["spec.type"] = o.Spec.ClusterIP, string(o.Spec.Type)
	case *corev1.Event:
		in := &o.InvolvedObject
		set["involvedObject.kind"], set["involvedObject.namespace"], set["involvedObject.name"] = in.Kind, in.Namespace, in.Name
		set["involvedObject.uid"], set["involvedObject.apiVersion"] = string(in.UID), in.APIVersion
		set["involvedObject.resourceVersion"], set["involvedObject.fieldPath"] = in.ResourceVersion, in.FieldPath
		set["reason"], set["reportingComponent"], set["type"] = o.Reason, o.ReportingController, o.Type
		if set["source"] = o.Source.Component; set["source"] == "" {
			set["source"] = o.ReportingController
		}
	}
	return set
}
