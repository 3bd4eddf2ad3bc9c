package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Session is a scenario that somebody plays by hand: the steps of the file one by
// one, and lines of his own wherever he likes. See Scenario.Start.
type Session struct {
	player *player
	played *Played
	next   int    // the next step of the file
	stop   func() // ends Options.Why
}

// Start makes the cluster that a scenario describes and does nothing to it yet.
// Options.Each is for Play alone.
func (s *Scenario) Start(o Options) (*Session, error) {
	p := &player{file: s, options: o, cfg: sim.Config{Causes: true}}
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.set == nil {
			continue
		}
		err := step.set(&p.cfg)
		if err == nil {
			err = p.cfg.Validate()
		}
		if err != nil {
			return nil, s.errorf(step.Line, "%s: %w", step.Text, err)
		}
	}
	own := o.Seed == nil || *o.Seed == p.cfg.Seed
	p.begin()
	session := &Session{player: p, played: &Played{Cluster: p.cluster, Seed: p.cfg.Seed, Own: own}, stop: func() {}}
	if o.Why {
		session.stop = followWhy(p.cluster, &session.played.Why)
	}
	return session, nil
}

// Played is what came of it so far; it goes on with the session.
func (p *Session) Played() *Played { return p.played }

// Upcoming returns the steps of the file that are still to come.
func (p *Session) Upcoming() []Step { return p.player.file.Steps[p.next:] }

// Next does the next step of the file, and reports whether there was one.
func (p *Session) Next() (Done, bool) {
	if p.next == len(p.player.file.Steps) {
		return Done{}, false
	}
	p.next++
	return p.do(&p.player.file.Steps[p.next-1]), true
}

// Do does a line that is not in the file: a command or a directive as it would stand
// there, with its mark and, if it has one, its here-document. The error says what is
// wrong with the line; nothing is done then.
func (p *Session) Do(text string) (Done, error) {
	step, err := parseStep(text)
	if err != nil {
		return Done{}, err
	}
	return p.do(step), nil
}

// parseStep reads one step that stands by itself.
func parseStep(text string) (*Step, error) {
	s := &Scenario{}
	r := reader{s: s, lines: strings.Split(strings.TrimRight(text, "\n"), "\n")}
	err := r.read()
	var in *Error
	switch {
	case errors.As(err, &in):
		return nil, in.Err
	case err != nil:
		return nil, err
	case len(s.Steps) != 1 || s.Steps[0].Want != "":
		return nil, fmt.Errorf("want one line: a command after %q or a directive after %q", "$ ", "> ")
	case s.Steps[0].set != nil:
		word, _, _ := strings.Cut(s.Steps[0].Text, " ")
		return nil, fmt.Errorf("%s describes a cluster before it exists", word)
	}
	s.Steps[0].Line = 0
	return &s.Steps[0], nil
}

// do does a step.
func (p *Session) do(step *Step) Done {
	player := p.player
	d := Done{Step: step, Typed: step.Text, At: player.now()}
	n := len(player.cluster.History())
	switch {
	case step.Kind == Shell:
		d.Typed, d.Got = player.run(step)
	case step.do != nil:
		line, got, err := step.do(player)
		if d.Got = got; line != "" {
			d.Typed = line
		}
		if err != nil {
			d.Err = player.file.errorf(step.Line, "%s: %w", step.Text, err)
		}
	}
	d.Wrote = slices.ContainsFunc(player.cluster.History()[n:], func(rec *apiserver.Record) bool { return rec.By == apiserver.User })
	p.played.Done = append(p.played.Done, d)
	return d
}

// Fork returns an independent copy that goes on from here, or false while a watch is
// open: its terminal stays with the original.
func (p *Session) Fork() (*Session, bool) {
	if len(p.player.watches) > 0 {
		return nil, false
	}
	player := *p.player
	player.cluster = p.player.cluster.Fork()
	player.shell = p.player.shell.On(player.cluster)
	played := *p.played
	played.Cluster, played.Done, played.Why = player.cluster, slices.Clip(played.Done), nil
	return &Session{player: &player, played: &played, next: p.next, stop: func() {}}, true
}

// Close ends what follows the cluster: the session's watches and its notes of why.
func (p *Session) Close() {
	p.stop()
	for _, w := range p.player.watches {
		w.terminal.Close()
	}
	p.player.watches = nil
}
