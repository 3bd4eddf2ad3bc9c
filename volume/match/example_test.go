package match_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/volume/match"
)

func Example() {
	var x match.Index
	x.Set(volume("both", "1Gi", corev1.ReadWriteOnce, corev1.ReadWriteMany))
	x.Set(volume("large", "5Gi", corev1.ReadWriteOnce))
	x.Set(volume("b", "2Gi", corev1.ReadWriteOnce))
	x.Set(volume("a", "2Gi", corev1.ReadWriteOnce))

	legal, err := x.ForClaim(claim("1Gi", corev1.ReadWriteOnce), false)
	fmt.Println(legal.Names(), err)
	// Output: [a b] <nil>
}
