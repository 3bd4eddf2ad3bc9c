package table

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var (
	quotaColumns      = columns("*Name Request Limit Age")
	limitRangeColumns = columns("*Name Created_At")
)

// quotaCells is printResourceQuota: what is used of each amount, limits apart.
func quotaCells(q *corev1.ResourceQuota, now time.Time) []string {
	var requests, limits []string
	for _, name := range sortedKeys(q.Status.Hard) {
		used, hard := q.Status.Used[name], q.Status.Hard[name]
		cell := string(name) + ": " + used.String() + "/" + hard.String()
		if strings.HasPrefix(string(name), "limits.") {
			limits = append(limits, cell)
		} else {
			requests = append(requests, cell)
		}
	}
	return []string{q.Name, strings.Join(requests, ", "), strings.Join(limits, ", "), age(q.CreationTimestamp, now)}
}

// limitRangeCells is the table of what the server has no columns for
// (defaultTableConvertor).
func limitRangeCells(l *corev1.LimitRange) []string {
	return []string{l.Name, l.CreationTimestamp.UTC().Format(time.RFC3339)}
}
