package explore

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/statefulsim/statefulsim/sim/model"
)

// Hunt says how long random histories are tried, and by how many.
type Hunt struct {
	// Seed draws the histories: one seed, one list of them, whoever tries which.
	Seed uint64
	// Histories is how many are tried; 0 means until Time is over, or a thousand.
	Histories int
	// Time ends the search after that much wall time; 0 means when the Histories are
	// done.
	Time time.Duration
	// Workers is how many search side by side; 0 means as many as there are cores.
	Workers int
	// Shard, of Of, is which part of the histories is tried: disjoint parts, whose
	// reports Merge makes one of. Of 0 means all.
	Shard, Of int
	// Enough, if not nil, is asked after each new failure whether the search can end.
	Enough func(*Failure) bool
	// Raw leaves failures as they were drawn, instead of the smallest that fails alike.
	Raw bool
	// Progress, if not nil, is told every few seconds how far the search is.
	Progress io.Writer
}

// Failure is a history that breaks a property, as small as it can be made.
type Failure struct {
	Property string
	Err      string
	Kind     string // what tells it apart from other failures
	History  History
	// Number is that of the history that was drawn; Histories, Events and Time are what
	// had been tried until then.
	Number    uint64
	Histories int
	Events    int
	Time      time.Duration
}

// String is the failure as text that ParseHistory reads.
func (f *Failure) String() string {
	return fmt.Sprintf("# %s: %s\n%s", f.Property, strings.ReplaceAll(f.Err, "\n", "\n# "), f.History)
}

// Hunted is the report of a hunt.
type Hunted struct {
	Histories int
	Events    int
	Time      time.Duration
	Done      map[string]int // operations that did something, by name
	Never     []string       // commands that were never done
	Reached   uint64         // properties that hold Sometimes, by index
	Failures  []*Failure     // each kind once, by the number of the history
}

// String is a few lines.
func (h *Hunted) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d histories, %d events\n", h.Histories, h.Events)
	for _, name := range slices.Sorted(maps.Keys(h.Done)) {
		fmt.Fprintf(&b, "%d %s, ", h.Done[name], name)
	}
	fmt.Fprintf(&b, "\nnever done: %s\n%d failures\n", strings.Join(h.Never, ", "), len(h.Failures))
	for _, f := range h.Failures {
		fmt.Fprintf(&b, "\n%s", f)
	}
	return b.String()
}

// Merge makes one report of those of the shards of a search.
func Merge(reports ...*Hunted) *Hunted {
	all := &Hunted{Done: map[string]int{}}
	for i, r := range reports {
		all.Histories += r.Histories
		all.Events += r.Events
		all.Time = max(all.Time, r.Time)
		all.Reached |= r.Reached
		for name, n := range r.Done { // sums: order cannot matter
			all.Done[name] += n
		}
		if i == 0 {
			all.Never = slices.Clone(r.Never)
		}
		for _, f := range r.Failures {
			all.add(f)
		}
	}
	all.Never = slices.DeleteFunc(all.Never, func(name string) bool { return all.Done[name] > 0 })
	slices.SortFunc(all.Failures, func(a, b *Failure) int { return int(a.Number) - int(b.Number) })
	return all
}

// add takes in a failure, unless a smaller one of its kind is there.
func (h *Hunted) add(f *Failure) bool {
	for i, o := range h.Failures {
		if o.Kind == f.Kind {
			if len(f.History.Operations) < len(o.History.Operations) {
				h.Failures[i] = f
			}
			return false
		}
	}
	h.Failures = append(h.Failures, f)
	return true
}

