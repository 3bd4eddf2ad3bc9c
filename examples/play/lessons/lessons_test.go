package lessons

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/scenario"
)

func Example() {
	s, err := Open("two-seeds")
	if err != nil {
		panic(err)
	}
	played, err := s.Play(scenario.Options{})
	fmt.Println(s.Title(), played.Err(), err)
	// Output: Two seeds, two legal histories: what Kubernetes leaves open. <nil> <nil>
}

// TestEveryFileIsALesson: none is forgotten, and each is in English.
func TestEveryFileIsALesson(t *testing.T) {
	found, err := fs.Glob(files, "*"+ending)
	require.NoError(t, err)
	var names []string
	for _, f := range found {
		name, zh := strings.CutSuffix(strings.TrimSuffix(f, ending), ".zh")
		if !zh {
			names = append(names, name)
		}
		require.Contains(t, Names(), name)
		require.Equal(t, zh, zh && slices.Contains(Languages(name), "zh"))
	}
	require.ElementsMatch(t, Names(), names)
	_, err = Open("frob")
	require.ErrorContains(t, err, `there is no lesson "frob"; there are story, ordered-start`)
}

// TestTranslations: a lesson in two languages is one lesson: the same lines do the
// same; only the prose and the words of questions differ.
func TestTranslations(t *testing.T) {
	n := 0
	for _, name := range Names() {
		if !slices.Contains(Languages(name), "zh") {
			continue
		}
		n++
		script := func(name string) []string {
			s, err := Open(name)
			require.NoError(t, err)
			var list []string
			for _, step := range s.Steps {
				switch word, _, _ := strings.Cut(step.Text, " "); {
				case step.Kind == scenario.Prose:
				case step.Kind == scenario.Directive && word == "ask":
					list = append(list, "ask")
				case step.OptionText() != "":
					_, when, _ := strings.Cut(step.Text[len("option ")+len(step.OptionText()):], " if ")
					list = append(list, "option if "+when)
				case word == "answer":
					list = append(list, "answer")
				default:
					list = append(list, step.Text+"\n"+step.Stdin+step.Want)
				}
			}
			return list
		}
		require.Equal(t, script(name), script(name+".zh"), name)
	}
	require.GreaterOrEqual(t, n, 6, "the story and five more")
}
