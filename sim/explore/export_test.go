package explore

// BruteForce runs through every order to its end: no state is recognised.
func (k Check) BruteForce() (*Report, error) { return k.search(false) }
