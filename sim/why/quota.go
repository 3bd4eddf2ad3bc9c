package why

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// quota explains a refusal by a ResourceQuota, from the server's words: what is
// used of it now, and what would make room. The zero Reason says that it is none.
func (x *explainer) quota(refusal, namespace string) Reason {
	for _, kind := range []struct{ before, after string }{
		{"exceeded quota: ", ","}, {"failed quota: ", ":"}, {"status unknown for quota: ", ","},
	} {
		_, rest, ok := strings.Cut(refusal, kind.before)
		if !ok {
			continue
		}
		name, rest, _ := strings.Cut(rest, kind.after)
		key := apiserver.Key{Namespace: namespace, Name: name}
		q, ok := x.c.Get(apiserver.ResourceQuota, key).(*corev1.ResourceQuota)
		if !ok {
			return Reason{Kind: apiserver.ResourceQuota, Key: key, Rules: []string{"Q4"}, Text: "the quota " + x.name(key) + " is gone by now; the controller tries again by itself"}
		}
		r := Reason{Kind: apiserver.ResourceQuota, Key: key, Rules: []string{"Q4"}}
		switch {
		case kind.before == "failed quota: ":
			r.Rules = []string{"Q2"}
			r.Text = fmt.Sprintf("for the quota %s its containers %s", x.name(key), strings.TrimSpace(rest))
			r.Ends = "state it in the template, or give the namespace a LimitRange with defaults"
		case kind.after == ",":
			r.Text, r.Ends = x.left(q, rest)
		}
		return r
	}
	return Reason{}
}

// left says what is used of a quota of what a refusal names, and what would end the
// wait.
func (x *explainer) left(q *corev1.ResourceQuota, refusal string) (text, ends string) {
	_, asked, _ := strings.Cut(refusal, "requested: ")
	asked, _, _ = strings.Cut(asked, ", used: ")
	var names, full []string
	for _, pair := range strings.Split(asked, ",") {
		name, _, _ := strings.Cut(pair, "=")
		hard, limited := q.Status.Hard[corev1.ResourceName(name)]
		used, known := q.Status.Used[corev1.ResourceName(name)]
		if limited && known {
			names = append(names, name)
			full = append(full, fmt.Sprintf("%s of %s %s", used.String(), hard.String(), name))
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("nothing is known yet of what is used of the quota %s", x.nameOf(q)), ""
	}
	slices.Sort(names)
	return fmt.Sprintf("the quota %s has no room for %s: used are %s", x.nameOf(q), asked, strings.Join(full, " and ")),
		fmt.Sprintf("raise %s in spec.hard of ResourceQuota %s, or delete what takes it", strings.Join(names, " and "), x.nameOf(q))
}
