package table_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// now is when hand-made objects are looked at.
var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// ago is a time before now.
func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// read decodes a manifest, strictly.
func read[T any](t testing.TB, manifest string) *T {
	t.Helper()
	obj := new(T)
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), obj))
	return obj
}

// objects makes a list of objects.
func objects(objs ...apiserver.Object) []apiserver.Object { return objs }
