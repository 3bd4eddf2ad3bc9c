package engine

import (
	"fmt"
	"slices"
	"time"
)

// Concern names what a choice is about ("volume-tie", "latency/api"), so that
// choices of different kinds never influence each other.
type Concern string

// Mode is how a Strategy answers.
type Mode uint8

const (
	// Seeded answers with a hash of (seed, concern, key, how often asked). It
	// may forget about a key that was not asked about while a million others
	// were, and begins to count anew.
	Seeded Mode = iota
	// First always answers 0 and the shortest span.
	First
	// Replay answers from Strategy.Trail in order, and as First does after
	// its end.
	Replay
)

// Strategy says how choices are answered. It is plain data; the zero Strategy
// is Seeded with seed 0.
type Strategy struct {
	Mode Mode
	Seed uint64
	// Trail holds the answers that Replay gives, in order. An answer beyond
	// the choices offered counts modulo their number.
	Trail []uint64 `state:"immutable"`
	// Keep records every answered choice, for Engine.Taken, and what spans were
	// about, for Engine.Spans.
	Keep bool
	// Swap are questions that Seeded answers as the seed Other would, so that one
	// can find out which choice makes two histories differ.
	Swap  []Question `state:"immutable"`
	Other uint64
}

// Question is what Strategy.Swap names: a choice, or with an empty key all
// choices and spans about a concern.
type Question struct {
	Concern Concern
	Key     string
}

func (s Strategy) clone() Strategy {
	s.Trail, s.Swap = slices.Clone(s.Trail), slices.Clone(s.Swap)
	return s
}

// seedOf returns the seed that answers a question.
func (s *Strategy) seedOf(c Concern, key string) uint64 {
	for _, q := range s.Swap {
		if q.Concern == c && (q.Key == "" || q.Key == key) {
			return s.Other
		}
	}
	return s.Seed
}

// Choice is an answered question, kept when Strategy.Keep is set.
type Choice struct {
	Concern Concern
	Key     string
	N       uint64 // how many answers were legal
	Answer  uint64 // 0 … N-1
}

func (c Choice) String() string {
	return fmt.Sprintf("%s(%s)=%d/%d", c.Concern, c.Key, c.Answer, c.N)
}

// Reseed has all questions from here on answered by another seed, as if the
// Strategy had had it from the start; what was answered stays. It is for tests
// that look at many futures of forks that share their past. A history is still a
// function of what went in: the same seeds given at the same events give the
// same one. But no single seed names it any more, so a cluster that prints its
// seed must not be reseeded.
func (e *Engine) Reseed(seed uint64) { e.strategy.Seed = seed }

// Answer has all questions from here on answered by another strategy. It is for
// those who search futures, of forks: see Reseed.
func (e *Engine) Answer(s Strategy) { e.strategy, e.taken = s.clone(), nil }

// Taken returns the choices answered so far, oldest first, if Strategy.Keep is
// set. The caller must not change it.
func (e *Engine) Taken() []Choice { return e.taken }

// Spans returns what spans were asked about so far, each concern once, if
// Strategy.Keep is set. The caller must not change it.
func (e *Engine) Spans() []Concern { return e.spans }

// Choose picks one of n legal outcomes and returns its index, 0 … n-1. The key
// is that of the object the choice is about. With n ≤ 1 nothing is asked and
// the answer is 0.
func (e *Engine) Choose(c Concern, key string, n int) int {
	if n <= 1 {
		return 0
	}
	return int(e.answer(c, key, uint64(n)))
}

// Between picks a span from lo to hi, both included, in nanoseconds. If hi is
// not above lo the answer is lo and nothing is asked.
func (e *Engine) Between(c Concern, key string, lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(e.answer(c, key, uint64(hi-lo)+1))
}

// Span returns a span from lo to hi, both included, that depends on the seed,
// the concern, the key and n alone. It is for latencies, which are no choices:
// nothing is counted or kept, and First and Replay answer lo. For n take what
// tells this question from the last one about the key: the time, or a count.
func (e *Engine) Span(c Concern, key Key, n uint64, lo, hi time.Duration) time.Duration {
	if hi <= lo || e.strategy.Mode != Seeded {
		return lo
	}
	if e.strategy.Keep && !slices.Contains(e.spans, c) {
		e.spans = append(e.spans, c)
	}
	h := mix(mix(e.strategy.seedOf(c, ""), uint64(key)^question(c, "")), n)
	return lo + time.Duration(h%(uint64(hi-lo)+1))
}

// Key is a name folded into 64 bits, for Span.
type Key uint64

// KeyOf folds the parts of a name. Parts are told apart: ("a", "b") is not
// ("ab").
func KeyOf(parts ...string) Key { return Key(fnvOffset).With(parts...) }

// With folds more parts in: KeyOf("a").With("b") is KeyOf("a", "b").
func (k Key) With(parts ...string) Key {
	h := uint64(k)
	for _, p := range parts {
		h = fnv(h, p)
		h *= fnvPrime
	}
	return Key(h)
}

// Hash returns a number that depends on the seed, the concern and the key
// alone: for identifiers, which must not be counted as choices.
func (e *Engine) Hash(c Concern, key string) uint64 {
	return mix(e.strategy.Seed, question(c, key))
}

// HashBytes is Hash of a key that is not worth a string of its own.
func (e *Engine) HashBytes(c Concern, key []byte) uint64 {
	return mix(e.strategy.Seed, fnv(question(c, ""), key))
}

func (e *Engine) answer(c Concern, key string, n uint64) uint64 {
	var a uint64
	switch e.strategy.Mode {
	case First:
	case Replay:
		if len(e.strategy.Trail) > 0 {
			a = e.strategy.Trail[0] % n
			e.strategy.Trail = e.strategy.Trail[1:]
		}
	default:
		q := question(c, key)
		count, _ := e.asked.Next(q)
		a = mix(mix(e.strategy.seedOf(c, key), q), uint64(count)) % n
	}
	if e.strategy.Keep {
		e.taken = append(e.taken, Choice{Concern: c, Key: key, N: n, Answer: a})
	}
	return a
}

// question folds concern and key into 64 bits.
func question(c Concern, key string) uint64 {
	h := fnv(fnvOffset, string(c))
	h *= fnvPrime // a zero byte between concern and key
	return fnv(h, key)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// fnv continues the FNV-1a hash h over s.
func fnv[T ~string | ~[]byte](h uint64, s T) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// mix is the finaliser of SplitMix64 over a combination of both words.
func mix(a, b uint64) uint64 {
	z := a*0x9e3779b97f4a7c15 + b + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
