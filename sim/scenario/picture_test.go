package scenario

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/trace"
)

// played plays a file of testdata for a picture.
func played(t *testing.T, file string) (*Played, trace.Timeline) {
	t.Helper()
	s, err := Read(file)
	require.NoError(t, err)
	p, err := s.Play(Options{Why: true})
	require.NoError(t, err)
	return p, p.Timeline(s.Title())
}

// TestPictureTellsWhoWaitedForWhom: the readiness of a pod released the creation
// of the next one (S18), a bound claim the scheduling of its pod (C10), and the
// marks are what was typed and what went wrong.
func TestPictureTellsWhoWaitedForWhom(t *testing.T) {
	p, line := played(t, "testdata/ordered.txtar")
	var b bytes.Buffer
	require.NoError(t, trace.WriteLanes(&b, p.Cluster.History(), line))
	for _, want := range []string{
		`pod/web-0 ready at \S+ released the creation of pod/web-1 at `,
		`pod/web-1 ready at \S+ released the creation of pod/web-2 at `,
		`persistentvolumeclaim/www-web-0 with its volume at \S+ released the scheduling of pod/web-0 at `,
		`(?m)^  a 0.00\ds  apply -f web.yaml$`,
	} {
		assert.Regexp(t, want, b.String())
	}
	assert.NotRegexp(t, `released the creation of pod/web-0`, b.String(), "it waited for nobody: a request from outside did it")

	p, line = played(t, "testdata/misfortune.txtar")
	b.Reset()
	require.NoError(t, trace.WriteLanes(&b, p.Cluster.History(), line))
	for _, want := range []string{"⚡ exit web-1 1 OOMKilled", "⚡ nfs down files", "⚡ crash b", "  delete pod web-1\n"} {
		assert.Contains(t, b.String(), want)
	}
	waited := map[string]bool{}
	for _, w := range line.Why {
		waited[w.Key.Name+": "+strings.Join(w.Lines, " ")] = true
	}
	found := false
	for text := range waited { // any order
		found = found || strings.HasPrefix(text, "web-1: web-1 is not Ready because container nginx does not pass its readiness probe")
	}
	assert.True(t, found, "why web-1 waited is not noted")
	again, line2 := played(t, "testdata/misfortune.txtar")
	var one, two bytes.Buffer
	require.NoError(t, trace.WriteHTML(&one, p.Cluster.History(), line))
	require.NoError(t, trace.WriteHTML(&two, again.Cluster.History(), line2))
	assert.Equal(t, one.String(), two.String())
}

// TestPageInBrowser opens the page: its script runs to its end, draws every lane
// and shows the tables of the moment that its address names.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time to start")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here (Debian's package of that name)")
	}
	p, line := played(t, "testdata/ordered.txtar")
	var b bytes.Buffer
	require.NoError(t, trace.WriteHTML(&b, p.Cluster.History(), line))
	file := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
	open := func(hash, size string) string {
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size="+size,
			"--user-data-dir="+filepath.Join(filepath.Dir(file), "profile"), "--dump-dom", "file://"+file+hash).Output()
		require.NoError(t, err)
		dom := string(out)
		require.NotContains(t, dom, "data-error", "the page's script has failed")
		return dom
	}
	end := open("", "1400,1000")
	for _, id := range []string{"pod/default/web-0", "pod/default/web-2", "statefulset/default/web", "persistentvolumeclaim/default/www-web-1", "node/node-3"} {
		assert.Contains(t, end, `data-id="`+id+`"`)
	}
	row := regexp.MustCompile(`<td>web-2</td><td>1/1</td><td>Running</td>`)
	assert.Regexp(t, row, end, "the tables are those of the end")
	first := open("#pod/default/web-1@"+regexp.MustCompile(`"moments":\[([0-9.]+)`).FindStringSubmatch(b.String())[1], "390,800")
	assert.NotRegexp(t, row, first, "and of the beginning, if the address says so")
}
