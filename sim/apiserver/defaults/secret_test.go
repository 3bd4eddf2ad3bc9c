package defaults_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
)

// stringData is written into data, over what is there, and not kept; the map
// that the object came with stays as it is.
func TestSecret(t *testing.T) {
	given := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	s := &corev1.Secret{Data: given, StringData: map[string]string{"b": "3", "c": "4"}}
	defaults.Set(s)
	require.Equal(t, map[string][]byte{"a": []byte("1"), "b": []byte("3"), "c": []byte("4")}, s.Data)
	require.Nil(t, s.StringData)
	require.Equal(t, corev1.SecretTypeOpaque, s.Type)
	require.Equal(t, []byte("2"), given["b"])
}
