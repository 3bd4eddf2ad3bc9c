package manifest

import (
	"fmt"
	"os"
	"path/filepath"
)

// kubectl takes the last of two keys, and so do we.
func Example() {
	dir, err := os.MkdirTemp("", "manifest")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	data := []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dup}\ndata: {a: \"1\", a: \"2\"}\n")
	path := filepath.Join(dir, "dup.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		panic(err)
	}
	fmt.Print(upstream(path).objects[0])
	fmt.Print(ours(path, data).objects[0])
	// Output:
	// {"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"dup","namespace":"default"}}
	// {"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"dup","namespace":"default"}}
}
