package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
)

// parseNodes reads one -node: cpu=8,memory=32Gi,label=zone=a,count=2. Keys may
// come in any order, label several times.
func parseNodes(text string) ([]sim.Node, error) {
	n, count := sim.Node{Labels: map[string]string{}}, 1
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("%q: want KEY=VALUE", part)
		}
		var err error
		switch key {
		case "name":
			n.Name = value
		case "cpu":
			n.CPU = value
		case "memory":
			n.Memory = value
		case "pods":
			n.Pods, err = strconv.ParseInt(value, 10, 64)
		case "label":
			name, v, ok := strings.Cut(value, "=")
			if !ok || name == "" {
				return nil, fmt.Errorf("%q: want label=NAME=VALUE", part)
			}
			n.Labels[name] = v
		case "count":
			if count, err = strconv.Atoi(value); err == nil && (count < 1 || count > maxNodes) {
				err = fmt.Errorf("want 1 to %d", maxNodes)
			}
		default:
			return nil, fmt.Errorf("%q: want name, cpu, memory, pods, label or count", key)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	if n.Name != "" && count > 1 {
		return nil, fmt.Errorf("name=%s is for one node, not for %d", n.Name, count)
	}
	nodes := make([]sim.Node, count)
	for i := range nodes {
		nodes[i] = n
	}
	return nodes, nil
}

// named gives the nodes without a name theirs, node-1 and so on.
func named(nodes []sim.Node) []sim.Node {
	for i := range nodes {
		if nodes[i].Name == "" {
			nodes[i].Name = fmt.Sprintf("node-%d", i+1)
		}
	}
	return nodes
}
