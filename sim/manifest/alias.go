package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	yamlv3 "go.yaml.in/yaml/v3"
)

func newLineReader(data []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(data)) }

// checkAliases measures what a document expands to before it is expanded.
// Documents without anchors pass unread.
func checkAliases(chunk []byte) error {
	if !bytes.ContainsRune(chunk, '*') || !bytes.ContainsRune(chunk, '&') {
		return nil
	}
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(chunk, &root); err != nil {
		return cleanYAML(err)
	}
	size, err := expanded(&root, map[*yamlv3.Node]int{}, 0)
	if err != nil {
		return err
	}
	if size > maxGrowth {
		return fmt.Errorf("its YAML aliases expand to more than %d bytes", maxGrowth)
	}
	return nil
}

// expanded returns the bytes of a node with its aliases written out, at most a
// little above maxGrowth. Each anchor is measured once.
func expanded(n *yamlv3.Node, known map[*yamlv3.Node]int, depth int) (int, error) {
	const maxDepth = 1000
	if depth > maxDepth {
		return 0, errors.New("its YAML is nested too deeply")
	}
	if n.Kind == yamlv3.AliasNode {
		n = n.Alias
	}
	if size, ok := known[n]; ok {
		if size < 0 {
			return 0, fmt.Errorf("the YAML anchor %q contains itself", n.Anchor)
		}
		return size, nil
	}
	known[n] = -1
	size := len(n.Value) + 1
	for _, c := range n.Content {
		s, err := expanded(c, known, depth+1)
		if err != nil {
			return 0, err
		}
		size = min(size+s, maxGrowth+1)
	}
	known[n] = size
	return size, nil
}
