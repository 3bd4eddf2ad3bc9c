package registry

import (
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// attempts bounds how often upstream is asked for its errors in another order:
// with claim templates even their paths depend on that of a map.
const attempts = 32

// both are the two servers, always in the same state.
type both struct {
	ours     *ours
	upstream *upstream
}

// do lets both serve a call and compares what they say and what they write. It
// returns upstream's answer and the difference; "" means none.
func (b *both) do(c *call) (answer, string) {
	mine, obj := b.ours.do(c)
	recs := b.ours.server.Drain()
	if c.Verb == "update" && len(recs) > 0 && recs[0].Type == watch.Added {
		mine.Code = http.StatusCreated
	}
	b.hint(recs, obj)
	if details, ok := mine.Body["details"].(map[string]any); ok && (mine.Code == http.StatusUnprocessableEntity || mine.Code == http.StatusForbidden) {
		b.upstream.hints.name, _ = details["name"].(string)
	}
	b.upstream.disk.written = nil
	theirs := b.upstream.do(c)
	var out strings.Builder
	diffAnswers(&out, c, theirs, mine, obj)
	for range attempts { // a refusal changes nothing: ask again
		if out.Len() == 0 || theirs.Code != http.StatusUnprocessableEntity || mine.Code != theirs.Code {
			break
		}
		out.Reset()
		theirs = b.upstream.do(c)
		diffAnswers(&out, c, theirs, mine, obj)
	}
	diffLogs(&out, b.upstream.disk.written, recs)
	if t, o := b.upstream.disk.version, b.ours.server.Version(); t != o {
		fmt.Fprintf(&out, "version: upstream %d, ours %d\n", t, o)
	}
	return theirs, out.String()
}

// hint tells upstream what ours has drawn, for what it has written and for what
// it has answered.
func (b *both) hint(recs []*apiserver.Record, answer apiserver.Object) {
	h := b.upstream.hints
	h.reset()
	if svc, ok := answer.(*corev1.Service); ok {
		h.service(svc)
	}
	if pod, ok := answer.(*corev1.Pod); ok {
		for i := range pod.Spec.Volumes {
			if end, ok := strings.CutPrefix(pod.Spec.Volumes[i].Name, "kube-api-access-"); ok {
				h.volume = end
			}
		}
	}
	for _, rec := range recs {
		if id, err := uuid.Parse(string(rec.Object.GetUID())); err == nil {
			h.uid = id
		}
		if rec.Object.GetGenerateName() != "" {
			h.name = rec.Object.GetName()
		}
		if svc, ok := rec.Object.(*corev1.Service); ok {
			h.service(svc)
		}
	}
}

// service takes over the addresses and ports of a Service.
func (h *hints) service(svc *corev1.Service) {
	for _, ip := range svc.Spec.ClusterIPs {
		if addr := net.ParseIP(ip); addr != nil {
			h.ips = append(h.ips, addr)
		}
	}
	for _, p := range svc.Spec.Ports {
		h.ports = append(h.ports, int(p.NodePort))
	}
	h.ports = append(h.ports, int(svc.Spec.HealthCheckNodePort))
}

func diffAnswers(out *strings.Builder, c *call, theirs, mine answer, obj apiserver.Object) {
	if c.Sub == "eviction" && theirs.Code == http.StatusCreated && theirs.Body["status"] == metav1.StatusFailure {
		code, _ := theirs.Body["code"].(float64) // a refusal to a client, whatever the code of HTTP
		theirs.Code = int(code)
	}
	if theirs.Code != mine.Code {
		fmt.Fprintf(out, "code: upstream %d, ours %d\nupstream: %v\nours: %v\n", theirs.Code, mine.Code, theirs.Body["message"], mine.Body["message"])
		return
	}
	if c.Verb == "deletecollection" && theirs.Code == http.StatusOK { // the list of what was, not of what remains
		return
	}
	if theirs.Code == http.StatusOK && c.Verb == "delete" && theirs.Body["status"] == "Success" {
		details, _ := theirs.Body["details"].(map[string]any)
		if obj == nil || details["uid"] != string(obj.GetUID()) || details["name"] != obj.GetName() {
			fmt.Fprintf(out, "deleted: upstream %v, ours %v\n", details, obj)
		}
		return
	}
	if (c.Sub == "binding" || c.Sub == "eviction") && theirs.Code == http.StatusCreated {
		return
	}
	t, o := plain(theirs.Body), plain(mine.Body)
	if theirs.Code >= 400 && sameCauses(t, o) {
		delete(t, "message")
		delete(o, "message")
	}
	if !reflect.DeepEqual(t, o) {
		fmt.Fprintf(out, "answer (-upstream +ours):\n%s", cmp.Diff(t, o))
	}
	if !slices.Equal(theirs.Warnings, mine.Warnings) {
		fmt.Fprintf(out, "warnings (-upstream +ours):\n%s", cmp.Diff(theirs.Warnings, mine.Warnings))
	}
}

// plain leaves out what is no part of the comparison.
func plain(tree map[string]any) map[string]any {
	if tree["kind"] == "Status" || tree["message"] != nil {
		delete(tree, "kind")
		delete(tree, "apiVersion")
		delete(tree, "metadata")
		return tree
	}
	if m, ok := tree["metadata"].(map[string]any); ok {
		delete(m, "managedFields")
	}
	return tree
}

// sameCauses sorts the causes of two refusals, without those that are there
// twice, and reports whether there are any and they are the same: upstream walks
// maps, and looks at some places several times.
func sameCauses(t, o map[string]any) bool {
	a, b := causesOf(t), causesOf(o)
	return len(a) > 0 && cmp.Equal(a, b)
}

func causesOf(tree map[string]any) []any {
	details, _ := tree["details"].(map[string]any)
	list, _ := details["causes"].([]any)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	list = slices.CompactFunc(list, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	if list != nil {
		details["causes"] = list
	}
	return list
}

// diffLogs compares what was written.
func diffLogs(out *strings.Builder, theirs []written, mine []*apiserver.Record) {
	if len(theirs) != len(mine) {
		fmt.Fprintf(out, "writes: upstream %d, ours %d\n", len(theirs), len(mine))
		return
	}
	for i, w := range theirs {
		gv := schema.GroupVersion{Group: w.Resource.Group, Version: "v1"}
		ext, err := legacyscheme.Scheme.ConvertToVersion(w.Object, gv)
		if err != nil {
			panic(err)
		}
		t, o := plain(treeOf(ext)), plain(treeOf(apiserver.WithKind(mine[i].Object)))
		if w.Type != mine[i].Type {
			fmt.Fprintf(out, "write %d: upstream %s, ours %s\n", i, w.Type, mine[i].Type)
		}
		if !reflect.DeepEqual(t, o) {
			fmt.Fprintf(out, "written %s (-upstream +ours):\n%s", w.Type, cmp.Diff(t, o))
		}
	}
}

func warningsOf(h http.Header) []string {
	var list []string
	parsed, _ := utilnet.ParseWarningHeaders(h["Warning"])
	for _, w := range parsed {
		if strings.HasPrefix(w.Text, "volume \"") || strings.Contains(w.Text, ": deprecated in v1.") { // left out: overlapping paths, plugins
			continue
		}
		list = append(list, w.Text)
	}
	return list
}
