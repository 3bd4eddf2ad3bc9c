package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsApply: every mutant's old text is in its file exactly once, and
// something changes.
func TestMutantsApply(t *testing.T) {
	sources := map[string]string{}
	apply := func(what, file, old, new string) {
		if _, read := sources[file]; !read {
			src, err := os.ReadFile(filepath.Join("..", root, file))
			if err != nil {
				t.Fatal(err)
			}
			sources[file] = string(src)
		}
		if n := strings.Count(sources[file], old); n != 1 || old == new {
			t.Errorf("%s: in %s the text %q occurs %d times", what, file, old, n)
		}
	}
	for _, m := range mutants {
		apply(m.what, filepath.Join("statefulset", m.file), m.old, m.new)
	}
	for _, m := range tenantMutants {
		apply(m.what, m.file, m.old, m.new)
	}
	for _, m := range nodeMutants {
		apply(m.what, m.file, m.old, m.new)
	}
	for _, m := range ruleMutants {
		apply(m.rule+", "+m.what, m.file, m.old, m.new)
	}
}

// TestEveryRuleHasAMutant: for every rule of the controllers and of the volumes
// there is a mutant, and a test of its package that names it.
func TestEveryRuleHasAMutant(t *testing.T) {
	broken := map[string]bool{}
	for _, m := range ruleMutants {
		broken[m.rule] = true
		tests, err := testsOf(filepath.Join("..", root, m.dir()), m.rule)
		if err != nil {
			t.Fatal(err)
		}
		if len(tests) == 0 {
			t.Errorf("%s: no test of %s names it", m.rule, m.dir())
		}
	}
	for letter, n := range map[string]int{"S": 40, "V": 17, "W": 12} { // each on its own
		for i := 1; i <= n; i++ {
			if rule := fmt.Sprint(letter, i); !broken[rule] {
				t.Errorf("%s has no mutant", rule)
			}
		}
	}
}
