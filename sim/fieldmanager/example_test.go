package fieldmanager_test

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
)

// Two teams share a ConfigMap: each owns what it applies, and is told when it would
// take what is another's.
func Example() {
	c := sim.New(sim.Config{FieldManager: fieldmanager.New()})
	apply := func(team, data string) {
		res := c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.ConfigMap, Key: apiserver.Key{Namespace: "default", Name: "shared"},
			Manager: team, Patch: apiserver.RawPatch{Type: types.ApplyYAMLPatchType,
				Data: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: " + data}})
		if res.Err != nil {
			fmt.Println(res.Err)
			return
		}
		for _, e := range res.Object.GetManagedFields() {
			fmt.Println(e.Manager, e.Operation, e.Time.UTC().Format("15:04:05"), string(e.FieldsV1.GetRawBytes()))
		}
	}
	apply("team-a", "{a: one}")
	apply("team-b", "{b: two}")
	apply("team-b", "{a: mine, b: two}")
	// Output:
	// team-a Apply 00:00:00 {"f:data":{"f:a":{}}}
	// team-a Apply 00:00:00 {"f:data":{"f:a":{}}}
	// team-b Apply 00:00:00 {"f:data":{"f:b":{}}}
	// Apply failed with 1 conflict: conflict with "team-a": .data.a
}
