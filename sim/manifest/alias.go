package manifest

import (
	"fmt"
	"regexp"

	yamlv3 "go.yaml.in/yaml/v3"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

// anchor and alias are what may be one, by the letters that YAML allows there.
var (
	anchor = regexp.MustCompile(`(?m)(^|[\s\[{,:])&[0-9A-Za-z_-]`)
	alias  = regexp.MustCompile(`(?m)(^|[\s\[{,:])\*[0-9A-Za-z_-]`)
)

// checkAliases measures what a document expands to before it is expanded.
// Documents without anchors pass unread, and what is no YAML is the decoder's to
// refuse.
func checkAliases(chunk []byte) error {
	if !alias.Match(chunk) || !anchor.Match(chunk) {
		return nil
	}
	var root yamlv3.Node
	size := 0
	if err := yamlv3.Unmarshal(chunk, &root); err == nil {
		size = expanded(&root, map[*yamlv3.Node]int{}, 0)
	} else { // or YAML of another mind: each alias may stand for all of it
		size = len(chunk) * len(alias.FindAllIndex(chunk, -1))
	}
	if size > maxGrowth {
		var tree any
		if err := goyaml.Unmarshal(chunk, &tree); err != nil { // kubectl's parser has a bound of its own, on its steps
			return fmt.Errorf("error converting YAML to JSON: %w", err)
		}
		return fmt.Errorf("its YAML aliases expand to more than %d bytes", maxGrowth)
	}
	return nil
}

// expanded returns the bytes of a node with its aliases written out, at most a
// little above maxGrowth. Each anchor is measured once; one that contains itself,
// and what is nested too deeply, is the decoder's to refuse.
func expanded(n *yamlv3.Node, known map[*yamlv3.Node]int, depth int) int {
	const maxDepth = 10_000
	if n.Kind == yamlv3.AliasNode {
		n = n.Alias
	}
	if size, ok := known[n]; ok || depth > maxDepth {
		return size
	}
	known[n] = 0
	size := len(n.Value) + 1
	for _, c := range n.Content {
		size = min(size+expanded(c, known, depth+1), maxGrowth+1)
	}
	known[n] = size
	return size
}
