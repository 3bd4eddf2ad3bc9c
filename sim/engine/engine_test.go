package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// Example runs three events in the order of time, then of scheduling.
func Example() {
	e := engine.New(engine.Strategy{Seed: 1})
	e.Schedule(engine.Event{At: 20, Arg: 'c'})
	e.Schedule(engine.Event{At: 10, Arg: 'a'})
	e.Schedule(engine.Event{At: 10, Arg: 'b'})
	for {
		ev, ok := e.Next()
		if !ok {
			break
		}
		fmt.Printf("%d %c\n", e.Now(), rune(ev.Arg))
	}
	// Output:
	// 10 a
	// 10 b
	// 20 c
}

func TestEventsComeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := engine.New(engine.Strategy{})
		var naive []engine.Event
		for range rapid.IntRange(1, 200).Draw(t, "operations") {
			if rapid.Bool().Draw(t, "fork") {
				e = e.Fork()
			}
			if rapid.Bool().Draw(t, "push") || len(naive) == 0 {
				ev := engine.Event{At: engine.Time(rapid.SampledFrom([]int{0, 1, 2, 3, 20, 40, 300, 5000, 1 << 40}).Draw(t, "at")), Class: engine.Class(rapid.IntRange(0, 2).Draw(t, "class"))}
				ev.Seq = e.Schedule(ev)
				ev.At, ev.Cause = max(ev.At, e.Now()), e.Running()
				naive = append(naive, ev)
				continue
			}
			slices.SortStableFunc(naive, func(a, b engine.Event) int { return int(a.At - b.At) })
			if first, _ := e.Peek(); first != naive[0] {
				t.Fatalf("next is %+v, want %+v", first, naive[0])
			}
			i := 0
			if rapid.Bool().Draw(t, "out of order") {
				i = rapid.IntRange(0, len(naive)-1).Draw(t, "which")
			}
			var got engine.Event
			if i == 0 {
				got, _ = e.Next()
			} else {
				got, _ = e.NextOf(naive[i].Seq)
			}
			if got != naive[i] {
				t.Fatalf("got %+v, want %+v", got, naive[i])
			}
			naive = slices.Delete(naive, i, i+1)
		}
		for c := range engine.Class(3) {
			want := 0
			for _, ev := range naive {
				if ev.Class == c {
					want++
				}
			}
			if e.Pending(c) != want {
				t.Fatalf("class %d: %d pending, want %d", c, e.Pending(c), want)
			}
		}
	})
}

func TestTimeNeverGoesBack(t *testing.T) {
	e := engine.New(engine.Strategy{})
	e.Schedule(engine.Event{At: 10})
	late := e.Schedule(engine.Event{At: 30})
	e.NextOf(late)
	assert.Equal(t, engine.Time(30), e.Now())
	ev, _ := e.Next() // its time is past: it runs now
	assert.Equal(t, engine.Time(10), ev.At)
	assert.Equal(t, engine.Time(30), e.Now())
	e.Schedule(engine.Event{At: 5})
	ev, _ = e.Next()
	assert.Equal(t, engine.Time(30), ev.At)
	e.Schedule(engine.Event{At: 50})
	assert.Panics(t, func() { e.AdvanceTo(51) })
}

func TestChoicesDoNotShiftEachOther(t *testing.T) {
	ask := func(e *engine.Engine) (as []int) {
		for range 10 {
			as = append(as, e.Choose("tie", "default/web-0", 5))
		}
		return as
	}
	plain := ask(engine.New(engine.Strategy{Seed: 7}))
	e := engine.New(engine.Strategy{Seed: 7})
	var mixed []int
	for i := range 10 {
		e.Choose("tie", fmt.Sprint("other/", i), 3)
		e.Choose("order", "default/web-0", 5)
		e.Span("latency", engine.KeyOf("default", "web-0"), uint64(i), 0, time.Second)
		mixed = append(mixed, e.Choose("tie", "default/web-0", 5))
	}
	assert.Equal(t, plain, mixed)
	assert.NotEqual(t, plain, ask(engine.New(engine.Strategy{Seed: 8})))
}

func TestEveryAnswerComesUp(t *testing.T) {
	var counts [5]int
	for seed := range uint64(5000) {
		counts[engine.New(engine.Strategy{Seed: seed}).Choose("tie", "x", 5)]++
	}
	for answer, n := range counts {
		assert.InDelta(t, 1000, n, 150, "answer %d", answer)
	}
}

func TestReplayRepeatsWhatWasKept(t *testing.T) {
	ask := func(e *engine.Engine) (as []int) {
		for i := range 20 {
			as = append(as, e.Choose("tie", fmt.Sprint(i%3), 2+i))
		}
		return as
	}
	first := engine.New(engine.Strategy{Seed: 3, Keep: true})
	want := ask(first)
	var trail []uint64
	for _, c := range first.Taken() {
		trail = append(trail, c.Answer)
	}
	assert.Equal(t, want, ask(engine.New(engine.Strategy{Mode: engine.Replay, Trail: trail})))
	assert.Equal(t, make([]int, 20), ask(engine.New(engine.Strategy{Mode: engine.First})))
}

