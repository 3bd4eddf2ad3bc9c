package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
)

// Kinds that nothing acts on are stored with one warning each; what pods read
// needs none.
func TestApplyWarnsOfInertKinds(t *testing.T) {
	c := sim.New(sim.Config{})
	const text = `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: b}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {b: c}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}
`
	warnings := func() []string {
		var all []string
		applied, err := c.Apply(text)
		require.NoError(t, err)
		for _, a := range applied {
			all = append(all, a.Warnings...)
		}
		return all
	}
	assert.Equal(t, []string{
		"no controller acts on NetworkPolicy here; it is stored, and that is all: in a real cluster it cuts connections between pods",
	}, warnings())
	assert.Empty(t, warnings(), "nothing is changed the second time")
}

// The limits are those of the runs that the user starts.
func TestLimitsBeginAfterTheStart(t *testing.T) {
	c := sim.New(sim.Config{Limits: sim.Limits{Time: time.Nanosecond, Steps: 1}})
	_, err := c.Settle()
	assert.NoError(t, err, "it is at rest already")
}
