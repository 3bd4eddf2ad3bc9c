//go:build tools

package e2e

// What the test builds, so that go.mod and go.sum have all that it needs.
import (
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/test/e2e"
)