// Histories tries random histories: commands and faults in the default order of events,
// with latencies and choices drawn from a seed. Every failure is told once. An error is
// one of the check itself; so is a property that is Sometimes true and was not, unless
// something failed.
func (k Check) Histories(h Hunt) (*Hunted, error) {
	workers := h.Workers
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	if h.Histories == 0 && h.Time == 0 {
		h.Histories = 1000
	}
	s := &hunting{Hunt: h, check: &k, began: time.Now(), report: &Hunted{Done: map[string]int{}}}
	s.of = uint64(max(h.Of, 1))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(s.work)
	}
	wg.Wait()
	s.report.Time = time.Since(s.began)
	if s.err != nil {
		return s.report, s.err
	}
	v, err := k.commands()
	if err != nil {
		return s.report, err
	}
	for _, name := range v.Names() {
		if s.report.Done[name] == 0 {
			s.report.Never = append(s.report.Never, name)
		}
	}
	slices.SortFunc(s.report.Failures, func(a, b *Failure) int { return int(a.Number) - int(b.Number) })
	if name := model.Vacuous(k.Properties, s.report.Reached); name != "" && len(s.report.Failures) == 0 && h.Of <= 1 {
		return s.report, fmt.Errorf("explore: %s is never reached", name)
	}
	return s.report, nil
}

// hunting is a hunt under way. Its workers share what stands below the lock.
type hunting struct {
	Hunt
	check *Check
	began time.Time
	of    uint64

	mu     sync.Mutex
	next   uint64
	over   bool
	err    error
	told   time.Time
	claims []string // the kinds of failures that somebody has found
	report *Hunted
}

// work tries histories until the search is over.
func (s *hunting) work() {
	t, err := s.check.newTable()
	if err != nil {
		s.fail(err)
		return
	}
	for {
		number, ok := s.take()
		if !ok {
			return
		}
		h := t.draw(s.Seed, number)
		o := t.run(h, false)
		if o.err != nil {
			s.fail(fmt.Errorf("explore: history %d: %w\n%s", number, o.err, h))
			return
		}
		for _, b := range s.count(o) {
			f := &Failure{Property: b.Property, Err: b.Err.Error(), Kind: kindOf(b), History: h, Number: number}
			f.Histories, f.Events, f.Time = s.spent()
			if !s.Raw {
				f.History = t.shrink(h, f.Kind)
				if again, _ := t.run(f.History, false).has(f.Kind); again != nil {
					f.Err = again.Err.Error()
				}
			}
			s.found(f)
		}
	}
}

func (s *hunting) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.err == nil {
		s.err = err
	}
}

// take returns the number of the next history.
func (s *hunting) take() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.Histories > 0 && s.next >= uint64(s.Histories) || s.Time > 0 && time.Since(s.began) > s.Time {
		return 0, false
	}
	n := s.next*s.of + uint64(s.Shard)
	s.next++
	return n, true
}

// count takes in what a history has come to, and returns the failures that are new.
func (s *hunting) count(o *outcome) (news []*model.Broken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Histories++
	s.report.Events += o.events
	s.report.Reached |= o.reached
	for _, name := range o.done {
		s.report.Done[name]++
	}
	for _, b := range o.broken {
		if kind := kindOf(b); !slices.Contains(s.claims, kind) {
			s.claims = append(s.claims, kind)
			news = append(news, b)
		}
	}
	if s.Progress != nil && time.Since(s.told) > 2*time.Second {
		s.told = time.Now()
		fmt.Fprintf(s.Progress, "%v: %d histories, %d events, %d failures\n", time.Since(s.began).Round(time.Second), s.report.Histories, s.report.Events, len(s.claims))
	}
	return news
}

func (s *hunting) spent() (histories, events int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report.Histories, s.report.Events, time.Since(s.began)
}

func (s *hunting) found(f *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.add(f)
	if s.Enough != nil && s.Enough(f) {
		s.over = true
	}
}

// Try runs one history and returns its failures: none if no property is broken.
func (k Check) Try(h History) ([]*Failure, error) {
	t, err := k.newTable()
	if err != nil {
		return nil, err
	}
	o := t.run(h, false)
	var list []*Failure
	for _, b := range o.broken {
		list = append(list, &Failure{Property: b.Property, Err: b.Err.Error(), Kind: kindOf(b), History: h, Histories: 1, Events: o.events})
	}
	return list, o.err
}
