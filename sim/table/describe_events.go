package table

import (
	"fmt"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// eventsOf returns the events about obj in the order of the API, as kubectl
// selects them: by name, namespace, kind and UID; a pod's whatever their kind;
// a node's also under the UID that the kubelet gives, its name.
func eventsOf(obj apiserver.Object, others []apiserver.Object) []*corev1.Event {
	kind := apiserver.KindOf(obj).String()
	uids := []types.UID{obj.GetUID()}
	switch obj.(type) {
	case *corev1.Pod:
		kind = ""
		if uid, ok := obj.GetAnnotations()[corev1.MirrorPodAnnotationKey]; ok {
			uids[0] = types.UID(uid)
		}
	case *corev1.Node:
		uids = append(uids, types.UID(obj.GetName()))
	}
	var list []*corev1.Event
	for _, uid := range uids {
		for _, other := range others {
			e, ok := other.(*corev1.Event)
			if !ok {
				continue
			}
			ref := &e.InvolvedObject
			if ref.Name == obj.GetName() && ref.Namespace == obj.GetNamespace() &&
				(kind == "" || ref.Kind == kind) && (uid == "" || ref.UID == uid) {
				list = append(list, e)
			}
		}
	}
	return list
}

// byLastTime orders events as kubectl does. The order of equal times is what
// sort.Sort makes of the API's order, there as here.
type byLastTime []*corev1.Event

func (l byLastTime) Len() int      { return len(l) }
func (l byLastTime) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l byLastTime) Less(i, j int) bool {
	return l[i].LastTimestamp.Time.Before(l[j].LastTimestamp.Time)
}

// events writes the table of events, which it sorts (A10).
func (p *page) events(list []*corev1.Event) {
	if len(list) == 0 {
		p.line(0, "Events:\t<none>")
		return
	}
	p.flush()
	sort.Sort(byLastTime(list))
	p.line(0, "Events:")
	p.line(1, "Type\tReason\tAge\tFrom\tMessage")
	p.line(1, "----\t------\t----\t----\t-------")
	for _, e := range list {
		from := e.Source.Component
		if from == "" {
			from = e.ReportingController
		}
		message := strings.TrimSpace(e.Message)
		if path := e.InvolvedObject.FieldPath; path != "" {
			message = path + ": " + message
		}
		p.line(1, "%s\t%s\t%s\t%s\t%s", e.Type, e.Reason, eventAge(e, p.now), from, message)
	}
}

// eventAge is the cell Age, "16s (x2 over 28s)": since the last time, how
// often, since the first time.
func eventAge(e *corev1.Event, now time.Time) string {
	first := since(e.EventTime.Time, now)
	if e.EventTime.IsZero() {
		first = age(e.FirstTimestamp, now)
	}
	switch {
	case e.Series != nil:
		return fmt.Sprintf("%s (x%d over %s)", since(e.Series.LastObservedTime.Time, now), e.Series.Count, first)
	case e.Count > 1:
		return fmt.Sprintf("%s (x%d over %s)", age(e.LastTimestamp, now), e.Count, first)
	}
	return first
}
