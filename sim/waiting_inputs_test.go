package sim_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// TestWaitingInputs applies manifests that once passed here while a real cluster would
// have done otherwise. What is said is in the words of upstream's admission plugins
// and kubelet; what is not modelled is told.
func TestWaitingInputs(t *testing.T) {
	for _, in := range []struct {
		file, set string
		ready     int32
		says      string // by what waits, or by what is stored and not run
	}{
		{"ephstor", "ephstor", 1, ""},
		{"ephvol", "ephvol", 1, ""},
		{"sa-missing", "sa-missing", 0, `error looking up service account default/nope: serviceaccount "nope" not found`},
		{"psa", "root", 0, `violates PodSecurity "restricted:latest": privileged (container "c" must not set securityContext.privileged=true)`},
		{"probe-noport", "probe-noport", 0, "ContainersNotReady: containers with unready status: [c]"},
		{"badimage", "badimage", 0, `InvalidImageName: Failed to apply default image tag "Nginx:Latest": couldn't parse image name "Nginx:Latest": invalid reference format`},
		{"subpathexpr", "subpathexpr", 0, "CreateContainerConfigError: missing value for NOPE"},
	} {
		t.Run(in.file, func(t *testing.T) {
			text, err := os.ReadFile("testdata/inputs/" + in.file + ".yaml")
			require.NoError(t, err)
			c := sim.New(sim.Config{Provision: true})
			_, err = c.Apply(string(text))
			require.NoError(t, err)
			settled, err := c.Settle()
			require.NoError(t, err)
			sets, err := c.List(apiserver.StatefulSet, "", "")
			require.NoError(t, err)
			require.Len(t, sets, 1)
			assert.Equal(t, in.set, sets[0].GetName())
			set, err := sim.Get[*appsv1.StatefulSet](c, sets[0].GetNamespace(), in.set)
			require.NoError(t, err)
			assert.Equal(t, in.ready, set.Status.ReadyReplicas)
			var said []string
			for _, w := range settled.Waiting {
				said = append(said, w.Reason)
			}
			assert.Contains(t, strings.Join(said, "\n"), in.says)
		})
	}
}
