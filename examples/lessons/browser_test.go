package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/examples/lessons/playground"
	"github.com/statefulsim/statefulsim/examples/play/lessons"
)

var (
	shots = flag.String("lessons.shots", "", "write pictures of the pages into this folder, for a person to look at")
	built = flag.String("lessons.site", "", "the site as -build has written it; it is built if this is not given")
)

// served serves the site and returns its address.
func served(t *testing.T) string {
	t.Helper()
	dir := *built
	if dir == "" {
		dir = t.TempDir()
		require.NoError(t, build(t.Context(), dir, os.Stderr))
	} else if files, err := pages(); err == nil { // what is quick to make is made anew
		for name, data := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
		}
	}
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(s.Close)
	return s.URL
}

// TestPages opens the lessons in a browser; -v says how long what takes.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time, and so does the compiler")
	}
	b := startChromium(t)
	url := served(t)
	t.Run("lessons", func(t *testing.T) { everyLesson(t, b, url) })
	t.Run("terminal", func(t *testing.T) { theTerminal(t, b, url) })
	t.Run("link", func(t *testing.T) { theLink(t, b, url) })
	t.Run("narrow", func(t *testing.T) { aNarrowWindow(t, b, url) })
	t.Run("seeds", func(t *testing.T) { hundredSeeds(t, b, url) })
}

const settled = "lessons.state.ready && !lessons.state.busy"

// calm opens an address where nothing moves before one's eyes.
func calm(t *testing.T, b *chromium, url string, width, height int) *page {
	t.Helper()
	p := b.open(t, "about:blank", width, height)
	p.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	p.call(t, "Page.navigate", map[string]any{"url": url}, nil)
	p.until(t, "document.getElementById('told') && "+settled)
	return p
}

// native plays a page's state here and returns its history.
func native(t *testing.T, state playground.State) string {
	t.Helper()
	var p playground.Playground
	request, err := json.Marshal(playground.Request{Op: "open", State: state})
	require.NoError(t, err)
	var r playground.Response
	require.NoError(t, json.Unmarshal(p.Call(request), &r))
	require.Empty(t, r.Error)
	history, err := p.History()
	require.NoError(t, err)
	return string(history)
}

// everyLesson: each loads and plays to its end by keyboard alone: the return key goes
// on, a digit answers a question. What it expects holds, and its history is the one
// that is told natively.
func everyLesson(t *testing.T, b *chromium, url string) {
	var files []string
	for _, name := range lessons.Names() {
		for _, language := range lessons.Languages(name) {
			files = append(files, name+"."+language)
		}
	}
	p := calm(t, b, url+"/?theme=light#/sandbox", 1400, 900)
	for _, file := range files {
		name, language, _ := strings.Cut(file, ".")
		p.eval(t, fmt.Sprintf("location.hash = '#/%s?lang=%s'", name, language), nil)
		p.until(t, fmt.Sprintf("location.hash.includes('/%s') && document.documentElement.lang.startsWith('%s') && document.querySelector('#told h1') && %s", name, language, settled))
		p.eval(t, "document.getElementById('prompt').focus()", nil)
		questions := 0
		for range 300 {
			var state struct{ Over, Ask bool }
			p.eval(t, "({Over: lessons.state.over, Ask: !!document.querySelector('.ask.open')})", &state)
			switch {
			case state.Ask:
				questions++
				p.press(t, "1")
				p.until(t, "!document.querySelector('.ask.open')")
				p.eval(t, "document.activeElement.id === 'next' || (() => { throw new Error('the focus is at ' + document.activeElement.outerHTML) })()", nil)
				p.press(t, "Enter")
			case !state.Over:
				p.press(t, "Enter")
			}
			p.until(t, settled)
			if state.Over {
				break
			}
		}
		require.Equal(t, "true", p.text(t, "lessons.state.over"), "%s does not end", file)
		require.Empty(t, p.text(t, "[...document.querySelectorAll('.held.not')].map(e => e.textContent).join()"), file)
		require.Equal(t, questions, strings.Count(p.text(t, "[...document.querySelectorAll('.ask output')].map(e => e.textContent).join('\\n')"), ":")+strings.Count(p.text(t, "[...document.querySelectorAll('.ask output')].map(e => e.textContent).join('\\n')"), "："), file)
		s, err := lessons.Open(strings.TrimSuffix(file, ".en"))
		require.NoError(t, err)
		want := native(t, playground.State{Lesson: strings.TrimSuffix(file, ".en"), Script: []any{float64(len(s.Steps))}})
		var got string
		p.eval(t, "lessons.ask('history').then(r => r.text)", &got)
		require.True(t, want == got, "%s: WebAssembly and native tell different histories", file)
		p.shoot(t, "end-"+file)
		require.Empty(t, p.failures(), file)
	}
	t.Logf("the slowest, of all steps of all lessons: %s ms in the simulator", p.text(t, "Math.max(...lessons.state.took).toFixed(1)"))
}

