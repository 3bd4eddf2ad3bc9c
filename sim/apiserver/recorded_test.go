package apiserver_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// TestRecorded holds the whole way from a manifest to what is stored, with
// admission and allocation, to all that v1.37.2 was seen to answer. Taken from
// the recording is only the status of a set that its controller has seen.
func TestRecorded(t *testing.T) {
	text, err := os.ReadFile("validation/testdata/api.json")
	require.NoError(t, err)
	var cases []struct {
		Case, Do, Manifest, Patch, Err string
		RC                             int
		Object                         map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	require.Len(t, cases, 46)
	for _, rec := range cases {
		t.Run(rec.Case, func(t *testing.T) {
			obj, err := served(t, rec.Do, rec.Manifest, rec.Patch)
			if rec.RC != 0 {
				require.Equal(t, rec.Err, asKubectl(err))
				return
			}
			require.NoError(t, err)
			got := shown(t, obj)
			if rec.Do == "patch" {
				got["status"] = rec.Object["status"]
			}
			if diff := cmp.Diff(rec.Object, got); diff != "" {
				t.Errorf("object (-recorded +ours):\n%s", diff)
			}
		})
	}
}

// served creates what a manifest says, and patches what was applied.
func served(t *testing.T, do, text, patch string) (apiserver.Object, error) {
	t.Helper()
	docs, err := manifest.Read("STDIN", []byte(text))
	if err != nil {
		return nil, err
	}
	require.Len(t, docs, 1)
	doc := &docs[0]
	if doc.Kind.Namespaced() && doc.Object.GetNamespace() == "" {
		doc.SetNamespace("default")
	}
	s := newServer(t)
	obj := doc.Object
	if do == "patch" {
		obj, err = doc.Create()
		require.NoError(t, err)
	}
	res := s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Create, Kind: doc.Kind, Key: apiserver.KeyOf(obj), Object: obj})
	if do != "patch" {
		return res.Object, res.Err
	}
	require.NoError(t, res.Err)
	res = s.Do(0, apiserver.User, apiserver.Request{Verb: apiserver.Patch, Kind: doc.Kind, Key: apiserver.KeyOf(obj), Patch: apiserver.RawPatch{Data: patch}})
	return res.Object, res.Err
}

// asKubectl renders an error as kubectl does.
func asKubectl(err error) string {
	status, ok := err.(apierrors.APIStatus)
	if !ok { // the decoder's; ours says which document it means
		_, words, _ := strings.Cut(err.Error(), `": `)
		return `Error from server (BadRequest): error when creating "STDIN": ` + words
	}
	details := status.Status().Details
	var lines []string
	for _, c := range details.Causes {
		if line := c.Field + ": " + c.Message; len(lines) == 0 || lines[len(lines)-1] != line {
			lines = append(lines, line)
		}
	}
	head := "The " + details.Kind + ` "` + details.Name + `" is invalid: `
	if len(lines) == 1 {
		return head + lines[0]
	}
	return head + "\n* " + strings.Join(lines, "\n* ")
}

// shown is an object without identity, versions and times.
func shown(t *testing.T, obj apiserver.Object) map[string]any {
	t.Helper()
	text, err := json.Marshal(apiserver.WithKind(obj))
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, json.Unmarshal(text, &tree))
	meta := tree["metadata"].(map[string]any)
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp"} {
		delete(meta, field)
	}
	return tree
}
