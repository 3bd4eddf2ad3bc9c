package playground

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/examples/play/lessons"
	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/scenario"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// Playground is one page. The zero Playground has nothing open.
type Playground struct {
	file    *scenario.Scenario
	seed    *uint64
	units   []string            // what was done: "" is a step of the lesson, all else a line of one's own
	before  []*scenario.Session // for each unit a session as it was before it, or nil while a watch was open
	session *scenario.Session
	other   *other
	drawn   drawn
}

// drawn is what the picture that the page has was made of.
type drawn struct {
	records, marks int
	now            time.Time
	other          *other
}

// other is a history to be drawn beside.
type other struct {
	recs []*apiserver.Record
	name string
}

// State is what a page's address holds.
type State struct {
	// Lesson is its name, with ".zh" for Chinese; Text is a scenario in its place.
	Lesson string `json:"lesson,omitempty"`
	Text   string `json:"text,omitempty"`
	// Seed is empty for the lesson's own.
	Seed string `json:"seed,omitempty"`
	// Script holds numbers and strings.
	Script []any `json:"script,omitempty"`
}

// open plays a state from the beginning.
func (p *Playground) open(s State) error {
	units, err := unitsOf(s.Script)
	if err != nil {
		return err
	}
	next := Playground{other: p.other}
	if s.Text != "" {
		next.file, err = scenario.Parse("scenario", []byte(s.Text))
	} else {
		next.file, err = lessons.Open(s.Lesson)
	}
	if err != nil {
		return err
	}
	if s.Seed != "" {
		n, err := strconv.ParseUint(s.Seed, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no seed: want a number from 0 on", s.Seed)
		}
		next.seed = &n
	}
	if next.session, err = next.file.Start(scenario.Options{Seed: next.seed}); err != nil {
		return err
	}
	for _, u := range units {
		if err := next.do(u); err != nil {
			return err
		}
	}
	if p.session != nil {
		p.session.Close()
	}
	*p = next
	return nil
}

// unitsOf reads a script.
func unitsOf(script []any) ([]string, error) {
	var units []string
	for _, x := range script {
		switch x := x.(type) {
		case float64:
			if x < 0 || x > 1e5 {
				return nil, fmt.Errorf("%v is no number of steps", x)
			}
			units = append(units, make([]string, int(x))...)
		case string:
			units = append(units, x)
		default:
			return nil, fmt.Errorf("a script has numbers and lines, not %v", x)
		}
	}
	return units, nil
}

// scriptOf is its inverse.
func scriptOf(units []string) []any {
	script := []any{}
	n := 0
	for _, u := range append(slices.Clip(units), "end") {
		if u == "" {
			n++
			continue
		}
		if n > 0 {
			script = append(script, n)
			n = 0
		}
		script = append(script, u)
	}
	return script[:len(script)-1]
}

// errOver says that a lesson has no more steps.
var errOver = errors.New("the lesson is over")

// do does one unit.
func (p *Playground) do(unit string) error {
	fork, _ := p.session.Fork()
	if unit == "" {
		if _, ok := p.session.Next(); !ok {
			return errOver
		}
	} else if _, err := p.session.Do(unit); err != nil {
		return err
	}
	p.units, p.before = append(p.units, unit), append(p.before, fork)
	return nil
}

// beat does what a reader sees as one step of the lesson: up to the next thing that
// is done, a question with its options, and what is said and held after it.
func (p *Playground) beat() error {
	for acted, asks := false, false; ; {
		next := p.session.Upcoming()
		if len(next) == 0 {
			if acted {
				return nil
			}
			return errOver
		}
		switch kind := beatOf(&next[0]); {
		case kind == quiet && !asks, kind == optional && asks:
		case acted:
			return nil
		case kind == leading: // is part of what comes after it
		default:
			acted, asks = true, kind == asking
		}
		if err := p.do(""); err != nil {
			return err
		}
	}
}

// introduce does what comes before the first thing that is done.
func (p *Playground) introduce() error {
	for next := p.session.Upcoming(); len(next) > 0 && beatOf(&next[0]) == quiet; next = p.session.Upcoming() {
		if err := p.do(""); err != nil {
			return err
		}
	}
	return nil
}

// The roles of steps in a beat.
const (
	acting   = iota
	quiet    // is done at once: prose, expectations, settings
	leading  // goes together with the next
	asking   // a question
	optional // an option of it
)

