package scenario

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

func TestFiles(t *testing.T) { Run(t, "testdata/*.txtar") }

// TestErrors: what is wrong with a file is said with its line.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{ // each on its own
		"":                                      `f:1: there is nothing to do`,
		"# prose\n":                             `f:1: there is nothing to do`,
		"\nkubectl get pods\n":                  `f:2: "kubectl get pods" stands where a step has to: a command begins with "$ "`,
		"# prose\nmore prose\n":                 `f:2: "more prose" stands where a step has to`,
		"> frob\n":                              `f:1: there is no directive "frob"; there are answer, ask, crash, `,
		"$ ls\n> run\n":                         `f:2: run: SPAN is missing (usage: > run SPAN)`,
		"> run 5 minutes\n":                     `f:1: run: SPAN: "5" is no span of time: want 90s, 5m, 1h30m or 13d`,
		"> run 5m now\n":                        `f:1: run: "now" is too much`,
		"> run -5m\n":                           `f:1: run: `,
		"$ ls\n> seed 7\n":                      `f:2: seed describes the cluster, and has to stand before line 1`,
		"> seed -1\n$ ls":                       `f:1: seed: "-1" is no seed`,
		"> seed 1\noutput\n$ ls":                `f:2: "> seed 1" prints nothing`,
		"> expect pod/web-0\n":                  `f:1: expect: STATE is missing`,
		"> expect web-0 Ready\n":                `f:1: expect: "web-0" is no TYPE/NAME`,
		"> expect frob/web-0 Ready\n":           `f:1: expect: there is no kind "frob"`,
		"> expect pod/web-0 COLOR=red\n":        `f:1: expect: kubectl shows no column "COLOR" of a Pod; it shows NAME, READY, STATUS`,
		"> expect pod/web-0 gone Ready\n":       `f:1: expect: "gone" stands alone`,
		"> workload x {frob: 1}\n":              `f:1: workload: `,
		"> workload x {startAfter: soon}\n":     `f:1: workload: `,
		"> workload x {exitCode: 300000000000}": `f:1: workload: `,
		"> fail scheduler eat pods 1 internal":  `f:1: fail: VERB: want get, create, `,
		"> exit web-0 999":                      `f:1: exit: CODE: want 0 to 255, not "999"`,
		"$ cat <<END\nx\n":                      `f:1: the here-document does not end: there is no line "END"`,
		"$ ls \\":                               `f:1: the command goes on after its last line`,
		"$ \n":                                  `f:1: there is no command`,
		"$ ls\n-- a --\nx\n-- a --\n":           `f:4: there is a second file "a"`,
		"$ ls\n-- ../a --\nx\n":                 `f:2: "../a" is no name of a file here`,
		"> nfs melt files":                      `f:1: nfs: WHAT: want down, up, slow, unexport, export, read-only, writable, full, room, not "melt"`,
		"> node a b":                            `f:1: node: "b" is no LABEL=VALUE`,
		"> node a --taint x":                    `f:1: node: "x" is no taint`,
		"> volumes many":                        `f:1: volumes: N: want 1 to 1000000, not "many"`,
		"> run '5m":                             `f:1: run: cannot be divided into words`,
	} {
		s, err := Parse("f", []byte(text))
		require.Error(t, err, "%q: %+v", text, s)
		assert.Contains(t, err.Error(), want)
		var at *Error
		assert.True(t, errors.As(err, &at))
	}
	for text, want := range map[string]string{
		"> nodes 1\n> nodes 2\n$ ls":      `f:2: nodes 2: nodes are given already: 1`,
		"> gate Frob=true\n$ ls":          `f:1: gate Frob=true: the gate "Frob" is not modelled`,
		"> disable-admission Frob\n$ ls":  `f:1: disable-admission Frob: DisableAdmissionPlugins`,
		"> node a --cpu lots\n$ ls":       `f:1: node a --cpu lots: Nodes[0].CPU`,
		"> node UPPER_\n$ ls":             `f:1: node UPPER_: Nodes[0].Name`,
		"> domain -\n$ kubectl get pods ": `f:1: domain -: ClusterDomain`,
	} {
		s, err := Parse("f", []byte(text))
		require.NoError(t, err, text)
		_, err = s.Play(Options{})
		assert.ErrorContains(t, err, want)
	}
}

// play plays a text.
func play(t *testing.T, text string, o Options) (*Scenario, *Played) {
	t.Helper()
	s, err := Parse("f", []byte(text))
	require.NoError(t, err)
	p, err := s.Play(o)
	require.NoError(t, err)
	return s, p
}