// theTerminal answers, knows what it does not know, and why.
func theTerminal(t *testing.T, b *chromium, url string) {
	p := calm(t, b, url+"/?theme=dark#/scale-down", 1400, 900)
	say := func(line string) {
		p.eval(t, "document.getElementById('prompt').focus()", nil)
		p.typeText(t, line)
		p.press(t, "Enter")
		p.until(t, settled)
	}
	p.press(t, "n") // the lesson's first step
	p.until(t, settled)
	say("> settle")
	say("kubectl get pods -o name")
	require.Contains(t, p.text(t, "document.getElementById('told').innerText"), "pod/web-0\npod/web-1\n")
	say("kubectl scale sts web --replicas=1") // and time passes, until the cluster rests
	say("kubectl get pods -o name")
	require.Equal(t, "pod/web-0", p.text(t, "[...document.querySelectorAll('.term.own')].pop().querySelector('pre').innerText.trim()"))
	say("kubectl frob")
	require.Contains(t, p.text(t, "document.getElementById('told').innerText"), `unknown command "frob" for "kubectl"`)
	say("> frob")
	require.Contains(t, p.text(t, "document.getElementById('told').innerText"), `there is no directive "frob"`)

	p.eval(t, "document.querySelector('.lane').focus()", nil)
	p.press(t, "Enter")
	p.until(t, "document.getElementById('why').innerText.includes('waits for nothing')")
	p.shoot(t, "terminal-dark")
	p.press(t, "c")
	p.eval(t, "(() => { const e = document.querySelector('[data-control$=\"/replicas\"]'); e.value = 3; e.dispatchEvent(new Event('change')); })()", nil)
	p.until(t, settled+" && document.querySelector('[data-id=\"pod/default/web-2\"]')")
	require.Contains(t, p.text(t, "document.getElementById('told').innerText"), "kubectl scale sts web --replicas=3")
	p.eval(t, "(() => { const e = document.querySelector('[data-control$=\"/policy\"]'); e.value = 'Parallel'; e.dispatchEvent(new Event('change')); })()", nil)
	p.until(t, settled+" && document.querySelector('[data-control$=\"/policy\"]').value === 'Parallel' && document.getElementById('told').innerText.includes('statefulset.apps/web created')")
	p.eval(t, "document.querySelector('#bad button').click()", nil) // a machine loses power
	p.until(t, settled+" && document.getElementById('told').innerText.includes('crash node-1')")
	p.shoot(t, "change-dark")
	p.eval(t, "(() => { document.getElementById('yaml').value = 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: pasted}\\n'; document.querySelector('#paste button').click(); })()", nil)
	p.until(t, settled+" && document.getElementById('told').innerText.includes('configmap/pasted created')")
	require.Empty(t, p.failures())
}

