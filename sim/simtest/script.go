package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"pgregory.net/rapid"
)

// Script is a cluster's seed, how its StatefulSet manages pods, and what is done
// to them. It prints as text that can be edited and parsed again.
type Script struct {
	Seed       uint64
	Policy     appsv1.PodManagementPolicyType // empty means OrderedReady
	Operations []Operation
}

// String returns the script as text: one line for the seed, one for the policy
// and one for each operation.
func (s Script) String() string {
	var b strings.Builder
	policy := s.Policy
	if policy == "" {
		policy = appsv1.OrderedReadyPodManagement
	}
	fmt.Fprintf(&b, "seed %d\npolicy %s\n", s.Seed, policy)
	for _, o := range s.Operations {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

// ParseScript is the inverse of String. Empty lines, and lines that start with
// #, do not count. An error names the line.
func ParseScript(text string) (Script, error) {
	var s Script
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.parseLine(line); err != nil {
			return Script{}, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return s, nil
}

func (s *Script) parseLine(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "seed":
		seed, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
		if err != nil {
			return fmt.Errorf("seed: %q is no number", rest)
		}
		s.Seed = seed
	case "policy":
		s.Policy = appsv1.PodManagementPolicyType(strings.TrimSpace(rest))
		if s.Policy != appsv1.OrderedReadyPodManagement && s.Policy != appsv1.ParallelPodManagement {
			return fmt.Errorf("policy: %q is none of OrderedReady, Parallel", rest)
		}
	default:
		o, err := ParseOperation(line)
		if err != nil {
			return err
		}
		s.Operations = append(s.Operations, o)
	}
	return nil
}

// drawScript draws a script of at most length operations.
func drawScript(t *rapid.T, length int, without []string) Script {
	var kinds []operation // sorted, as operations is
	for _, k := range operations {
		if !slices.Contains(without, k.name) {
			kinds = append(kinds, k)
		}
	}
	s := Script{Seed: uint64(pick(t, "seed", 1<<10))}
	s.Policy = []appsv1.PodManagementPolicyType{appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement}[pick(t, "policy", 2)]
	s.Operations = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Operation {
		// Time passes between many operations, and often not enough.
		if pick(t, "pause", 3) == 2 && !slices.Contains(without, "wait") {
			return kindOf("wait").draw(t)
		}
		return kinds[pick(t, "operation", len(kinds))].draw(t)
	}), length/2, length).Draw(t, "operations")
	return s
}
