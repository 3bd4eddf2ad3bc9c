package quota

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Names returns the names of a list, sorted.
func Names(list corev1.ResourceList) []corev1.ResourceName { return slices.Sorted(maps.Keys(list)) }

// Equal reports whether two lists have the same names with the same amounts
// (Equals). How an amount is written does not matter.
func Equal(a, b corev1.ResourceList) bool {
	return maps.EqualFunc(a, b, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
}

// Add returns the sums (Add). An amount is written as the first that is not zero.
func Add(a, b corev1.ResourceList) corev1.ResourceList {
	sum := maps.Clone(a)
	if sum == nil {
		sum = corev1.ResourceList{}
	}
	for name, q := range b { // each entry for itself
		if had, ok := a[name]; ok {
			total := had.DeepCopy()
			total.Add(q)
			q = total
		}
		sum[name] = q
	}
	return sum
}

// Mask returns what a list has of some names (Mask).
func Mask(list corev1.ResourceList, names []corev1.ResourceName) corev1.ResourceList {
	masked := corev1.ResourceList{}
	for _, name := range names {
		if q, ok := list[name]; ok {
			masked[name] = q
		}
	}
	return masked
}

// Growth returns by how much a is more than b, which for what is less is nothing
// (SubtractWithNonNegativeResult, RemoveZeros).
func Growth(a, b corev1.ResourceList) corev1.ResourceList {
	more := corev1.ResourceList{}
	for name, q := range a { // each entry for itself
		left := q.DeepCopy()
		if had, ok := b[name]; ok {
			left.Sub(had)
		}
		if left.Sign() > 0 {
			more[name] = left
		}
	}
	return more
}

// Exceeded returns the names of which a has more than there is in limit, sorted
// (LessThanOrEqual).
func Exceeded(a, limit corev1.ResourceList) []corev1.ResourceName {
	var names []corev1.ResourceName
	for _, name := range Names(limit) {
		if q, ok := a[name]; ok && q.Cmp(limit[name]) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// Format writes a list as the plugin's messages do: "cpu=1,pods=2" (prettyPrint).
func Format(list corev1.ResourceList) string {
	parts := make([]string, 0, len(list))
	for _, name := range Names(list) {
		q := list[name]
		parts = append(parts, string(name)+"="+q.String())
	}
	return strings.Join(parts, ",")
}

// Join writes names as the plugin's messages do (prettyPrintResourceNames).
func Join(names []corev1.ResourceName) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}

// charge adds an amount to what a list has of a name.
func charge(list corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	total := list[name].DeepCopy()
	total.Add(q)
	list[name] = total
}

func count(n int64) resource.Quantity { return *resource.NewQuantity(n, resource.DecimalSI) }
