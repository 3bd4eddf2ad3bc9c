package controller

import (
	"cmp"
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Machine decides what to do about one key. It is the decision itself: a pure
// function without clock, chance or writes of its own.
//
// A sync begins with a zero memo and nil results. Step returns a Plan: either
// requests to send, after whose answers it is called again with the memo that
// it returned, or the end of the sync. The slices of results are Step's until it
// returns: their memory is used again.
type Machine[K comparable, M any] interface {
	Step(v View, key K, memo M, results [][]apiserver.Result) (Plan, M)
}

// Plan is what a Step decided.
type Plan struct {
	// Notes are Events to record, in order, before anything is sent.
	Notes []Note
	// Chains are requests to send. The chains run side by side; each is sent
	// one request after the other and ended by its first failure. When all
	// have ended, Step is called with one slice of results for each chain:
	// as many as were sent, the last perhaps a failure. An empty Chains ends
	// the sync.
	Chains [][]apiserver.Request
	// Err, at the end of a sync, sends the key back with backoff.
	Err error
	// After, at the end of a sync, has the key looked at again after a span, which
	// is of Class.
	After time.Duration
	Class engine.Class
}

// Send is a Plan of one chain.
func Send(reqs ...apiserver.Request) Plan {
	return Plan{Chains: [][]apiserver.Request{reqs}}
}

// Workers is a controller's work queue with its workers: it dedups keys, never
// runs one key twice at once, and retries failures with upstream's backoff
// (client-go util/workqueue: DefaultTypedControllerRateLimiter, 5 ms·2ⁿ to
// 1000 s, and a bucket of 10 per second with a burst of 100).
//
// A controller embeds one or more Workers, told apart by ID, and hands them the
// wake-ups and answers that are theirs (see Owns).
type Workers[K comparable, M any] struct {
	// ID (1 … 255) marks this queue's tokens and wake-ups in the top byte.
	ID uint8
	// Count is how many keys are worked on at a time.
	Count int
	// Base and Limit are the backoff of a first failure and of the last ones, if the
	// controller has its own, without a bucket; 0 is upstream's default.
	Base, Limit time.Duration
	// Retries is how often a key is tried again before it is dropped until it is
	// asked for again; 0 is for ever.
	Retries int

	ready    queue[K]
	dirty    map[K]bool // to be processed: waiting in ready, or again after the current sync
	busy     int        // how many of slots are
	delayed  []delayed[K]
	waits    map[K]delayed[K] `state:"incidental" why:"an index"` // those in delayed, by their keys
	seq      uint64           `state:"incidental" why:"the order of delayed says it"`
	failures map[K]failure
	bucket   bucket
	slots    slots[K, M]
	armed    bool // a wake-up to pick work is pending
}

type delayed[K comparable] struct {
	at    engine.Time
	seq   uint64 `state:"incidental" why:"the order of the list says it"`
	key   K
	class engine.Class `state:"incidental" why:"the event that wakes says it"`
}

func (d delayed[K]) compare(o delayed[K]) int {
	return cmp.Or(cmp.Compare(d.at, o.at), cmp.Compare(d.seq, o.seq))
}

type failure struct {
	count int
	err   string
}

type slot[K comparable, M any] struct {
	busy    bool                  `state:"hashed"`
	key     K                     `state:"hashed"`
	memo    M                     `state:"hashed"`
	chains  [][]apiserver.Request `state:"hashed"`
	results [][]apiserver.Result  `state:"hashed"` // by chain; the memory of those of the requests before
	open    int                   `state:"hashed"` // chains that have not ended
}

// slots are the syncs that can be under way at a time.
type slots[K comparable, M any] []slot[K, M]

// HashState takes in the syncs that are under way, each with the place by which its
// answers find it.
func (list *slots[K, M]) HashState(h *state.Hasher) {
	for i := range *list {
		if s := &(*list)[i]; s.busy {
			h.Number(uint64(i))
			h.Value(&s.key)
			h.Value(&s.memo)
			h.Value(&s.chains)
			h.Value(&s.results)
			h.Number(uint64(s.open))
		}
	}
}

const (
	wakePick  = 0
	wakeDelay = 1

	backoffBase time.Duration = 5 * time.Millisecond
	backoffMax  time.Duration = 1000 * time.Second
)

// Owns reports whether a token or the argument of a wake-up belongs to these
// workers.
func (w *Workers[K, M]) Owns(arg uint64) bool { return uint8(arg>>56) == w.ID }

// Add asks for a sync of key.
func (w *Workers[K, M]) Add(env *Env, key K) {
	if w.dirty[key] {
		return
	}
	if w.dirty == nil {
		w.dirty, w.failures = map[K]bool{}, map[K]failure{}
		w.slots = make(slots[K, M], max(w.Count, 1))
	}
	w.dirty[key] = true
	if !w.isBusy(key) {
		w.ready.push(key)
		w.arm(env)
	}
}

// Idle reports whether no key is being worked on or waits for a worker.
func (w *Workers[K, M]) Idle() bool { return w.busy == 0 && w.ready.len() == 0 }

// isBusy reports whether a key is being worked on.
func (w *Workers[K, M]) isBusy(key K) bool {
	if w.busy == 0 {
		return false
	}
	for i := range w.slots {
		if w.slots[i].busy && w.slots[i].key == key {
			return true
		}
	}
	return false
}

// AddAfter asks for a sync of key after a span. A key waits once: of two times
// the sooner one counts (client-go util/workqueue, insert of the delaying queue). Of
// two classes at one time, Progress does.
func (w *Workers[K, M]) AddAfter(env *Env, key K, d time.Duration, class engine.Class) {
	if d <= 0 {
		w.Add(env, key)
		return
	}
	at := env.Now().Add(d)
	if known, ok := w.waits[key]; ok {
		i, _ := slices.BinarySearchFunc(w.delayed, known, delayed[K].compare)
		if known.at == at && class == engine.Progress && known.class != class { // it is waited for
			w.delayed[i].class = class
			w.waits[key] = w.delayed[i]
			env.WakeAfter(d, class, uint64(w.ID)<<56|wakeDelay<<48)
		}
		if known.at <= at {
			return
		}
		w.delayed = slices.Delete(w.delayed, i, i+1) // its wake-up will find nothing
	}
	if w.waits == nil {
		w.waits = map[K]delayed[K]{}
	}
	w.seq++
	item := delayed[K]{at, w.seq, key, class}
	w.waits[key] = item
	i, _ := slices.BinarySearchFunc(w.delayed, item, delayed[K].compare)
	w.delayed = slices.Insert(w.delayed, i, item)
	env.WakeAfter(d, class, uint64(w.ID)<<56|wakeDelay<<48)
}

// AddRateLimited asks for a sync of key after its backoff, which grows with
// every failure until Forget.
func (w *Workers[K, M]) AddRateLimited(env *Env, key K, err error) {
	f := w.failures[key]
	base, limit := backoffBase, backoffMax
	if w.Base > 0 {
		base, limit = w.Base, w.Limit
	}
	d := limit
	if f.count < 18 { // 5 ms · 2^18 is above the cap
		d = min(base<<f.count, limit)
	}
	f.count++
	f.err = err.Error()
	w.failures[key] = f
	if w.Base == 0 {
		d = max(d, w.bucket.reserve(env.Now()))
	}
	w.AddAfter(env, key, d, engine.Retry)
}

// Forget ends the backoff of key.
func (w *Workers[K, M]) Forget(key K) {
	if len(w.failures) > 0 {
		delete(w.failures, key)
	}
}

// Failure returns the last error of a key in backoff, or "".
func (w *Workers[K, M]) Failure(key K) string { return w.failures[key].err }

// Failing returns the keys in backoff with their last errors. The order is not
// fixed: the caller sorts.
func (w *Workers[K, M]) Failing() map[K]string {
	m := make(map[K]string, len(w.failures))
	for k, f := range w.failures { // a map from a map
		m[k] = f.err
	}
	return m
}

// Wake handles a wake-up that these workers own.
func (w *Workers[K, M]) Wake(env *Env, m Machine[K, M], arg uint64) {
	if arg>>48&0xff == wakeDelay {
		for len(w.delayed) > 0 && w.delayed[0].at <= env.Now() {
			key := w.delayed[0].key
			w.delayed = w.delayed[1:]
			delete(w.waits, key)
			w.Add(env, key)
		}
		return
	}
	w.armed = false
	for i := range w.slots {
		if w.ready.len() == 0 {
			break
		}
		if !w.slots[i].busy {
			w.start(env, m, i)
		}
	}
}

// Respond handles an answer to a request that these workers sent.
func (w *Workers[K, M]) Respond(env *Env, m Machine[K, M], token uint64, res apiserver.Result) {
	i, c := int(token>>32&0xffffff), int(uint32(token))
	s := &w.slots[i]
	s.results[c] = append(s.results[c], res)
	if done := len(s.results[c]); res.Err == nil && done < len(s.chains[c]) {
		env.Send(token, s.chains[c][done])
		return
	}
	if s.open--; s.open == 0 {
		s.chains = nil
		w.step(env, m, i, s.results)
	}
}

// Asking returns the memo of the sync that sent the request with a token, and
// which of its chains the request belongs to.
func (w *Workers[K, M]) Asking(token uint64) (memo M, chain int) {
	return w.slots[token>>32&0xffffff].memo, int(uint32(token))
}

func (w *Workers[K, M]) arm(env *Env) {
	if w.armed || w.busy >= len(w.slots) {
		return
	}
	w.armed = true
	env.WakeAfter(env.Span("latency/queue", engine.Key(w.ID), env.host.latency.Queue), engine.Progress, uint64(w.ID)<<56|wakePick<<48)
}

func (w *Workers[K, M]) start(env *Env, m Machine[K, M], i int) {
	key := w.ready.pop()
	delete(w.dirty, key)
	w.busy++
	s := &w.slots[i]
	s.busy, s.key = true, key
	w.step(env, m, i, nil)
}

func (w *Workers[K, M]) step(env *Env, m Machine[K, M], i int, results [][]apiserver.Result) {
	s := &w.slots[i]
	plan, memo := m.Step(env.View, s.key, s.memo, results)
	for _, n := range plan.Notes {
		env.Note(n)
	}
	s.memo = memo
	for c, chain := range plan.Chains {
		if len(chain) == 0 {
			continue
		}
		s.open++
		env.Send(uint64(w.ID)<<56|uint64(i)<<32|uint64(c), chain[0])
	}
	if s.open > 0 {
		s.chains = plan.Chains
		s.results = emptied(s.results, len(plan.Chains))
		return
	}
	w.finish(env, i, plan)
}

func (w *Workers[K, M]) finish(env *Env, i int, plan Plan) {
	key := w.slots[i].key
	w.slots[i] = slot[K, M]{results: emptied(w.slots[i].results, 0)}
	w.busy--
	if plan.Err != nil && (w.Retries == 0 || w.failures[key].count < w.Retries) {
		w.AddRateLimited(env, key, plan.Err)
	} else {
		w.Forget(key)
	}
	if plan.After > 0 {
		w.AddAfter(env, key, plan.After, plan.Class)
	}
	if w.dirty[key] { // asked for again while busy
		w.ready.push(key)
	}
	if w.ready.len() > 0 {
		w.arm(env)
	}
}

// emptied makes room for the answers to n chains where others were.
func emptied(results [][]apiserver.Result, n int) [][]apiserver.Result {
	for c := range results {
		clear(results[c])
		results[c] = results[c][:0]
	}
	results = results[:cap(results)] // those beyond its length were emptied before
	if more := n - len(results); more > 0 {
		results = append(results, make([][]apiserver.Result, more)...)
	}
	return results[:n]
}

// bucket is a token bucket of 10 per second with a burst of 100; negative
// tokens are reservations.
type bucket struct {
	spent float64     `state:"hashed"` // tokens missing from a full bucket
	at    engine.Time `state:"hashed"`
}

// HashState takes in when the bucket will be full again.
func (b *bucket) HashState(h *state.Hasher) {
	h.Deadline(int64(b.at.Add(time.Duration(b.spent / bucketRate * float64(time.Second)))))
}

const (
	bucketRate  = 10.0
	bucketBurst = 100.0
)

// reserve takes a token and returns how long to wait for it.
func (b *bucket) reserve(now engine.Time) time.Duration {
	b.spent = max(0, b.spent-now.Sub(b.at).Seconds()*bucketRate) + 1
	b.at = now
	if b.spent <= bucketBurst {
		return 0
	}
	return time.Duration((b.spent - bucketBurst) / bucketRate * float64(time.Second))
}
