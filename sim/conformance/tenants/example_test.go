package tenants

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A script is data, and a diary says what came of it.
func Example() {
	in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }
	pod := &corev1.Pod{ObjectMeta: in("y"), Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
	s := script{steps: []step{
		{op: "create", kind: apiserver.ResourceQuota, namespace: "default", name: "x", pause: 10 * time.Second,
			object: &corev1.ResourceQuota{ObjectMeta: in("x"), Spec: corev1.ResourceQuotaSpec{Hard: list("pods", "0")}}},
		{op: "create", kind: apiserver.Pod, namespace: "default", name: "y", pause: 10 * time.Second, object: pod},
	}}
	for line := range strings.Lines(ours(s)) {
		if strings.HasPrefix(line, "step") {
			fmt.Print(line)
		}
	}
	// Output:
	// step 0: <nil>
	// step 1: pods "y" is forbidden: exceeded quota: x, requested: pods=1, used: pods=0, limited: pods=0
}
