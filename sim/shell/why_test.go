package shell_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// The shell says what the cluster's own Why says, however the object is named.
func TestWhy(t *testing.T) {
	c := sim.New(sim.Config{})
	sh := shell.New(c, files)
	require.Zero(t, sh.Run("kubectl apply -f web.yaml").Code)
	_, err := c.Settle()
	require.NoError(t, err)
	want := ""
	for _, line := range c.Why(apiserver.Pod, "default", "web-2").Lines() {
		want += line + "\n"
	}
	require.Contains(t, want, "\nto end it: ")
	for _, line := range []string{"why pod/web-2", "why po web-2", "why pods web-2 -n default", "why --namespace=default pod/web-2"} {
		assert.Equal(t, shell.Output{Stdout: want, Text: want}, sh.Run(line), line)
	}
	assert.Equal(t, "serviceaccount/default waits for nothing\n", sh.Run("why sa/default").Stdout)
	assert.Equal(t, "there is no ConfigMap none\nto end it: create it\n", sh.Run("why configmap/none").Stdout)
	for line, want := range map[string]string{
		"why":              "why: name one object\nusage: why [-n NAMESPACE] KIND/NAME | KIND NAME\n",
		"why pod":          "why: name one object\nusage: why [-n NAMESPACE] KIND/NAME | KIND NAME\n",
		"why -x pod/web-2": "why: unknown option -x\nusage: why [-n NAMESPACE] KIND/NAME | KIND NAME\n",
		"why thing/a":      "why: the server doesn't have a resource type \"thing\"\n",
	} {
		out := sh.Run(line)
		assert.Equal(t, want, out.Stderr, line)
		assert.NotZero(t, out.Code, line)
	}
}
