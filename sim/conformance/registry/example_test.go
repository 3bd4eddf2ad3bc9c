package registry

import "fmt"

// Example asks the real API server for what it does not have, and shows its
// answer.
func Example() {
	u, err := newUpstream()
	if err != nil {
		panic(err)
	}
	a := u.do(&call{Verb: "patch", Kind: "StatefulSet", Namespace: "default", Name: "web", Type: "application/merge-patch+json", Patch: `{"spec":{"replicas":2}}`})
	fmt.Println(a.Code, a.Body["message"])
	// Output: 404 statefulsets.apps "web" not found
}
