package trace_test

import (
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// A history as rows, as JSON lines, and what is different in another one.
func Example() {
	history := func(color string) []*apiserver.Record {
		e := engine.New(engine.Strategy{})
		s := apiserver.New(e, apiserver.Config{})
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
		s.Do(0, "user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns})
		paint := apiserver.RawPatch{Data: `{"metadata":{"labels":{"color":"` + color + `"}}}`}
		s.Do(1_500_000_000, "user", apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Patch: paint})
		return s.Drain()
	}
	green, blue := history("green"), history("blue")
	if err := trace.WriteText(os.Stdout, green); err != nil {
		panic(err)
	}

	var file strings.Builder
	w := trace.NewWriter(&file)
	for _, rec := range green {
		if err := w.Write(rec); err != nil {
			panic(err)
		}
	}
	back, err := trace.Read(strings.NewReader(file.String()))
	fmt.Println(len(back), "records read, error:", err)
	fmt.Print(trace.Diff(back, blue, trace.DiffOptions{}))
	// Output:
	// TIME    EVENT     OBJECT             BY    CHANGE
	// 0.000s  ADDED     namespace/default  user
	// 1.500s  MODIFIED  namespace/default  user  metadata.labels.color=green
	// 2 records read, error: <nil>
	// --- history: 2 records
	// +++ history: 2 records
	//   0.000s ADDED namespace/default (user)
	//   1.500s MODIFIED namespace/default (user)
	// -     metadata.labels.color: green
	// +     metadata.labels.color: blue
}