// theLink: who goes back, runs on differently and on another seed, and hands the
// address on, hands on the history, byte for byte.
func theLink(t *testing.T, b *chromium, url string) {
	p := calm(t, b, url+"/?theme=light#/ordered-start", 1400, 900)
	t.Logf("the first picture after %s ms, the simulator ready after %s ms", p.text(t, "Math.round(lessons.times.picture)"), p.text(t, "Math.round(lessons.times.ready)"))
	for range 3 {
		p.eval(t, "document.getElementById('next').click()", nil)
		p.until(t, settled)
		p.eval(t, "(document.querySelector('.ask.open button') || {click() {}}).click()", nil)
	}
	p.eval(t, "document.getElementById('prompt').focus()", nil)
	p.typeText(t, "> settle")
	p.press(t, "Enter")
	p.until(t, settled)
	p.press(t, "Escape")
	for range 9 { // back into the past
		p.press(t, "ArrowLeft")
	}
	p.until(t, settled+" && !document.getElementById('past').hidden")
	p.shoot(t, "past")
	p.press(t, "g")
	p.typeText(t, "kubectl delete pod web-0")
	p.press(t, "Enter")
	p.until(t, settled+" && document.getElementById('told').innerText.includes('pod \"web-0\" deleted')")
	require.Equal(t, "false", p.text(t, "document.getElementById('beside').hidden"), "the history before is drawn beside")
	p.shoot(t, "fork")
	p.eval(t, "(() => { document.getElementById('seed').value = 7; document.querySelector('#seeds button').click(); })()", nil)
	p.until(t, settled+" && location.hash.includes('seed=7')")
	p.shoot(t, "seed")

	var one, two, href string
	p.eval(t, "lessons.ask('history').then(r => r.text)", &one)
	p.eval(t, "location.href", &href)
	other := calm(t, b, href, 1400, 900)
	other.eval(t, "lessons.ask('history').then(r => r.text)", &two)
	require.NotEmpty(t, one)
	require.True(t, one == two, "the link shows another history")
	require.Equal(t, p.text(t, "document.getElementById('told').innerText"), other.text(t, "document.getElementById('told').innerText"))
	var state playground.State
	p.eval(t, "lessons.page", &state)
	require.True(t, one == native(t, state), "native shows another history")
	require.Empty(t, p.failures())
	require.Empty(t, other.failures())
}

// aNarrowWindow: a telephone has everything, and nothing to be moved sideways.
func aNarrowWindow(t *testing.T, b *chromium, url string) {
	for _, theme := range []string{"light", "dark"} {
		p := calm(t, b, url+"/?theme="+theme+"#/ordered-start", 390, 800)
		for range 3 {
			p.eval(t, "document.getElementById('next').click()", nil)
			p.until(t, settled)
		}
		for _, tab := range []string{"lesson", "tables", "change"} {
			p.eval(t, "document.getElementById('tab-"+tab+"').click()", nil)
			p.until(t, settled)
			p.shoot(t, "narrow-"+theme+"-"+tab)
			assert.Equal(t, "390", p.text(t, "document.documentElement.scrollWidth"), tab)
			assert.Empty(t, p.text(t, `[...document.querySelectorAll('button, input, select, textarea')].filter(e => e.offsetParent && !e.closest('#picture') && (e.getBoundingClientRect().right > 390.5 || e.getBoundingClientRect().left < -.5)).map(e => e.outerHTML).join()`), "%s: what cannot be reached", tab)
		}
		require.Empty(t, p.failures())
	}
}

// hundredSeeds: WebAssembly and native give equal bytes.
func hundredSeeds(t *testing.T, b *chromium, url string) {
	p := calm(t, b, url+"/#/two-seeds", 1400, 900)
	s, err := lessons.Open("two-seeds")
	require.NoError(t, err)
	var got []string
	p.eval(t, fmt.Sprintf(`(async () => { const list = []; for (let seed = 0; seed < 100; seed++) {
		await lessons.ask("open", { lesson: "two-seeds", seed: String(seed), script: [%d] }); list.push((await lessons.ask("digest")).text); } return list; })()`, len(s.Steps)), &got)
	require.Len(t, got, 100)
	different := map[string]bool{}
	for seed, digest := range got {
		state := playground.State{Lesson: "two-seeds", Seed: fmt.Sprint(seed), Script: []any{float64(len(s.Steps))}}
		require.Equal(t, playground.Digest([]byte(native(t, state))), digest, "seed %d", seed)
		different[digest] = true
	}
	require.Greater(t, len(different), 90, "seeds that tell histories of their own")
	require.Empty(t, p.failures())
}
