package disrupting

import (
	"fmt"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What is compared, for a budget without pods: upstream's diary is this one to the
// letter.
func Example() {
	b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "b"}, Spec: budgetSpec("min 1")}
	b.Spec.Selector = selector("a")
	s := script{[]step{creation(b)}}
	s.steps[0].pause = 2 * time.Second
	fmt.Print(ours(s))
	// Output:
	// step 0: <nil>
	//   budget b 1 {"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":1,"expectedPods":0,"conditions":[{"type":"DisruptionAllowed","status":"False","observedGeneration":1,"lastTransitionTime":"2026-01-01T00:00:01Z","reason":"InsufficientPods","message":""}]}
	//   event on PodDisruptionBudget b ba73db57-7cf1-4727-8b24-527624a151cb from controllermanager: Normal NoPods: No matching pods found
}
