package main

import "testing"

// The story again, with every stored object held against a copy of it.
func TestStoryMutatesNothing(t *testing.T) {
	_, c := told(t, Setting{Seed: articleSeed, DetectMutation: true})
	c.CheckMutations()
}