func TestForkRunsAlike(t *testing.T) {
	e := engine.New(engine.Strategy{Seed: 5})
	e.Choose("tie", "x", 9)
	for i := range 10 {
		e.Schedule(engine.Event{At: engine.Time(10 - i)})
	}
	f := e.Fork()
	for range 10 {
		a, _ := e.Next()
		b, _ := f.Next()
		assert.Equal(t, a, b)
		assert.Equal(t, e.Choose("tie", "x", 9), f.Choose("tie", "x", 9))
	}
}

func BenchmarkPopPush(b *testing.B) {
	e := engine.New(engine.Strategy{})
	for i := range 100_000 {
		e.Schedule(engine.Event{At: engine.Time(e.Hash("bench", fmt.Sprint(i)) % 1_000_000)})
	}
	b.ReportAllocs()
	x := uint64(1)
	for b.Loop() {
		ev, _ := e.Next()
		x = x*6364136223846793005 + 1442695040888963407
		e.Schedule(engine.Event{At: ev.At + engine.Time(x>>44)})
	}
}

func BenchmarkChoose(b *testing.B) {
	e := engine.New(engine.Strategy{})
	b.ReportAllocs()
	for b.Loop() {
		e.Choose("tie", "default/web-0", 5)
	}
}

// A fork that is reseeded has another future, the same one each time, and leaves
// the future of the others alone.
// TestSwap: questions that are named are answered as by the other seed, and no
// others; concerns without a key swap spans, too.
func TestSwap(t *testing.T) {
	answers := func(s engine.Strategy) (list [3][]int, span time.Duration) {
		e := engine.New(s)
		for range 8 {
			for i, q := range []engine.Question{{"tie", "a"}, {"tie", "b"}, {"order", "a"}} {
				list[i] = append(list[i], e.Choose(q.Concern, q.Key, 1000))
			}
		}
		return list, e.Span("latency", engine.KeyOf("x"), 1, 0, time.Hour)
	}
	one, spanOne := answers(engine.Strategy{Seed: 1})
	two, spanTwo := answers(engine.Strategy{Seed: 2})
	for _, c := range []struct {
		swap []engine.Question
		want [3]bool // answered by the second seed
		span bool
	}{
		{[]engine.Question{{"tie", "a"}}, [3]bool{true, false, false}, false},
		{[]engine.Question{{"tie", ""}}, [3]bool{true, true, false}, false},
		{[]engine.Question{{"latency", ""}}, [3]bool{}, true},
		{[]engine.Question{{"order", "a"}, {"latency", ""}}, [3]bool{false, false, true}, true},
	} {
		got, span := answers(engine.Strategy{Seed: 1, Swap: c.swap, Other: 2})
		for i := range got {
			want := one[i]
			if c.want[i] {
				want = two[i]
			}
			assert.Equal(t, want, got[i], "%v %d", c.swap, i)
		}
		assert.Equal(t, c.span, span == spanTwo)
		assert.Equal(t, !c.span, span == spanOne)
	}
	e := engine.New(engine.Strategy{Keep: true})
	e.Span("latency/a", 0, 0, 0, 9)
	e.Span("latency/b", 0, 0, 0, 9)
	e.Span("latency/a", 1, 0, 0, 9)
	assert.Equal(t, []engine.Concern{"latency/a", "latency/b"}, e.Spans())
}

func TestReseedIsDeterministic(t *testing.T) {
	future := func(e *engine.Engine) (answers []int) {
		for range 20 {
			answers = append(answers, e.Choose("tie", "default/web", 100), int(e.Between("lag", "default/web", 0, 99)),
				int(e.Span("latency", engine.KeyOf("web"), 7, 0, 99)), int(e.Hash("uid", "web")%100))
		}
		return answers
	}
	reseeded := func(e *engine.Engine, seed uint64) []int {
		f := e.Fork()
		f.Reseed(seed)
		return future(f)
	}
	e := engine.New(engine.Strategy{Seed: 1})
	future(e)
	own := future(e.Fork())
	assert.Equal(t, own, reseeded(e, 1), "its own seed changes nothing")
	assert.Equal(t, reseeded(e, 2), reseeded(e, 2))
	assert.NotEqual(t, own, reseeded(e, 2))
	assert.NotEqual(t, reseeded(e, 3), reseeded(e, 2))
	other := engine.New(engine.Strategy{Seed: 2})
	future(other)
	assert.Equal(t, future(other), reseeded(e, 2), "how often was asked is kept, and nothing else")
	assert.Equal(t, own, future(e), "a fork was reseeded, not this one")
}
