package unmodelled

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// deciding are the packages whose reads decide what happens.
var deciding = []string{"./statefulset/...", "./volume/...", "./dns/...", "./scheduler/...", "./sim", "./sim/..."}

// silent are those of them that validate, fill in defaults, read manifests, print
// and check: their reads decide nothing.
var silent = []string{
	"sim/apiserver/validation", "sim/apiserver/defaults", "sim/model", "sim/table", "sim/trace", "sim/manifest", "sim/measure",
	"sim/shell", "sim/simtest", "sim/unmodelled", "sim/why",
}

// What these files read changes an object for good, but seldom is all that a real
// cluster does about a field: such a field may be on the list, too.
var changing = []string{"sim/apiserver/validation/prepare.go", "sim/apiserver/validation/preparepod.go", "sim/apiserver/validation/prepareservice.go", "sim/apiserver/validation/preparejob.go"}

// elsewhere are fields that libraries read for those packages.
var elsewhere = map[string]string{
	"core/v1.PreferredSchedulingTerm.Weight":     "component-helpers: nodeaffinity.NewPreferredSchedulingTerms",
	"core/v1.PreferredSchedulingTerm.Preference": "component-helpers: nodeaffinity.NewPreferredSchedulingTerms",
	"core/v1.NodeSelectorTerm.MatchExpressions":  "component-helpers: nodeaffinity.NewNodeSelector",
	"core/v1.NodeSelectorRequirement.Key":        "component-helpers: nodeaffinity.NewNodeSelector",
	"core/v1.NodeSelectorRequirement.Operator":   "component-helpers: nodeaffinity.NewNodeSelector",
	"core/v1.NodeSelectorRequirement.Values":     "component-helpers: nodeaffinity.NewNodeSelector",
	"core/v1.Toleration.Key":                     "component-helpers: corev1.FindMatchingUntoleratedTaint",
	"core/v1.Toleration.Operator":                "component-helpers: corev1.FindMatchingUntoleratedTaint",
	"core/v1.Toleration.Value":                   "component-helpers: corev1.FindMatchingUntoleratedTaint",
}

// reads returns where each field of a type in k8s.io/api is read, by
// "core/v1.PodSpec.NodeName".
func reads(t *testing.T) (read, prepared map[string]string) {
	pkgs, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: "../.."}, deciding...)
	require.NoError(t, err)
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	read, prepared = map[string]string{}, map[string]string{}
	for _, pkg := range pkgs {
		require.Empty(t, pkg.Errors, pkg.PkgPath)
		for _, file := range pkg.Syntax {
			name, err := filepath.Rel(root, pkg.Fset.Position(file.Pos()).Filename)
			require.NoError(t, err)
			name = filepath.ToSlash(name)
			to := read
			if slices.Contains(changing, name) {
				to = prepared
			} else if slices.ContainsFunc(silent, func(p string) bool { return strings.HasPrefix(name, p+"/") }) {
				continue
			}
			written := map[ast.Expr]bool{}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for _, left := range n.Lhs {
						written[left] = n.Tok == token.ASSIGN
					}
				case *ast.SelectorExpr:
					if field := fieldOf(pkg.TypesInfo, n); field != "" && !written[n] {
						to[field] = pkg.Fset.Position(n.Pos()).String()
					}
				}
				return true
			})
		}
	}
	return read, prepared
}

// fieldOf returns the field that an expression selects, if it is one of a type in
// k8s.io/api.
func fieldOf(info *types.Info, n *ast.SelectorExpr) string {
	s := info.Selections[n]
	if s == nil || s.Kind() != types.FieldVal {
		return ""
	}
	owner := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] { // through what is embedded
		owner = pointed(owner).Underlying().(*types.Struct).Field(i).Type()
	}
	name, ours := strings.CutPrefix(pointed(owner).String(), "k8s.io/api/")
	if !ours {
		return ""
	}
	return name + "." + s.Obj().Name()
}

func pointed(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return types.Unalias(p.Elem())
	}
	return types.Unalias(t)
}

