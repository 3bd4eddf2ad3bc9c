package apiserver

// Gates are the feature gates that a cluster can set. The zero Gates is what
// v1.37 ships with.
type Gates struct {
	// NoMaxUnavailable turns MaxUnavailableStatefulSet (beta, on) off.
	NoMaxUnavailable bool
	// Recreate turns StatefulSetRecreateStrategy (alpha, off) on.
	Recreate bool
}
