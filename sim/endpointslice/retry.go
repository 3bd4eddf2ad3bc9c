package endpointslice

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// backoff is the rate limiter of the Service queue: 1 s · 2ⁿ for each key, and a
// bucket of 10 per second with a burst of 100 over all of them; after fifteen
// retries a key is dropped. Its first step is longer than that of other
// controllers, which is why it does not use the workers' own.
type backoff struct {
	failures map[apiserver.Key]failure
	spent    float64 // tokens missing from a full bucket
	at       engine.Time
}

type failure struct {
	count int
	err   string
}

const (
	maxRetries  = 15
	backoffBase = time.Second
	backoffMax  = 1000 * time.Second

	bucketRate  = 10.0
	bucketBurst = 100.0
)

// next counts a failure of key and returns how long to wait before the next
// attempt, or false if the key is to be dropped.
func (b *backoff) next(now engine.Time, key apiserver.Key, err string) (time.Duration, bool) {
	f := b.failures[key]
	if f.count >= maxRetries {
		delete(b.failures, key)
		return 0, false
	}
	d := backoffMax
	if f.count < 10 { // 1 s · 2^10 is above the cap
		d = backoffBase << f.count
	}
	b.failures[key] = failure{f.count + 1, err}

	b.spent = max(0, b.spent-now.Sub(b.at).Seconds()*bucketRate) + 1
	b.at = now
	if over := b.spent - bucketBurst; over > 0 {
		d = max(d, time.Duration(over/bucketRate*float64(time.Second)))
	}
	return d, true
}

// forget ends the backoff of key.
func (b *backoff) forget(key apiserver.Key) { delete(b.failures, key) }