// roots are the kinds that are looked at: all that controllers act on, but what
// only they write.
func roots() []reflect.Type {
	var list []reflect.Type
	for _, kind := range apiserver.Kinds() {
		role, _ := About(kind)
		made := kind == apiserver.Event || kind == apiserver.EndpointSlice || kind == apiserver.ControllerRevision
		if role == Acted && !made {
			list = append(list, reflect.TypeOf(kind.New()).Elem())
		}
	}
	return list
}

// statuses are written by controllers, who know what they wrote.
var statuses = []string{"core/v1.Pod.Status", "apps/v1.StatefulSet.Status", "apps/v1.ReplicaSet.Status", "apps/v1.Deployment.Status", "apps/v1.DaemonSet.Status", "autoscaling/v2.HorizontalPodAutoscaler.Status", "batch/v1.Job.Status", "batch/v1.CronJob.Status", "policy/v1.PodDisruptionBudget.Status", "core/v1.PersistentVolume.Status"}

// TestEveryFieldIsReadOrListed: every field of a pod, claim, volume, Service and so
// on is read by code that decides, or is told, or is quiet for a reason. Nothing on
// the list is read, unless the list says that it is read in part.
func TestEveryFieldIsReadOrListed(t *testing.T) {
	read, prepared := reads(t)
	for field, why := range elsewhere { // each on its own
		if read[field] == "" {
			read[field] = why
		}
	}
	listed := map[string]*Field{}
	for i := range fields {
		f := &fields[i]
		typ := reflect.TypeOf(f.of)
		assert.True(t, (f.told == "") != (f.quiet == ""), "%s %s is either told or quiet", typ, f.names)
		for _, name := range strings.Fields(f.names) {
			_, exists := typ.FieldByName(name)
			assert.True(t, exists, "%s has no field %s", typ, name)
			key := nameOf(typ) + "." + name
			assert.Nil(t, listed[key], "%s is listed twice", key)
			listed[key] = f
			if at := read[key]; at != "" && !f.partly {
				t.Errorf("%s is on the list of what nothing acts on, but is read at %s: take it off, or say that it is modelled partly", key, at)
			}
		}
	}
	seen, used := map[reflect.Type]bool{}, map[string]bool{}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		if typ.Kind() != reflect.Struct || !strings.HasPrefix(typ.PkgPath(), "k8s.io/api/") || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := nameOf(typ) + "." + f.Name
			within := inner(f.Type)
			ours := within.Kind() == reflect.Struct && strings.HasPrefix(within.PkgPath(), "k8s.io/api/")
			switch {
			case slices.Contains(statuses, key) || f.Type.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1":
			case listed[key] != nil:
				used[key] = true // what lies within is not asked for
			case ours:
				walk(within) // its own fields count
			case read[key] == "" && prepared[key] == "":
				t.Errorf("%s is neither read by code that decides nor on the list (sim/unmodelled/fields.go)", key)
			}
		}
	}
	for _, root := range roots() {
		walk(root)
	}
	for key := range listed { // each on its own
		if !used[key] {
			t.Errorf("%s is on the list, but in no kind that is acted on", key)
		}
	}
}

func nameOf(t reflect.Type) string {
	return strings.TrimPrefix(t.PkgPath(), "k8s.io/api/") + "." + t.Name()
}

// TestEveryKindIsActedOnOrListed: a kind without behaviour says what a real
// cluster would do about it.
func TestEveryKindIsActedOnOrListed(t *testing.T) {
	known := map[groupKind]bool{}
	for _, kind := range apiserver.Kinds() {
		gvk := kind.GroupVersionKind()
		known[groupKind{gvk.Group, gvk.Kind}] = true
		role, why := about(gvk.Group, gvk.Kind)
		switch {
		case kind < apiserver.Behaving && role != Acted:
			t.Errorf("%s is acted on: take it off the list in sim/unmodelled/kinds.go", kind)
		case kind >= apiserver.Behaving && why == "":
			t.Errorf("%s is not acted on: put it on the list in sim/unmodelled/kinds.go", kind)
		}
	}
	for gk := range byGroupKind { // each on its own
		if !known[gk] {
			t.Errorf("%v is on the list, but is not stored", gk)
		}
	}
}
