package playground

import (
	"encoding/json"
	"fmt"
)

func Example() {
	var p Playground
	var r Response
	for _, request := range []string{
		`{"op":"open","lesson":"scale-down"}`,
		`{"op":"next"}`,
		`{"op":"do","line":"$ kubectl get sts"}`,
	} {
		r = Response{}
		if err := json.Unmarshal(p.Call([]byte(request)), &r); err != nil {
			panic(err)
		}
		fmt.Println(r.Script)
	}
	fmt.Print(r.Done[0].Got)
	// Output:
	// [3]
	// [4]
	// [4 $ kubectl get sts]
	// NAME   READY   AGE
	// web    0/4     0s
}
