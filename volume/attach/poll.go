package attach

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// How an operation looks whether its VolumeAttachment is as it should be
// (waitForVolumeAttachDetachStatusWithLister).
const (
	firstPoll  = 500 * time.Millisecond
	pollFactor = 1.05
	maxPoll    = 7 * time.Second
	pollJitter = 0.1
	// patience is how long it looks (csiTimeout).
	patience = 2 * time.Minute
)

// nextLook is the first look at or after a time of an operation that began to look
// at another: the looks are computed, not made, as long as they would show
// nothing. Each pause is up to a tenth longer than it should be, by the seed.
func nextLook(began engine.Time, seed uint64, from engine.Time) engine.Time {
	at, pause := began, float64(firstPoll)
	for i := uint64(0); ; i++ {
		jitter := float64(draw(seed, i)>>11) / (1 << 53)
		at = at.Add(time.Duration(pause + pause*pollJitter*jitter))
		if at >= from {
			return at
		}
		pause = min(pause*pollFactor, float64(maxPoll))
	}
}

// draw is a hash of a seed and a number.
func draw(seed, i uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := seed * odd
	h ^= h >> 29
	h = (h ^ i) * odd
	return h ^ h>>29
}
