package simtest

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

var shardFlag = flag.String("sim.shard", "", "simtest: search one part of several: \"i/n\" with i from 0, or \"n\" in the pods of an Indexed Job, whose JOB_COMPLETION_INDEX is i")

// shard returns which part of a search is to be done: what the flag says, or what was
// asked for.
func shard(i, n int) (int, int, error) {
	if *shardFlag == "" {
		return i, n, nil
	}
	return parseShard(*shardFlag, os.Getenv("JOB_COMPLETION_INDEX"))
}

func parseShard(text, index string) (i, n int, err error) {
	first, of, both := strings.Cut(text, "/")
	if !both {
		first, of = index, text
	}
	i, errI := strconv.Atoi(first)
	n, errN := strconv.Atoi(of)
	if errI != nil || errN != nil || i < 0 || i >= n {
		return 0, 0, fmt.Errorf("-sim.shard %q (JOB_COMPLETION_INDEX %q): want i/n with i from 0 and below n", text, index)
	}
	return i, n, nil
}
