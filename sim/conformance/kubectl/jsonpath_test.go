package kubectl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/util/jsonpath"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// data is a ConfigMap with lists, maps, numbers and a condition: its status is
// no status of that kind, so it is the spec of a StatefulSet.
const data = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, labels: {app: web, tier: front, a.b/c: d}, annotations: {note: "a \"quoted\" <text>"}}
spec:
  replicas: 2
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: a, image: "nginx:1", env: [{name: X, value: "1"}, {name: Z, value: "2"}], ports: [{containerPort: 80}]}
      - {name: b, image: "redis:7", env: [{name: X, value: "3"}], ports: [{containerPort: 6379}, {containerPort: 80}]}
      - {name: c, image: "nginx:2"}
`

// pieces are what templates are drawn from: what users write, and what is wrong
// with what they write.
var pieces = []string{
	"{", "}", "{.", ".spec", ".metadata", ".name", ".template", ".spec.template.spec.containers", "[*]", "[0]", "[1]", "[-1]", "[0:2]", "[:2]", "[1:]", "[::2]", "[5]", "[2:1]",
	".labels", "['app']", "['a\\.b/c']", "[0,1]", "['name','image']", "..name", "..", ".*", "[?(@.name==\"a\")]", "[?(@.image!=\"nginx:1\")]", "[?(@.env)]",
	"[?(@.ports[0].containerPort>80)]", "[?(@.ports[0].containerPort==80)]", "[?(@.name>\"a\")]", ".image", ".env", ".value", ".ports", ".containerPort", ".replicas", ".nobody",
	"range ", "{range ", "{end}", "end", "{\"\\n\"}", "{'x'}", "\"t\"", " ", "text", "@", "$", "true", "7", "-1.5", "[", "]", "[x]", "(", "\\", "'", "\"",
}

// TestJSONPath holds the shell's JSONPath against client-go's on one object: the
// same text, or an error both times. Maps are ranged over in their order here and
// in none there, so templates that range over one are left out.
func TestJSONPath(t *testing.T) {
	sh := shell.New(sim.New(sim.Config{NoLatency: true}), fstest.MapFS{"a.yaml": {Data: []byte(data)}})
	made := sh.Run("kubectl create -f a.yaml")
	require.Zero(t, made.Code, made.Text)
	var object any
	dec := json.NewDecoder(strings.NewReader(sh.Run("kubectl get sts web -o json").Stdout))
	require.NoError(t, dec.Decode(&object))
	integers(object)
	same, errs := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var template string
		if rapid.Bool().Draw(t, "wild") {
			template = strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(t, "pieces"), "")
		} else {
			var parts []string
			for _, p := range rapid.SliceOfN(rapid.SampledFrom(pieces[3:52]), 1, 4).Draw(t, "pieces") {
				parts = append(parts, strings.NewReplacer("{", "", "}", "").Replace(p))
			}
			template = "{.spec.template.spec.containers" + strings.Join(parts, "") + "}"
		}
		if strings.Contains(template, "*") && !strings.Contains(template, "[*]") || strings.Contains(template, "..") {
			return
		}
		want, wantErr := upstream(template, object)
		out := sh.Run("kubectl get sts web -o \"jsonpath=" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(template) + `"`)
		if wantErr != nil {
			errs++
			require.NotZero(t, out.Code, "%s: upstream says %v, we print %q", template, wantErr, out.Text)
			return
		}
		same++
		require.Zero(t, out.Code, "%s: upstream prints %q, we say %s", template, want, out.Text)
		require.Equal(t, want, out.Stdout, template)
	})
	require.NotZero(t, same)
	require.NotZero(t, errs)
}

// upstream prints a template with client-go, which may panic on some.
func upstream(template string, object any) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	j := jsonpath.New("out").AllowMissingKeys(true)
	if err := j.Parse(template); err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = j.Execute(&b, object)
	return b.String(), err
}

var whole = regexp.MustCompile(`^-?\d+$`)

// integers turns whole numbers into int64, as kubectl reads them.
func integers(v any) {
	number := func(x any) any {
		if f, ok := x.(float64); ok && whole.MatchString(fmt.Sprint(f)) {
			return int64(f)
		}
		integers(x)
		return x
	}
	switch x := v.(type) {
	case map[string]any:
		for k := range x { // each on its own
			x[k] = number(x[k])
		}
	case []any:
		for i := range x {
			x[i] = number(x[i])
		}
	}
}
