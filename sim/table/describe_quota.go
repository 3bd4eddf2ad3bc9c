package table

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// quota writes a ResourceQuota (describeQuota). An amount that is written in
// another way than what is used of it has that rounded.
func (p *page) quota(q *corev1.ResourceQuota) {
	p.identity(&q.ObjectMeta)
	p.scopes(0, " * ", q.Spec.Scopes)
	p.line(0, "Resource\tUsed\tHard")
	p.line(0, "--------\t----\t----")
	for _, name := range sortedKeys(q.Status.Hard) {
		used, hard := q.Status.Used[name], q.Status.Hard[name]
		if hard.Format != used.Format {
			used = *resource.NewQuantity(used.Value(), hard.Format)
		}
		p.line(0, "%s\t%s\t%s", name, used.String(), hard.String())
	}
}

// scopes writes what a quota is about, and what that means.
func (p *page) scopes(level int, bullet string, scopes []corev1.ResourceQuotaScope) {
	if len(scopes) == 0 {
		return
	}
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	slices.Sort(names)
	p.line(level, "Scopes:\t%s", strings.Join(names, ", "))
	for _, name := range names {
		if text := scopeHelp[corev1.ResourceQuotaScope(name)]; text != "" {
			p.line(level, "%s%s", bullet, text)
		}
	}
}

// scopeHelp is helpTextForResourceQuotaScope.
var scopeHelp = map[corev1.ResourceQuotaScope]string{
	corev1.ResourceQuotaScopeTerminating:    "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
	corev1.ResourceQuotaScopeNotTerminating: "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
	corev1.ResourceQuotaScopeBestEffort:     "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
	corev1.ResourceQuotaScopeNotBestEffort:  "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
}

// bounds writes the quotas and limit ranges of a namespace
// (DescribeResourceQuotas, DescribeLimitRanges).
func (p *page) bounds(namespace string, others []apiserver.Object) {
	var quotas []*corev1.ResourceQuota
	var ranges []*corev1.LimitRange
	for _, obj := range others {
		switch o := obj.(type) {
		case *corev1.ResourceQuota:
			if o.Namespace == namespace {
				quotas = append(quotas, o)
			}
		case *corev1.LimitRange:
			if o.Namespace == namespace {
				ranges = append(ranges, o)
			}
		}
	}
	p.line(0, "")
	if len(quotas) == 0 {
		p.line(0, "No resource quota.")
	} else {
		p.line(0, "Resource Quotas")
	}
	for _, q := range quotas {
		p.line(1, "Name:\t%s", q.Name)
		p.scopes(1, "* ", q.Spec.Scopes)
		p.line(1, "Resource\tUsed\tHard")
		p.line(1, "--------\t---\t---")
		for _, name := range sortedKeys(q.Status.Hard) {
			used, hard := q.Status.Used[name], q.Status.Hard[name]
			p.line(1, "%s\t%s\t%s", name, used.String(), hard.String())
		}
	}
	p.line(0, "")
	if len(ranges) == 0 {
		p.line(0, "No LimitRange resource.")
		return
	}
	p.line(0, "Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
	p.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
	for _, l := range ranges {
		p.limits(" ", l)
	}
}

// limitRange writes a LimitRange (describeLimitRange).
func (p *page) limitRange(l *corev1.LimitRange) {
	p.identity(&l.ObjectMeta)
	p.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
	p.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
	p.limits("", l)
}

// limits writes a line for each resource of each kind of limit. kubectl writes
// those of a kind in the order of a map.
func (p *page) limits(indent string, l *corev1.LimitRange) {
	for i := range l.Spec.Limits {
		item := &l.Spec.Limits[i]
		lists := []corev1.ResourceList{item.Min, item.Max, item.DefaultRequest, item.Default, item.MaxLimitRequestRatio}
		all := map[corev1.ResourceName]bool{}
		for _, list := range lists {
			for name := range list { // a set
				all[name] = true
			}
		}
		for _, name := range sortedKeys(all) {
			cells := []string{indent + string(item.Type), string(name)}
			for _, list := range lists {
				cell := "-"
				if q, ok := list[name]; ok {
					cell = q.String()
				}
				cells = append(cells, cell)
			}
			p.line(0, "%s", strings.Join(cells, "\t"))
		}
	}
}
