package state

import (
	"fmt"
	"slices"
	"strings"
)

// spelling is a state, spelled out: what a Hasher takes in, by where it stands.
type spelling struct {
	path  []string
	lines map[string]int
	ids   map[uint64][]string // places of an identifier
	now   int64
	wall  int64
}

func (s *spelling) within(name string, visit func()) {
	s.path = append(s.path, name)
	visit()
	s.path = s.path[:len(s.path)-1]
}

func (s *spelling) line(text string) { s.lines[strings.Join(s.path, " ")+" = "+text]++ }

func (s *spelling) number(x uint64) { s.line(fmt.Sprint(int64(x))) }

func (s *spelling) text(t string) {
	for {
		from, to := uuidIn(t)
		if from < 0 {
			break
		}
		t = t[:from] + "UID" + t[to:]
	}
	if isAttachment(t) {
		t = attachment + "…"
	}
	if looksGenerated(t) {
		t = t[:len(t)-randomEnd] + "…"
	}
	s.line(fmt.Sprintf("%q", t))
}

func (s *spelling) open(kind opening, value uint64) {
	switch kind {
	case identifier, perhaps, written:
		s.ids[value] = append(s.ids[value], strings.Join(s.path, " "))
	case deadline:
		s.line(fmt.Sprint("now+", max(int64(value)-s.now, 0)))
	case moment:
		s.line(fmt.Sprint("now+", int64(value)-s.now))
	case since:
		s.line(fmt.Sprint("now+", int64(value)-s.wall))
	}
}

// Spell spells a value out, one line for each thing that its hash depends on,
// sorted: for a look at why two hashes differ.
func Spell(now, wall int64, take func(h *Hasher)) []string {
	s := &spelling{lines: map[string]int{}, ids: map[uint64][]string{}, now: now, wall: wall}
	h := Hasher{spelled: s}
	take(&h)
	var lines []string
	for line, n := range s.lines { // sorted below
		lines = append(lines, fmt.Sprintf("%d × %s", n, line))
	}
	for _, places := range s.ids { // sorted below
		slices.Sort(places)
		lines = append(lines, "one identifier: "+strings.Join(places, ", "))
	}
	slices.Sort(lines)
	return lines
}

// Part names what is taken in, for Spell.
func (h *Hasher) Part(name string, take func()) {
	if h.spelled == nil {
		take()
		return
	}
	h.spelled.within(name, take)
}
