package explore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/model"
)

// History is what is done to a world, and the seed that answers all choices from then on:
// text that can be read, edited and run again.
//
//	seed 7
//	partition statefulset/web 2
//	image statefulset/web web:next
//	settle
//	scale statefulset/web 0
//
// Then all faults are healed, and the world comes to rest.
type History struct {
	Seed       uint64
	Operations []model.Operation
}

// String returns one line for the seed and one for each operation.
func (h History) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n", h.Seed)
	for _, o := range h.Operations {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

// ParseHistory is the inverse of History.String, for the commands of a vocabulary. Empty
// lines, and lines that start with #, do not count. An error names the line.
func ParseHistory(text string, v model.Vocabulary) (h History, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "seed "); ok {
			if h.Seed, err = strconv.ParseUint(strings.TrimSpace(rest), 10, 64); err != nil {
				return History{}, fmt.Errorf("line %d: seed: %q is no number", i+1, rest)
			}
			continue
		}
		o, err := v.Parse(line)
		if err != nil {
			return History{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		h.Operations = append(h.Operations, o)
	}
	return h, nil
}

// commands returns what can be done in the check's world.
func (k *Check) commands() (model.Vocabulary, error) {
	if k.Commands != nil {
		return k.Commands, nil
	}
	return model.Builtin(k.World)
}

// table is a world in which histories are tried, one after the other.
type table struct {
	check    *Check
	commands model.Vocabulary
	base     *sim.Cluster // never run: every history begins with a fork of it
}

func (k *Check) newTable() (*table, error) {
	v, err := k.commands()
	if err != nil {
		return nil, err
	}
	base, err := k.World.New(0, false)
	if err != nil {
		return nil, err
	}
	if _, err := model.NewJudge(base, k.Properties); err != nil {
		return nil, err
	}
	return &table{k, v, base}, nil
}

// outcome is what one history has come to.
type outcome struct {
	cluster *sim.Cluster
	broken  []*model.Broken // each kind once, in the order in which they were seen
	rows    []int           // how long the cluster's log was then
	events  int
	done    []string // of the operations, those that did something
	reached uint64   // Sometimes, by property
	states  []state  // after each operation, if they are kept
	err     error    // of the search itself
}

// state is the cluster after an operation.
type state struct {
	after string
	at    time.Time
	event int
}

// has returns the first violation of a kind.
func (o *outcome) has(kind string) (*model.Broken, int) {
	for i, b := range o.broken {
		if kind == "" || kindOf(b) == kind {
			return b, o.rows[i]
		}
	}
	return nil, 0
}

// run tries a history. Kept says that the cluster keeps what happened, for pictures.
func (t *table) run(h History, kept bool) *outcome {
	o := &outcome{}
	if kept {
		o.cluster, o.err = t.check.World.New(0, true)
	} else {
		o.cluster = t.base.Fork()
	}
	if o.err != nil {
		return o
	}
	o.cluster.Reseed(h.Seed)
	r := &trying{outcome: o, table: t, kept: kept, prior: len(o.cluster.History())}
	if r.judge, o.err = model.NewJudge(o.cluster, t.check.Properties); o.err != nil {
		return o
	}
	if r.judge.Steps() {
		r.before = o.cluster.Fork()
	}
	stop := o.cluster.OnStep(r.look)
	defer stop()
	o.err = r.play(h.Operations)
	o.reached = r.judge.Reached()
	return o
}

// trying is a history that is under way.
type trying struct {
	*outcome
	table  *table
	judge  *model.Judge
	before *sim.Cluster
	kept   bool
	prior  int
}

func (r *trying) look() {
	r.events++
	if b := r.judge.Look(r.before, r.cluster, r.cluster.Latest()); b != nil {
		r.note(b)
	}
	if r.before != nil {
		r.before = r.cluster.Fork()
	}
}

// note keeps a violation, if it is the first of its kind.
func (r *trying) note(b *model.Broken) {
	kind := kindOf(b)
	if !slices.ContainsFunc(r.broken, func(o *model.Broken) bool { return kindOf(o) == kind }) {
		r.broken = append(r.broken, b)
		row := 0
		if r.kept {
			row = len(r.cluster.History())
		}
		r.rows = append(r.rows, row)
	}
}

// kindOf tells violations apart: by the property and how it was broken, numbers aside.
func kindOf(b *model.Broken) string {
	var out strings.Builder
	number := false
	for _, c := range b.Property + ": " + b.Err.Error() {
		if c >= '0' && c <= '9' {
			if !number {
				out.WriteByte('#')
			}
			number = true
			continue
		}
		number = false
		out.WriteRune(c)
	}
	return out.String()
}

// play does the operations, heals everything, and has the cluster come to rest.
func (r *trying) play(ops []model.Operation) error {
	for i, o := range ops {
		err := r.table.commands.Do(r.cluster, o)
		var stuck *sim.StuckError
		switch {
		case err == nil:
			r.done = append(r.done, o.Do)
		case errors.As(err, &stuck):
			r.note(&model.Broken{Property: "bounded", Err: errors.New(stuck.Reason[strings.LastIndex(stuck.Reason, ": ")+1:])})
			return nil
		case !model.IsAnswer(err) && !isRefusal(err):
			return fmt.Errorf("operation %d, %s: %w", i+1, o, err)
		}
		if r.kept {
			r.states = append(r.states, state{o.String(), r.cluster.Now(), len(r.cluster.History())})
		}
	}
	if err := r.cluster.Heal(); err != nil {
		return err
	}
	return r.rest()
}

// isRefusal reports whether a fault could not befall the cluster as it was: errors of sim
// that name what is not there.
func isRefusal(err error) bool {
	return strings.HasPrefix(err.Error(), "component ") || strings.HasPrefix(err.Error(), "no component ") || strings.HasPrefix(err.Error(), "unable to find container")
}

// patience is how often a cluster that rests and breaks a property is given more time, and
// how much: the longest back-off is 1000 s.
const (
	patience  = 3
	breathing = 20 * time.Minute
)

func (r *trying) rest() error {
	for tries := 0; ; tries++ {
		if _, err := r.cluster.Settle(); err != nil {
			return r.endless(err)
		}
		var broken []*model.Broken
		r.judge.Rest(r.cluster, func(b *model.Broken) { broken = append(broken, b) })
		if len(broken) == 0 {
			return nil
		}
		if tries == patience {
			for _, b := range broken {
				r.note(b)
			}
			return nil
		}
		if err := r.cluster.Run(breathing); err != nil {
			return r.endless(err)
		}
	}
}

// endless takes a run that comes to no end for a violation.
func (r *trying) endless(err error) error {
	var stuck *sim.StuckError
	if !errors.As(err, &stuck) {
		return err
	}
	r.note(&model.Broken{Property: "bounded", Err: errors.New(stuck.Reason[strings.LastIndex(stuck.Reason, ": ")+1:])})
	return nil
}

// draw makes the history of a number.
func (t *table) draw(seed uint64, number uint64) History {
	e := engine.New(engine.Strategy{Seed: seed ^ number*0x9e3779b97f4a7c15 ^ number<<32})
	d := &drawing{engine: e, some: map[string][]string{}}
	d.choose(t.commands)
	length := t.check.Length
	if length == 0 {
		length = 16
	}
	h := History{Seed: uint64(e.Choose("seed", "", 1<<20))}
	n := 1 + e.Choose("length", "", length)
	settles := e.Choose("pace", "", 3) // how often the cluster comes to rest in between
	for len(h.Operations) < n {
		h.Operations = append(h.Operations, d.operation())
		switch pause := e.Choose("pause", "", 4); {
		case pause == 0 || pause == 1 && settles == 0:
		case pause == 2 || settles == 0 && pause == 3:
			h.Operations = append(h.Operations, model.Operation{Do: "wait", Args: []string{spans[e.Choose("span", "", len(spans))]}})
		case pause == 3 || settles == 2:
			h.Operations = append(h.Operations, model.Operation{Do: "settle"})
		}
	}
	return h
}

var spans = []string{"5ms", "20ms", "100ms", "1s", "3s", "20s", "2m"}

// drawing draws one history. Each has a few of the commands and of the things that they are
// about, so that what seldom comes together comes together in some (swarm testing).
type drawing struct {
	engine   *engine.Engine
	chosen   []*model.Command // each as often as it weighs
	some     map[string][]string
	subjects []string
}

// choose draws the commands of a history: the weightier the likelier, and those that are
// about the same things, nodes, say, often together.
func (d *drawing) choose(v model.Vocabulary) {
	share := []int{3, 4, 6}[d.engine.Choose("share", "", 3)]
	hot := map[string]bool{}
	for i := range v {
		if about := subject(&v[i]); !slices.Contains(d.subjects, about) {
			d.subjects = append(d.subjects, about)
			hot[about] = d.engine.Choose("hot", about, 3) == 0
		}
	}
	for len(d.chosen) == 0 {
		for i := range v {
			k := &v[i]
			chance, of := max(k.Weight, 1), share
			if hot[subject(k)] {
				chance, of = 2, 3
			}
			if !k.Drawable() || d.engine.Choose("swarm", "", of) >= chance && len(v) > 1 {
				continue
			}
			for range max(k.Weight, 1) {
				d.chosen = append(d.chosen, k)
			}
		}
	}
}

// subject is what a command is about: the name of its first argument.
func subject(k *model.Command) string {
	if len(k.Args) == 0 {
		return ""
	}
	return k.Args[0].Name
}

func (d *drawing) operation() model.Operation {
	k := *d.chosen[d.engine.Choose("command", "", len(d.chosen))]
	k.Args = slices.Clone(k.Args)
	for i := range k.Args {
		k.Args[i].Some = d.few(k.Args[i])
	}
	return k.Draw(func(what string, n int) int { return d.engine.Choose(engine.Concern(what), "", n) })
}

// few returns those values of an argument that this history draws from.
func (d *drawing) few(a model.Argument) []string {
	if len(a.Some) <= 2 && a.Name != "NODE" {
		return a.Some
	}
	key := a.Name + fmt.Sprint(len(a.Some))
	if d.some[key] == nil {
		n := 1 + d.engine.Choose("few", key, 4)
		for range n {
			d.some[key] = append(d.some[key], a.Some[d.engine.Choose("of", key, len(a.Some))])
		}
	}
	return d.some[key]
}
