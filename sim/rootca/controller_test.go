package rootca_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/rootca"
)

// What is changed in the ConfigMap of the root certificate is put right.
func Example() {
	c := sim.New(sim.Config{})
	if _, _, err := c.Patch(apiserver.ConfigMap, "default", rootca.Name, types.MergePatchType, `{"data":{"ca.crt":"mine"}}`); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	m, err := sim.Get[*corev1.ConfigMap](c, "default", rootca.Name)
	fmt.Println(m.Data["ca.crt"] == rootca.Certificate, err)
	// Output: true <nil>
}

// What clients would do with it.
func TestTheCertificateIsOne(t *testing.T) {
	block, rest := pem.Decode([]byte(rootca.Certificate))
	require.NotNil(t, block)
	assert.Empty(t, rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.True(t, cert.IsCA)
}

// Every namespace has it, and a pod finds it at the path of its token.
func TestPodsFindTheCertificate(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(`
{apiVersion: v1, kind: Namespace, metadata: {name: team}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: team}, spec: {containers: [{name: c, image: "c:1"}]}}
`)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	for file, want := range map[string]string{"ca.crt": rootca.Certificate, "namespace": "team"} {
		got, err := c.ReadFile("team", "p", "c", "/var/run/secrets/kubernetes.io/serviceaccount/"+file)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	require.NoError(t, c.Delete(apiserver.ConfigMap, "team", rootca.Name))
	_, err = c.Settle()
	require.NoError(t, err)
	_, err = c.Get(apiserver.ConfigMap, "team", rootca.Name)
	require.NoError(t, err)
}
