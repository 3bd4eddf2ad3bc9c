package table_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

func TestVerbLines(t *testing.T) {
	require.Equal(t, "statefulset.apps/web scaled", table.Line(apiserver.StatefulSet, "web", table.Scaled))
	require.Equal(t, "persistentvolume/pv-1 created", table.Line(apiserver.PersistentVolume, "pv-1", table.Created))
	require.Equal(t, "statefulset.apps/web patched (no change)", table.Line(apiserver.StatefulSet, "web", table.PatchedNoChange))
	require.Equal(t, "statefulset.apps/web image updated", table.Line(apiserver.StatefulSet, "web", table.ImageUpdated))
	web := apiserver.Key{Namespace: "default", Name: "web"}
	require.Equal(t, `service "web" deleted from default namespace`, table.DeletedLine(apiserver.Service, web, false))
	require.Equal(t, `statefulset.apps "web" force deleted from default namespace`, table.DeletedLine(apiserver.StatefulSet, web, true))
	require.Equal(t, `persistentvolume "pv-1" deleted`, table.DeletedLine(apiserver.PersistentVolume, apiserver.Key{Name: "pv-1"}, false))
}
