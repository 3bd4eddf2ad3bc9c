package table

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Describe returns what kubectl describe prints of one object at now. Others
// are the objects among which it looks for related ones, in the API's order
// (by namespace and name): Events of any object, Pods of a StatefulSet, a
// ReplicaSet, a DaemonSet, a claim or a node, ReplicaSets of a Deployment, EndpointSlices of a Service, the Lease of a node,
// ResourceQuotas and LimitRanges of a Namespace. Unrelated
// ones do no harm. Between two descriptions kubectl prints two empty lines.
func Describe(obj apiserver.Object, others []apiserver.Object, now time.Time) string {
	return describe(obj, others, now, true)
}

// DescribeWithoutEvents is Describe where kubectl leaves out the Events: of several
// objects, and of one that was found by the beginning of its name.
func DescribeWithoutEvents(obj apiserver.Object, others []apiserver.Object, now time.Time) string {
	return describe(obj, others, now, false)
}

func describe(obj apiserver.Object, others []apiserver.Object, now time.Time, withEvents bool) string {
	p := newPage(now)
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		p.statefulSet(o, others)
	case *appsv1.Deployment:
		p.deployment(o, others)
	case *appsv1.DaemonSet:
		p.daemonSet(o, others)
	case *appsv1.ReplicaSet:
		p.replicaSet(o, others)
	case *batchv1.CronJob:
		p.cronJob(o)
	case *batchv1.Job:
		p.job(o)
	case *corev1.Pod:
		p.pod(o)
	case *corev1.PersistentVolumeClaim:
		p.claim(o, others)
	case *corev1.PersistentVolume:
		p.volume(o)
	case *corev1.Service:
		p.service(o, others)
	case *discoveryv1.EndpointSlice:
		p.endpointSlice(o)
	case *corev1.Node:
		p.node(o, others)
	case *policyv1.PodDisruptionBudget:
		p.budget(o)
	case *storagev1.StorageClass:
		p.storageClass(o)
	case *schedulingv1.PriorityClass:
		p.priorityClass(o)
	case *corev1.ConfigMap:
		p.configMap(o)
	case *corev1.Secret:
		p.secret(o)
		return p.String()
	case *corev1.Namespace:
		p.namespace(o)
		p.bounds(o.Name, others)
		return p.String()
	case *corev1.ResourceQuota:
		p.quota(o)
		return p.String()
	case *corev1.LimitRange:
		p.limitRange(o)
		return p.String()
	default:
		p.anything(obj)
	}
	if withEvents {
		p.events(eventsOf(obj, others))
	}
	return p.String()
}

// PodTemplate returns a pod template as kubectl rollout history shows it: as in
// a description, with tabs that nobody has laid out.
func PodTemplate(t *corev1.PodTemplateSpec) string {
	p := newPage(time.Time{})
	p.raw = true
	p.podTemplate(t)
	return p.String()
}

// page is a description in the making: lines whose tabs align.
type page struct {
	buf bytes.Buffer
	tab tabwriter.Writer
	now time.Time
	// nest indents every piece of text by so many more levels.
	nest int
	// raw leaves tabs as they are.
	raw bool
}

func newPage(now time.Time) *page {
	p := &page{now: now}
	p.tab.Init(&p.buf, 0, 8, 2, ' ', 0)
	return p
}

// String ends the page and returns its text.
func (p *page) String() string {
	p.flush()
	return p.buf.String()
}

// flush ends all columns, so that the next lines align among themselves.
func (p *page) flush() { _ = p.tab.Flush() } // a buffer takes everything

// line writes a line at an indentation of two spaces a level.
func (p *page) line(level int, format string, args ...any) {
	p.text(level, format+"\n", args...)
}

// text writes a part of a line, or several lines.
func (p *page) text(level int, format string, args ...any) {
	s := strings.Repeat("  ", level+p.nest) + fmt.Sprintf(format, args...)
	if p.raw {
		p.buf.WriteString(escape(s))
		return
	}
	_, _ = p.tab.Write([]byte(escape(s)))
}

// list writes a title and items below each other, or <none>. Indent stands
// before the title and the tab before each further item.
func (p *page) list(indent, title string, items []string) {
	p.text(0, "%s%s:\t", indent, title)
	if len(items) == 0 {
		p.line(0, none)
		return
	}
	for i, item := range items {
		if i > 0 {
			p.text(0, "%s", indent)
			p.text(0, "\t")
		}
		p.line(0, "%s", item)
	}
}

// labels writes labels or node selectors.
func (p *page) labels(indent, title string, labels map[string]string) {
	var items []string
	for _, k := range sortedKeys(labels) {
		items = append(items, k+"="+labels[k])
	}
	p.list(indent, title, items)
}

// annotations writes annotations but for kubectl's own; long ones and those of
// several lines go below their key, each line cut.
func (p *page) annotations(title string, annotations map[string]string) {
	const longest = 140
	p.text(0, "%s:\t", title)
	empty := true
	for _, k := range sortedKeys(annotations) {
		if k == corev1.LastAppliedConfigAnnotation {
			continue
		}
		if !empty {
			p.text(0, "\t")
		}
		empty = false
		v := strings.TrimSuffix(annotations[k], "\n")
		if len(k)+len(v)+2 <= longest && !strings.Contains(v, "\n") {
			p.line(0, "%s: %s", k, v)
			continue
		}
		p.line(0, "%s:", k)
		for _, s := range strings.Split(v, "\n") {
			if len(s) > longest-2 {
				s = s[:longest-2] + "..."
			}
			p.line(0, "\t  %s", s)
		}
	}
	if empty {
		p.line(0, none)
	}
}

// identity writes the lines that most descriptions begin with.
func (p *page) identity(meta *metav1.ObjectMeta) {
	p.line(0, "Name:\t%s", meta.Name)
	p.line(0, "Namespace:\t%s", meta.Namespace)
}

// about writes labels and annotations.
func (p *page) about(meta *metav1.ObjectMeta) {
	p.labels("", "Labels", meta.Labels)
	p.annotations("Annotations", meta.Annotations)
}

// phase writes a volume's or claim's phase, or how long it is being deleted.
func (p *page) phase(phase string, meta *metav1.ObjectMeta) {
	if meta.DeletionTimestamp != nil {
		phase = fmt.Sprintf("Terminating (lasts %s)", age(*meta.DeletionTimestamp, p.now))
	}
	p.line(0, "Status:\t%s", phase)
}
