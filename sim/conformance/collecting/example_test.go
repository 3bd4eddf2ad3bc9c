package collecting

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Example plays a script to our collector: a set is deleted, and its pod is to
// be left behind (S40). What is printed is what upstream has to show, too.
func Example() {
	set, pod := pool[4], pool[6]
	s := script{
		before: append(namespaces(), step{verb: "create", object: set},
			step{verb: "create", object: pod, owners: []owner{{object: set, block: yes, controller: yes}}}),
		steps: []step{{verb: "delete", object: set, propagation: metav1.DeletePropagationOrphan, pause: time.Second}},
	}
	fmt.Print(ours(s, 0).diary.rests[1])
	// Output:
	// step 0: <nil>
	//   Namespace default Namespace.default#1
	//   Namespace other Namespace.other#1
	//   Pod default/a Pod.default/a#1
	//   did: Pod default/a Pod.default/a#1: -apps/v1/StatefulSet/a/StatefulSet.default/a#1,c=true,b=true
	//   did: StatefulSet default/a StatefulSet.default/a#1: gone
	//   asked: patch Pod default/a
	//   asked: patch StatefulSet default/a
}
