package main

import (
	"bufio"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	full  = flag.Bool("scale.full", false, "measure the largest clusters, not a hundredth of them; takes minutes and gigabytes")
	parts = flag.Int("scale.part", 100, "measure this part of the largest clusters: 1 is all")
)

func BenchmarkLargest(b *testing.B) {
	part := *parts
	if *full {
		part = 1
	}
	opt := options{nodes: 5000 / part, pods: 150_000 / part, sets: 30, claims: true, events: true, what: phases, unavailable: 1}
	for b.Loop() {
		require.NoError(b, scale(opt, bufio.NewWriter(io.Discard), io.Discard))
	}
}