func beatOf(s *scenario.Step) int {
	word, _, _ := strings.Cut(s.Text, " ")
	switch {
	case s.Kind == scenario.Prose || s.IsSetting() || s.Kind == scenario.Directive && word == "expect":
		return quiet
	case s.Kind == scenario.Directive && word == "watch":
		return leading
	case s.Kind == scenario.Directive && word == "ask":
		return asking
	case s.OptionText() != "":
		return optional
	}
	return acting
}

// back goes back to where so many units were done.
func (p *Playground) back(n int) error {
	if n < 0 || n > len(p.units) {
		return fmt.Errorf("there are %d steps to go back to, not %d", len(p.units), n)
	}
	s, err := p.restore(n)
	if err != nil {
		return err
	}
	p.session.Close()
	p.session, p.units, p.before, p.drawn = s, p.units[:n], p.before[:n], drawn{}
	return nil
}

// restore returns a session of its own as it was when n units were done.
func (p *Playground) restore(n int) (*scenario.Session, error) {
	if n == len(p.units) {
		if s, ok := p.session.Fork(); ok {
			return s, nil
		}
	}
	from := min(n, len(p.units)-1)
	for from > 0 && p.before[from] == nil {
		from--
	}
	if from < 0 {
		return p.file.Start(scenario.Options{Seed: p.seed})
	}
	s, _ := p.before[from].Fork() // what was forked has no watch open
	for _, u := range p.units[from:n] {
		if u == "" {
			s.Next()
		} else if _, err := s.Do(u); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// when goes back to a moment: the steps before it stay; one that only let time pass is
// cut there; another that the moment lies in is undone.
func (p *Playground) when(at engine.Time) (n int, rest string) {
	done := p.session.Played().Done
	n = len(done)
	for n > 0 && done[n-1].At > at {
		n--
	}
	end := engine.Time(p.session.Played().Cluster.Now().Sub(apiserver.WallTime(0)))
	if n < len(done) {
		end = done[n].At
	}
	if n == 0 || at >= end {
		return n, ""
	}
	d := done[n-1]
	if d.At == at {
		return n - 1, ""
	}
	switch word, _, _ := strings.Cut(d.Text, " "); {
	case d.Kind == scenario.Directive && slices.Contains([]string{"run", "settle", "until", "step"}, word):
		return n - 1, fmt.Sprintf("> run %v", at.Sub(d.At))
	}
	return n - 1, ""
}

// cut goes back to a moment for good.
func (p *Playground) cut(at engine.Time) error {
	n, rest := p.when(at)
	if err := p.back(n); err != nil || rest == "" {
		return err
	}
	return p.do(rest)
}

// moment returns a session as it was at a moment.
func (p *Playground) moment(at engine.Time) (*scenario.Session, error) {
	n, rest := p.when(at)
	s, err := p.restore(n)
	if err == nil && rest != "" {
		_, err = s.Do(rest)
	}
	return s, err
}

// why says what an object waits for at a moment.
func (p *Playground) why(at engine.Time, kind, namespace, name string) ([]string, error) {
	k := apiserver.KindNamed(kind)
	if k == 0 {
		return nil, fmt.Errorf("there is no kind %q", kind)
	}
	s, err := p.moment(at)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r := s.Played().Cluster.Why(k, namespace, name)
	if r.IsZero() {
		return nil, nil
	}
	return r.Lines(), nil
}

// keep has the history as it is now be drawn beside what comes.
func (p *Playground) keep(name string) {
	recs := p.session.Played().Cluster.History()
	p.other = &other{recs[:len(recs):len(recs)], name}
}

// History writes the history of the page as JSON lines of watch events.
func (p *Playground) History() ([]byte, error) { return historyOf(p.session.Played().Cluster) }

func historyOf(c *sim.Cluster) ([]byte, error) {
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	w.Causes = true
	for _, rec := range c.History() {
		if err := w.Write(rec); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// Digest is the fingerprint of a history.
func Digest(history []byte) string { return fmt.Sprintf("%x", sha256.Sum256(history)) }

// timeline is the data of the picture, or nil if the page has it already.
func (p *Playground) timeline() (json.RawMessage, error) {
	played := p.session.Played()
	t := played.Timeline(p.file.Title())
	recs := played.Cluster.History()
	now := drawn{len(recs), len(t.Marks), played.Cluster.Now(), p.other}
	if now == p.drawn {
		return nil, nil
	}
	p.drawn = now
	if p.other != nil {
		t.Other, t.Names = p.other.recs, [2]string{"now", p.other.name}
	}
	var b bytes.Buffer
	if err := trace.WriteData(&b, recs, t); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
