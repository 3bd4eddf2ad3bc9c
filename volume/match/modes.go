package match

import (
	"math/bits"

	corev1 "k8s.io/api/core/v1"
)

// Modes is a set of access modes.
type Modes uint8

// The access modes.
const (
	ReadWriteOnce Modes = 1 << iota
	ReadOnlyMany
	ReadWriteMany
	ReadWriteOncePod

	allModes = 1<<iota - 1
)

// ModesOf returns the set of the modes listed. It reports false if one of them
// is unknown; the others are in the set all the same.
func ModesOf(list []corev1.PersistentVolumeAccessMode) (Modes, bool) {
	var set Modes
	known := true
	for _, m := range list {
		switch m {
		case corev1.ReadWriteOnce:
			set |= ReadWriteOnce
		case corev1.ReadOnlyMany:
			set |= ReadOnlyMany
		case corev1.ReadWriteMany:
			set |= ReadWriteMany
		case corev1.ReadWriteOncePod:
			set |= ReadWriteOncePod
		default:
			known = false
		}
	}
	return set, known
}

// Contains reports whether every mode of o is in m.
func (m Modes) Contains(o Modes) bool { return m&o == o }

// Len returns how many modes the set has.
func (m Modes) Len() int { return bits.OnesCount8(uint8(m)) }
