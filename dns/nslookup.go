package dns

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Nslookup returns what busybox nslookup (1.28 and before, on musl) prints in a
// pod, and whether it found the name; kubectl exec ends with exit code 1 if not.
// Its first line is the well-known complaint about the server that it cannot
// name.
func Nslookup(r Resolver, pod *corev1.Pod, name string) (text string, found bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "nslookup: can't resolve '(null)': %s\n\n", reasonNoName)
	res, err := r.Lookup(pod, name)
	if err != nil {
		reason := reasonNoName
		if e, ok := err.(*LookupError); ok {
			reason = e.Reason
		}
		fmt.Fprintf(&b, "nslookup: can't resolve '%s': %s\n", name, reason)
		return b.String(), false
	}
	fmt.Fprintf(&b, "%-10s %s\n", "Name:", name)
	for i, ip := range res.Addresses {
		fmt.Fprintf(&b, "Address %d: %s", i+1, ip)
		if res.Reverse[i] != "" {
			fmt.Fprintf(&b, " %s", res.Reverse[i])
		}
		b.WriteByte('\n')
	}
	return b.String(), true
}
