package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// TestHTML: the page needs nothing else, and its data has what the history has.
func TestHTML(t *testing.T) {
	recs := theStory("").recs
	var b bytes.Buffer
	at := engine.Time(time.Second)
	require.NoError(t, WriteHTML(&b, recs, Timeline{Title: "</script> & back",
		Why: []Explanation{{At: at, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: "default", Name: "web-0"}, Lines: []string{"web-0 waits"}}}}))
	page := b.String()
	require.Contains(t, page, "<title>&lt;/script&gt; &amp; back</title>")
	require.Equal(t, 1, strings.Count(page, "</script>"), "the data cannot end the script")
	for _, address := range regexp.MustCompile(`(https?:)?//[a-z0-9.]+`).FindAllString(page, -1) {
		require.Equal(t, "http://www.w3.org", address, "the page asks for something else")
	}
	require.NotRegexp(t, `<link|<img|@import|fetch\(|XMLHttpRequest|\ssrc=`, page)

	data := regexp.MustCompile(`(?m)^const D = (.*);$`).FindStringSubmatch(page)
	require.NotNil(t, data)
	var d pageData
	require.NoError(t, json.Unmarshal([]byte(data[1]), &d))
	require.Equal(t, "</script> & back", d.Title)
	require.True(t, slices.IsSorted(d.Moments))
	require.Greater(t, len(d.Moments), 5)
	var ids []string
	for _, g := range d.Groups {
		for _, l := range g.Lanes {
			ids = append(ids, l.ID)
			require.NotEmpty(t, l.Spans)
		}
	}
	require.Equal(t, []string{"pod/default/web-0", "pod/default/web-1", "statefulset/default/web"}, ids)
	require.Equal(t, "web-0 waits", d.Why[0].Lines[0])
	require.Equal(t, []string{"NAME", "READY", "STATUS", "RESTARTS", "AGE", "NODE"}, d.Columns["pods"])
	for _, row := range d.Rows {
		for _, h := range row.History {
			if cells, ok := h[1].([]any); ok {
				require.Len(t, cells, len(d.Columns[row.Kind]), row.ID)
			}
		}
	}
	var again bytes.Buffer
	require.NoError(t, WriteHTML(&again, nil, Timeline{}))
	require.Contains(t, again.String(), "<title>timeline</title>")
	require.ErrorIs(t, WriteHTML(&brokenWriter{}, recs, Timeline{}), io.ErrShortWrite)
}