// TestFailures: what could not be done, and which expectation does not hold, is
// an error at its line, whatever the file expects to be printed.
func TestFailures(t *testing.T) {
	set := "\n-- a.yaml --\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec: {replicas: 2, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c, image: i}]}}}\n"
	for text, want := range map[string]string{
		"> crash node-9":                "f:1: crash node-9: nodes \"node-9\" not found",
		"> expect pod/web-0 Ready":      "f:1: expect pod/web-0 Ready: there is no pod/web-0",
		"> expect node/node-1 gone":     "f:1: expect node/node-1 gone: node/node-1 is not gone: STATUS Ready, ",
		"> expect node/node-1 NotReady": "node/node-1 is not NotReady: STATUS Ready",
		"> watched":                     "f:1: watched: there is no watch",
		"> watch kubectl get pods":      "f:1: watch kubectl get pods: sh: no watch",
		"> rows pod/web-0":              "f:1: rows pod/web-0: there never was a pod/web-0",
		"> exit web-0 1":                `f:1: exit web-0 1: pods "web-0" not found`,
		"$ kubectl apply -f a.yaml\n...\n> settle\n...\n> expect pod/web-0 Running" + set: "f:5: expect pod/web-0 Running: pod/web-0 is not Running: READY 0/1, STATUS Pending, RESTARTS 0\n\tweb-0 has no node because 3 of the nodes",
		"$ kubectl apply -f a.yaml\n...\n> until pod/web-1 Ready --within 1m" + set:       "f:3: until pod/web-1 Ready --within 1m: not within 1m0s: there is no pod/web-1\n\tweb-1 is not created because web-0 has no node (S18)",
		"> hold nobody pods 1s":            `f:1: hold nobody pods 1s: no component "nobody"`,
		"> step 1000":                      "f:1: step 1000: nothing is left to happen",
		"> volumes 1 --capacity much":      "f:1: volumes 1 --capacity much: ",
		"> expect node/node-1 {.spec.x}=1": `node/node-1 is not {.spec.x}=1: it is ""`,
	} {
		_, p := play(t, text, Options{})
		assert.ErrorContains(t, p.Err(), want)
	}
}

// TestFormat: what is written back is what was read, but for the outputs that
// were wrong.
func TestFormat(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		s, err := Parse(file, data)
		require.NoError(t, err)
		require.Equal(t, string(data), string(s.Format(nil)), file)
	}
	text := "\n# Wrong.\n$ cat f\nother\n\n\n> settle\nnothing\n$ kubectl version\n...\n\n-- f --\n# a\n...\n\\b\n-- not a marker\n"
	s, p := play(t, text, Options{})
	require.Len(t, p.Mismatches(), 2)
	require.Error(t, s.Verify(p))
	again := string(s.Format(p.Got()))
	require.Equal(t, "\n# Wrong.\n$ cat f\n\\# a\n\\...\n\\\\b\n\\-- not a marker\n\n\n> settle\n$ kubectl version\n...\n\n-- f --\n# a\n...\n\\b\n-- not a marker\n", again)
	s, p = play(t, again, Options{})
	require.NoError(t, s.Verify(p))
	require.Equal(t, again, string(s.Format(p.Got())))
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		want, got string
		is        bool
	}{
		{"", "", true}, {"a\n", "a  \n\n", true}, {"a\n", "b\n", false}, {"...\n", "", true}, {"...\n", "a\nb\n", true},
		{"a\n...\nc\n", "a\nb\nb\nc\n", true}, {"a\n...\nc\n", "a\nb\n", false}, {"...\nb\n...\n", "a\nb\nc\nb\nd\n", true},
		{"\\...\n", "...\n", true}, {"\\...\n", "a\n", false}, {"a\n", "a\nb\n", false}, {"a\nb\n", "a\n", false}, {"...\na\n...\nb\n", "a\nc\na\nb\n", true},
	} {
		s := Step{Want: c.want}
		assert.Equal(t, c.is, s.Matches(c.got), "%q %q", c.want, c.got)
	}
}

