package sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

// layers is the house from the ground up: a package imports only packages of
// lower layers, and leaves that its row names.
var layers = [][]string{
	{"sim/apiserver/convert"},
	{"sim/apiserver/shared", "sim/state"},
	{"sim/apiserver/endpoint"},
	{"sim/engine", "sim/apiserver/defaults", "sim/apiserver/validation", "sim/apiserver/quota", "volume/nfs", "volume/resize", "volume/csi", "sim/kubelet/credentialprovider"},
	{"sim/apiserver"},
	{"sim/fieldmanager", "sim/customresource"},
	{"sim/controller", "sim/table", "sim/manifest", "sim/measure", "sim/unmodelled"},
	{"sim/trace"},
	{"volume/match", "sim/podcontrol"},
	{"scheduler/plugin"},
	{"scheduler/queue"},
	{"statefulset", "volume", "volume/attach", "dns", "scheduler", "sim/kubelet", "sim/garbagecollector", "sim/disruption", "sim/endpointslice", "sim/namespace", "sim/serviceaccount", "sim/rootca", "sim/ephemeralvolume", "sim/resourcequota", "sim/replicaset", "sim/deployment", "sim/autoscaling", "sim/daemonset", "sim/job", "sim/cronjob", "sim/nodelifecycle", "sim/tainteviction", "sim/podgc"},
	{"sim/why"},
	{"sim"},
	{"sim/serve"},
	{"sim/client"},
	{"sim/model"},
	{"sim/shell", "sim/explore"},
	{"sim/simtest"},
	{"sim/scenario"},
	{"examples/play/lessons"},
	{"examples/lessons/playground"},
	{"examples/linuxea", "examples/apply", "examples/scale", "examples/play", "examples/whatif", "examples/lessons", "examples/proof"},
	{"examples/serve", "examples/operator"},
}

// TestLayers holds the imports to the picture in the README: arrows point down
// only, and the domain packages never import each other.
func TestLayers(t *testing.T) {
	const module = "github.com/statefulsim/statefulsim/"
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports, Dir: ".."}, "./...")
	require.NoError(t, err)
	layer := func(path string) int {
		return slices.IndexFunc(layers, func(row []string) bool { return slices.Contains(row, path) })
	}
	for _, pkg := range pkgs {
		name := strings.TrimPrefix(pkg.PkgPath, module)
		at := layer(name)
		if at < 0 {
			t.Errorf("%s has no place in the house: add it to layers and to the README", name)
		}
		for path := range pkg.Imports { // each on its own
			below, ours := strings.CutPrefix(path, module)
			if ours && layer(below) >= at && !inside(below, name) {
				t.Errorf("%s imports %s, which is not below it", name, below)
			}
		}
	}
}

// inside reports whether a package lies in the folder of another.
func inside(inner, outer string) bool { return strings.HasPrefix(inner, outer+"/") }

// heavy are the modules and packages that importing sim must not build: what
// needs them is handed in as a value.
var heavy = []string{"k8s.io/client-go/", "k8s.io/apiserver/", "k8s.io/apiextensions-apiserver/", "k8s.io/kubernetes/", "github.com/google/cel-go/"}

// pureTypes are packages of heavy modules that hold Go types and nothing else: those
// of CustomResourceDefinitions, which the API server stores as kubectl sends them.
var pureTypes = []string{"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions", "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"}

// TestLight: importing sim stays light.
func TestLight(t *testing.T) {
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps, Dir: ".."}, "./sim")
	require.NoError(t, err)
	seen := 0
	packages.Visit(pkgs, nil, func(pkg *packages.Package) {
		seen++
		for _, h := range heavy {
			if strings.HasPrefix(pkg.PkgPath+"/", h) && !slices.Contains(pureTypes, pkg.PkgPath) {
				t.Errorf("importing sim builds %s", pkg.PkgPath)
			}
		}
	})
	require.Greater(t, seen, 100, "packages that sim needs")
}
