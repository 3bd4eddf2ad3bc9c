package shell_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// said is a command of a session with a real cluster: what was printed, standard
// output and error together, the exit code, and how long the next one waited.
type said struct {
	line, text string
	code       int
	pause      time.Duration
	unseen     bool // done there in another way: not compared
}

// session reads a transcript: "$ LINE", "> PRINTED", ">> PRINTED without a line
// break", "= CODE PAUSE"; "! LINE" does what an editor did there.
func session(t *testing.T, name string) []said {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var list []said
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		last := len(list) - 1
		switch kind, text, _ := strings.Cut(line, " "); kind {
		case "$", "!":
			list = append(list, said{line: text, unseen: kind == "!"})
		case ">":
			list[last].text += text + "\n"
		case ">>":
			list[last].text += text
		case "=":
			var seconds float64
			_, err := fmt.Sscan(text, &list[last].code, &seconds)
			require.NoError(t, err)
			list[last].pause = time.Duration(seconds * float64(time.Second))
		}
	}
	return list
}

// website is the StatefulSet of the session.
func website(image string) string {
	return `apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{port: 80, name: http}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: c
        image: ` + image + `
        ports: [{containerPort: 80, name: http}]
        volumeMounts: [{name: www, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}
`
}

// volumes are n volumes as the recordings have them.
func volumes(n int) string {
	var list []string
	for i := 1; i <= n; i++ {
		list = append(list, fmt.Sprintf("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv-%d}\nspec:\n  nfs: {path: /data/%d, server: 10.0.1.61}\n  accessModes: [ReadWriteOnce]\n  capacity: {storage: 5Gi}\n", i, i))
	}
	return strings.Join(list, "\n---\n")
}

// chances are what differs from run to run: ages, times, addresses, hashes, UIDs,
// and with them the widths of columns.
var chances = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b(\d+d)?(\d+h)?(\d+m)?\d+s\b`), "AGE"}, {regexp.MustCompile(`\b\d+[dhm](\d+[hms])?\b`), "AGE"},
	{regexp.MustCompile(`\bweb-[0-9a-f]{8,10}\b`), "web-HASH"}, {regexp.MustCompile(`\d+\.\d+\.\d+\.\d+`), "ADDRESS"},
	{regexp.MustCompile(`[A-Z][a-z]{2}, \d\d [A-Z].*\+0000`), "TIME"}, {regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`), "UID"},
	{regexp.MustCompile(`[ \t]+`), " "}, {regexp.MustCompile(` \n`), "\n"},
}

// plain takes the chances out of a text.
func plain(text string) string {
	for _, r := range chances {
		text = r.from.ReplaceAllString(text, r.to)
	}
	if strings.Contains(text, "evicting pod") { // a pod each in a goroutine of kubectl's: which comes first is chance
		return inNoOrder(regexp.MustCompile(`web-\d`).ReplaceAllString(text, "web-N"))
	}
	page, events, ok := strings.Cut(text, "Events:\n") // those of one second are in no order
	if !ok {
		return text
	}
	return page + inNoOrder(events)
}

// inNoOrder sorts lines, and what a list of errors holds.
func inNoOrder(text string) string {
	text = regexp.MustCompile(`\[error.*?\]`).ReplaceAllStringFunc(text, func(list string) string {
		errs := strings.Split(strings.Trim(list, "[]"), ", ")
		slices.Sort(errs)
		return "[" + strings.Join(errs, ", ") + "]"
	})
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

var sessionFiles = fstest.MapFS{
	"pv.yaml": {Data: []byte(volumes(4))}, "web.yaml": {Data: []byte(website("nginx:1.0"))}, "web2.yaml": {Data: []byte(website("nginx:1.1"))},
	"web3.yaml": {Data: []byte(strings.Replace(website("nginx:1.0"), "replicas: 2", "replicas: 3", 1) +
		"---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 2, selector: {matchLabels: {app: web}}}\n")},
	"ns.yaml":  {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n")},
	"pdb.yaml": {Data: []byte("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n")},
}

// pause is how long a real kubectl took, beside what the session's author waited.
const pause = 300 * time.Millisecond

// replay types a session, until more than so many answers are not those of the
// real cluster, and returns the answers and how many those are.
func replay(t *testing.T, nodes int, seed uint64, list []said, most int) (outs []shell.Output, differ int) {
	t.Helper()
	c := sim.New(sim.Config{Seed: seed, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}, {Name: "node-3"}}[:nodes], History: -1})
	require.NoError(t, c.Run(20*time.Second))
	sh := shell.New(c, sessionFiles)
	for _, want := range list {
		got := sh.Run(want.line)
		outs = append(outs, got)
		if !want.unseen && (plain(want.text) != plain(got.Text) || want.code != got.Code) {
			if differ++; differ > most {
				break
			}
		}
		require.NoError(t, c.Run(want.pause+pause))
	}
	return outs, differ
}

// TestSessions types what was typed at real clusters of two and three nodes:
// there is a seed with which every answer is the real one's. Which volume a claim
// binds and which node a pod gets is chance.
func TestSessions(t *testing.T) {
	for name, nodes := range map[string]int{"session.txt": 2, "drain.txt": 3} {
		t.Run(name, func(t *testing.T) {
			list := session(t, name)
			require.NotEmpty(t, list)
			for i := range list {
				list[i].text = plain(list[i].text)
			}
			best, least := uint64(0), len(list)+1
			for seed := uint64(0); least > 0 && seed < 300; seed++ {
				if _, n := replay(t, nodes, seed, list, least-1); n < least {
					best, least = seed, n
				}
			}
			outs, _ := replay(t, nodes, best, list, len(list))
			for i, got := range outs {
				if want := list[i]; !want.unseen {
					assert.Equal(t, want.text, plain(got.Text), "seed %d: %s", best, want.line)
					assert.Equal(t, want.code, got.Code, "seed %d: %s", best, want.line)
				}
			}
		})
	}
}