// TestWorkloadHasEveryField: what a container does can be written, field by field;
// what is code has pages in its place.
func TestWorkloadHasEveryField(t *testing.T) {
	code := map[string]bool{"HTTP": true, "OnStart": true, "ProbeExec": true}
	text, real := reflect.TypeFor[workload](), reflect.TypeFor[kubelet.Workload]()
	for i := range real.NumField() {
		name := real.Field(i).Name
		_, ok := text.FieldByName(name)
		assert.True(t, ok != code[name], "%s", name)
	}
	w, err := parseWorkload(`{"StartAfter": "1s", "ReadyAfter": 2, "ExitAfter": "3s", "Exits": true, "ExitCode": 4, "IgnoreSIGTERM": true, "StopAfter": "5s",
		"StopCode": 6, "PostStart": "7s", "PreStop": "8s", "PostStartFails": true, "Unready": [{"From": "9s", "To": "10s"}], "Unhealthy": [{"From": "11s"}],
		"CreateError": "no", "StartError": "no", "ProbeOutput": "12", "TLS": true, "ProbeHTTP": true, "User": "13", "Log": ["14"], "ImageSize": 15, "Pages": {"/": "16"}}`)
	require.NoError(t, err)
	v := reflect.ValueOf(w)
	for i := range v.NumField() {
		if name := real.Field(i).Name; name != "OnStart" && name != "ProbeExec" {
			assert.False(t, v.Field(i).IsZero(), "%s is lost", name)
		}
	}
}

// TestEveryMisfortuneHasADirective: a method of Cluster that has something go
// wrong is here, or it is a shell line.
func TestEveryMisfortuneHasADirective(t *testing.T) {
	by := map[string]string{
		"CrashNode": "crash", "RestartController": "restart-controller", "StopKubelet": "stop-kubelet", "RestartNode": "restart", "PartitionNode": "partition", "ReconnectNode": "reconnect", "Hold": "hold", "FailRequests": "fail", "LoseAnswers": "lose-answers", "Heal": "heal",
		"ExitContainer": "exit", "FailProbe": "fail-probe", "SetImageMissing": "image-missing", "NFS": "nfs", "Evict": "evict",
		"CreatePool": "volumes", "Run": "run", "Settle": "settle", "Step": "step", "Await": "until", "Why": "why", "Waiting": "waiting",
		"Processes": "processes", "History": "rows",
	}
	for method, name := range by { // each on its own
		_, ok := reflect.TypeFor[*sim.Cluster]().MethodByName(method)
		assert.True(t, ok, method)
		assert.Contains(t, directives, name)
	}
	// What is in these files has something go wrong, or only looks.
	looks := map[string]bool{"IsDown": true, "IsCutOff": true, "Components": true, "Seen": true, "Cordon": true} // kubectl cordons
	found := 0
	for _, file := range []string{"../faults.go", "../containers.go"} {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.IsExported() {
				found++
				assert.True(t, by[f.Name.Name] != "" || looks[f.Name.Name], "Cluster.%s has no directive", f.Name)
			}
		}
	}
	assert.Greater(t, found, 10)
}

// TestDocumented: doc.go names every directive.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, d := range Directives() {
		name, _, _ := strings.Cut(d[0], " ")
		assert.Regexp(t, `(?m)[ \t]`+name+`( |$)`, string(doc))
		assert.NotEmpty(t, d[1])
	}
}

// TestSeeds: another seed is another history, in which expectations hold and
// outputs are not compared.
func TestSeeds(t *testing.T) {
	s, err := Read("testdata/ordered.txtar")
	require.NoError(t, err)
	for seed := range uint64(20) {
		p, err := s.Play(Options{Seed: &seed})
		require.NoError(t, err)
		require.NoError(t, s.Verify(p), "seed %d", seed)
		require.Equal(t, seed == 7, p.Own)
	}
}

// TestDiff: two seeds, the moment at which their histories part, and the choice
// that makes the difference: alone, it does.
func TestDiff(t *testing.T) {
	s, err := Read("testdata/misfortune.txtar")
	require.NoError(t, err)
	choices := map[string]bool{}
	for other := range uint64(4) {
		d, err := s.Diff(nil, other)
		require.NoError(t, err)
		if other == 0 {
			require.Nil(t, d.Parting)
			require.Equal(t, "Seeds 0 and 0 tell the same history.\n", d.String())
			continue
		}
		require.NotNil(t, d.Parting)
		require.False(t, d.Parting.IsIn(d.A.Cluster.History()))
		require.True(t, d.Parting.IsIn(d.B.Cluster.History()))
		concern, _, _ := strings.Cut(d.Choice, " ")
		choices[concern] = true
		require.Contains(t, d.String(), "The choice that made the difference: "+d.Choice)
	}
	t.Log(choices)
	require.True(t, choices["volume-tie"] || choices["node-tie"], "%v", choices)
}

func FuzzParse(f *testing.F) {
	f.Add("# a\n$ ls\nx\n> run 5s\n\n-- f --\ny\n")
	f.Add("$ a <<B\nB\n> node a b=c\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f", []byte(text))
		if err != nil {
			return
		}
		again := s.Format(nil)
		if _, err := Parse("f", again); err != nil {
			t.Fatalf("%q was read, and %q is not: %v", text, again, err)
		}
	})
}
