package scenario

import (
	"errors"
	"fmt"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/shell"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// Options say how a scenario is played. The zero Options play it as it is
// written.
type Options struct {
	// Seed picks another legal history than the file's. What steps print is then
	// not what the file expects.
	Seed *uint64
	// Strategy, if not nil, is given the seed and returns how choices are
	// answered.
	Strategy func(seed uint64) engine.Strategy
	// Config has the last word on the cluster, if it is not nil.
	Config func(*sim.Config)
	// Why has every change of what an object waits for be noted, for pictures.
	Why bool
	// Begin is told of the cluster when it is new, before anything is done to it.
	Begin func(*sim.Cluster)
	// Each is told of every step that is over, and ends the play by an error.
	Each func(*sim.Cluster, Done) error
}

// Done is a step that is over.
type Done struct {
	*Step
	// Typed is what a terminal would show: the line with its $(commands) replaced.
	// Of a watch that is shown it is the line that began it.
	Typed string
	// Got is what it printed.
	Got string
	// At is when it began.
	At engine.Time
	// Wrote reports whether it wrote to the API by itself, as a user does.
	Wrote bool
	// Err is why it could not be done, or which expectation does not hold: an
	// *Error.
	Err error
}

// Played is what came of a scenario.
type Played struct {
	// Cluster is as it is at the end.
	Cluster *sim.Cluster
	// Seed is the one that it was played with, and own reports that it is the
	// file's.
	Seed uint64
	Own  bool
	Done []Done
	// Why is what objects waited for in the course of it, if Options.Why was set.
	Why []trace.Explanation
}

// Err returns what could not be done and which expectations do not hold, or nil.
// What steps printed is another question: see Mismatches.
func (p *Played) Err() error {
	var errs []error
	for _, d := range p.Done {
		errs = append(errs, d.Err)
	}
	return errors.Join(errs...)
}

// Mismatches returns the steps that printed something else than the file expects.
func (p *Played) Mismatches() []Done {
	var list []Done
	for _, d := range p.Done {
		if d.Kind != Prose && d.Err == nil && !d.Matches(d.Got) {
			list = append(list, d)
		}
	}
	return list
}

// Got is what the steps printed, one after the other, for Scenario.Format.
func (p *Played) Got() []string {
	list := make([]string, len(p.Done))
	for i := range p.Done {
		list[i] = p.Done[i].Got
	}
	return list
}

// player plays one scenario.
type player struct {
	file    *Scenario
	options Options
	cfg     sim.Config
	cluster *sim.Cluster
	shell   *shell.Shell
	watches []watched
	asked   question
}

// watched is a watch in another terminal.
type watched struct {
	line     string
	terminal *shell.Terminal
}

// Play plays a scenario on a new cluster. A step that fails does not end it:
// see Played.Err. The error is that of Options.Each, or says what is wrong with
// the description of the cluster.
func (s *Scenario) Play(o Options) (*Played, error) {
	p, err := s.Start(o)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	for {
		d, ok := p.Next()
		if !ok {
			return p.Played(), nil
		}
		if o.Each != nil {
			if err := o.Each(p.player.cluster, d); err != nil {
				return p.Played(), err
			}
		}
	}
}

// now is the moment on the cluster's clock.
func (p *player) now() engine.Time {
	return engine.Time(p.cluster.Now().Sub(apiserver.WallTime(0)))
}

// begin makes the cluster.
func (p *player) begin() {
	if p.options.Seed != nil {
		p.cfg.Seed = *p.options.Seed
	}
	if p.options.Strategy != nil {
		p.cfg.Strategy = p.options.Strategy(p.cfg.Seed)
	}
	if p.options.Config != nil {
		p.options.Config(&p.cfg)
	}
	p.cluster = sim.New(p.cfg)
	p.shell = shell.New(p.cluster, p.file.Files)
	if p.options.Begin != nil {
		p.options.Begin(p.cluster)
	}
}

// run runs a shell line, and returns it with its $(commands) replaced.
func (p *player) run(step *Step) (typed, got string) {
	typed, errs := p.substitute(step.Text)
	return typed, errs + p.shell.RunWith(typed, step.Stdin).Text
}

// substitute replaces every $(command) outside single quotes by what it prints,
// as a shell does, and returns what the commands said beside.
func (p *player) substitute(line string) (typed, errs string) {
	var b strings.Builder
	for quoted := false; line != ""; {
		end := -1
		if !quoted && strings.HasPrefix(line, "$(") {
			end = strings.IndexByte(line, ')')
		}
		if end < 0 {
			quoted = quoted != (line[0] == '\'')
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		out := p.shell.Run(line[2:end])
		errs += out.Stderr
		b.WriteString(strings.TrimRight(out.Stdout, "\n"))
		line = line[end+1:]
	}
	return b.String(), errs
}

// watch begins a watch in a terminal of its own.
func (p *player) watch(line string) error {
	t, out := p.shell.Watch(line)
	if t == nil {
		return fmt.Errorf("%s", strings.TrimSpace(out.Text))
	}
	p.watches = append(p.watches, watched{line, t})
	return nil
}

// watched ends all watches and shows their terminals: if there are several, each
// with its command.
func (p *player) watched() (line, text string, err error) {
	if len(p.watches) == 0 {
		return "", "", errors.New("there is no watch: begin one with > watch kubectl get pods -w")
	}
	var b strings.Builder
	for _, w := range p.watches {
		w.terminal.Close()
		if len(p.watches) > 1 {
			fmt.Fprintln(&b, "["+w.line+"]")
		}
		b.WriteString(w.terminal.Read())
	}
	if len(p.watches) == 1 {
		line = p.watches[0].line
	}
	p.watches = nil
	return line, b.String(), nil
}

// Title is the first line of the scenario's prose, or "".
func (s *Scenario) Title() string {
	for i := range s.Steps {
		if s.Steps[i].Kind == Prose {
			title, _, _ := strings.Cut(s.Steps[i].Text, "\n")
			return title
		}
	}
	return ""
}
