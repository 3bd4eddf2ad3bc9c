package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chromium is a headless browser, driven over its debugging pipe: messages of the
// DevTools protocol, a zero byte after each.
type chromium struct {
	to      io.Writer
	mu      sync.Mutex
	last    int
	waiting map[int]chan answer
	pages   map[string]*page // by session
	gone    chan struct{}
}

type answer struct {
	ID        int             `json:"id"`
	SessionID string          `json:"sessionId"`
	Method    string          `json:"method"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// patience is how long a browser may take for one answer, on a machine that has much
// else to do.
const patience = 5 * time.Minute

// startChromium starts the browser, or skips the test if there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIPPED: there is no chromium here (Debian's package of that name): the pages of the lessons are not tested")
	}
	fromUs, to, err := os.Pipe()
	require.NoError(t, err)
	from, toUs, err := os.Pipe()
	require.NoError(t, err)
	profile, err := os.MkdirTemp("", "chromium") // not t.TempDir: the browser's last writes may come late
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--force-device-scale-factor=1",
		"--remote-debugging-pipe", "--user-data-dir="+filepath.Join(profile, "profile"), "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs}
	require.NoError(t, cmd.Start())
	require.NoError(t, fromUs.Close())
	require.NoError(t, toUs.Close())
	b := &chromium{to: to, waiting: map[int]chan answer{}, pages: map[string]*page{}, gone: make(chan struct{})}
	go b.listen(from)
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
		_ = to.Close()
		_ = os.RemoveAll(profile)
	})
	return b
}

// listen hands answers to those who wait, and notes what goes wrong in pages.
func (b *chromium) listen(from io.Reader) {
	defer close(b.gone)
	r := bufio.NewReader(from)
	for {
		data, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(data[:len(data)-1], &a) != nil {
			continue
		}
		b.mu.Lock()
		if to := b.waiting[a.ID]; a.ID != 0 && to != nil {
			delete(b.waiting, a.ID)
			to <- a
		} else if p := b.pages[a.SessionID]; p != nil {
			p.note(&a)
		}
		b.mu.Unlock()
	}
}

// call does one request of the protocol.
func (b *chromium) call(t *testing.T, session, method string, params any, result any) {
	t.Helper()
	back := make(chan answer, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = back
	data, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": session})
	if session == "" {
		data, err = json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	}
	if err == nil {
		_, err = b.to.Write(append(data, 0))
	}
	b.mu.Unlock()
	require.NoError(t, err)
	select {
	case a := <-back:
		require.Nil(t, a.Error, "%s: %s", method, data)
		if result != nil {
			require.NoError(t, json.Unmarshal(a.Result, result), "%s", a.Result)
		}
	case <-b.gone:
		t.Fatalf("%s: the browser is gone", method)
	case <-time.After(patience):
		t.Fatalf("%s: no answer", method)
	}
}

// page is a tab.
type page struct {
	b       *chromium
	session string
	errors  []string // what the console says that is an error
}

// note takes an event of a page.
func (p *page) note(a *answer) {
	var e struct {
		Type             string
		Args             []struct{ Value, Description any }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry struct{ Level, Text, URL string }
	}
	if json.Unmarshal(a.Params, &e) != nil {
		return
	}
	switch {
	case a.Method == "Runtime.exceptionThrown":
		p.errors = append(p.errors, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case a.Method == "Runtime.consoleAPICalled" && (e.Type == "error" || e.Type == "assert"):
		p.errors = append(p.errors, fmt.Sprint(e.Args))
	case a.Method == "Log.entryAdded" && e.Entry.Level == "error":
		p.errors = append(p.errors, e.Entry.Text+" "+e.Entry.URL)
	}
}

// open opens an address in a tab of a person who was never here, in a window of a size.
func (b *chromium) open(t *testing.T, url string, width, height int) *page {
	t.Helper()
	var context struct{ BrowserContextID string }
	b.call(t, "", "Target.createBrowserContext", map[string]any{}, &context)
	var target struct{ TargetID string }
	b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.BrowserContextID}, &target)
	var attached struct{ SessionID string }
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &page{b: b, session: attached.SessionID}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(t, domain+".enable", map[string]any{}, nil)
	}
	p.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	p.call(t, "Page.navigate", map[string]any{"url": url}, nil)
	return p
}

func (p *page) call(t *testing.T, method string, params any, result any) {
	t.Helper()
	p.b.call(t, p.session, method, params, result)
}

// eval evaluates JavaScript, awaits it if it is a promise, and gives its value.
func (p *page) eval(t *testing.T, code string, to any) {
	t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.call(t, "Runtime.evaluate", map[string]any{"expression": code, "awaitPromise": true, "returnByValue": true}, &r)
	require.Nil(t, r.ExceptionDetails, "%s", code)
	if to != nil {
		require.NoError(t, json.Unmarshal(r.Result.Value, to), "%s: %s", code, r.Result.Value)
	}
}

// text is the value of an expression, as a string.
func (p *page) text(t *testing.T, code string) string {
	t.Helper()
	var s string
	p.eval(t, "String("+code+")", &s)
	return s
}

// until waits in the page until an expression is true.
func (p *page) until(t *testing.T, code string) {
	t.Helper()
	var ok bool
	p.eval(t, fmt.Sprintf(`(async () => { for (let i = 0; i < 6000; i++) { try { if (%s) return true; } catch {} await new Promise(ok => setTimeout(ok, 20)); } return false; })()`, code), &ok)
	require.True(t, ok, "never: %s\n%v\n%s", code, p.failures(), p.text(t, "document.body.innerText"))
}

func (p *page) failures() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return append([]string(nil), p.errors...)
}

// press presses a key.
func (p *page) press(t *testing.T, key string) {
	t.Helper()
	code := map[string]int{"Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}[key]
	text := key
	switch {
	case key == "Enter":
		text = "\r"
	case len(key) > 1:
		text = ""
	case code == 0:
		code = int(key[0])
	}
	down := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": code}
	if text != "" {
		down["text"] = text
	}
	p.call(t, "Input.dispatchKeyEvent", down, nil)
	p.call(t, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}, nil)
}

// typeText types a text where the focus is.
func (p *page) typeText(t *testing.T, text string) {
	t.Helper()
	p.call(t, "Input.insertText", map[string]any{"text": text}, nil)
}

// shoot writes a picture of the window, if pictures are asked for.
func (p *page) shoot(t *testing.T, name string) {
	t.Helper()
	if *shots == "" {
		return
	}
	var r struct{ Data string }
	p.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(*shots, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(*shots, name+".png"), data, 0o644))
}
