package volumes

// search looks for a history of ours that shows what upstream's showed. It goes
// from rest to rest: of the futures of what has matched so far, those are kept
// that match the next chapter too. Equal chapters can hide unequal states (what
// a queue holds, when something is tried again), so up to width of them are.
type search struct {
	width, tries int
}

// searches are tried in turn: the first does for nearly all histories.
var searches = []search{{1, 32}, {16, 64}, {64, 512}}

// reached is how a search ended: the chapters that matched, and where it failed
// the next one as it was first tried.
type reached struct {
	chapters []string
	plays    int
	ok       bool
}

// reach looks for upstream's chapters among our histories of a script.
func reach(s script, want []string) (r reached) {
	origin := begin(s)
	plays := 0
	for _, how := range searches {
		r = how.run(s, want, origin, &plays)
		if r.ok {
			break
		}
	}
	r.plays = plays
	return r
}

func (how search) run(s script, want []string, origin *course, plays *int) (r reached) {
	found := []*course{origin}
	for i, st := range s.steps {
		var next []*course
		first := ""
		for range how.tries {
			for _, c := range found {
				*plays++
				f := c.fork(uint64(*plays))
				chapter := f.play(st)
				if first == "" {
					first = chapter
				}
				if chapter == want[i] {
					next = append(next, f)
				}
				if len(next) == how.width {
					break
				}
			}
			if len(next) == how.width {
				break
			}
		}
		if len(next) == 0 {
			r.chapters = append(r.chapters, first)
			return r
		}
		r.chapters = append(r.chapters, want[i])
		found = next
	}
	r.ok = true
	return r
}
