package fieldmanager

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The library stamps what it changes with the machine's time. What it is given is
// therefore dated two centuries back, so that whatever is younger afterwards is
// what it has stamped.
const back = 200 * 365 * 24 * time.Hour

var young = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)

// aged returns entries, dated back.
func aged(entries []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if entries == nil {
		return nil
	}
	list := slices.Clone(entries)
	for i := range list {
		if t := list[i].Time; t != nil {
			list[i].Time = &metav1.Time{Time: t.Add(-back)}
		}
	}
	return list
}

// stamped undoes aged, gives what is new the stamp now, and restores the order, which
// depends on the stamps (sortEncodedManagedFields).
func stamped(entries []metav1.ManagedFieldsEntry, now metav1.Time) []metav1.ManagedFieldsEntry {
	for i := range entries {
		t := entries[i].Time
		switch {
		case t == nil:
		case t.After(young):
			entries[i].Time = &metav1.Time{Time: now.Time}
		default:
			entries[i].Time = &metav1.Time{Time: t.Add(back)}
		}
	}
	slices.SortStableFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(seconds(a.Time), seconds(b.Time)),
			cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Subresource, b.Subresource))
	})
	return entries
}

func seconds(t *metav1.Time) int64 {
	if t == nil {
		return 0
	}
	return t.Unix()
}
