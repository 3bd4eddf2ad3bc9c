package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/examples/play/lessons"
	"github.com/statefulsim/statefulsim/sim/scenario"
)

// TestLessons plays every lesson, and holds what it prints against its file.
func TestLessons(t *testing.T) { scenario.Run(t, "lessons/*.txtar") }

// TestStory: the lesson is the story that examples/linuxea tells, line for line.
func TestStory(t *testing.T) {
	want, err := os.ReadFile("../linuxea/testdata/story.txt")
	require.NoError(t, err)
	s, err := open("story.zh")
	require.NoError(t, err)
	played, err := s.Play(scenario.Options{})
	require.NoError(t, err)
	var b strings.Builder
	for _, d := range played.Done {
		title, _, _ := strings.Cut(d.Text, "\n")
		switch {
		case d.Kind == scenario.Prose && strings.HasPrefix(title, "── "):
			b.WriteString("\n" + title + "\n\n")
		case d.Kind == scenario.Shell || d.Text == "watched":
			b.WriteString("[root@linuxea ~]# " + d.Typed + "\n" + d.Got)
			if d.Got != "" && !strings.HasSuffix(d.Got, "\n") {
				b.WriteString("\n")
			}
		}
	}
	require.Equal(t, string(want), b.String())
}

// TestLessonsOnOtherSeeds: what a lesson expects holds in every legal history.
func TestLessonsOnOtherSeeds(t *testing.T) {
	for _, name := range lessons.Names() { // in Chinese they are the same
		t.Run(name, func(t *testing.T) {
			s, err := open(name)
			require.NoError(t, err)
			for seed := uint64(100); seed < 104; seed++ {
				played, err := s.Play(scenario.Options{Seed: &seed})
				require.NoError(t, err)
				require.NoError(t, played.Err(), "seed %d", seed)
			}
		})
	}
}
