package validation_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// mutant is a document of upstream.yaml with one change, and the errors that
// the strategies of k8s.io/kubernetes v1.37.2 found in it.
type mutant struct {
	Doc   int
	Do    string
	Patch json.RawMessage
	Errs  []string
}

// TestUpstream holds every rule to upstream's own code: one change for each
// field and message (A4, A5, V16). The file was written by a program that ran
// each mutant through upstream's strategies; the rest of some 9,000 mutants was
// compared then.
func TestUpstream(t *testing.T) {
	text, err := os.ReadFile("testdata/upstream.yaml")
	require.NoError(t, err)
	var docs [][]byte
	for _, doc := range strings.Split(string(text), "\n---\n") {
		j, err := yaml.YAMLToJSON([]byte(doc))
		require.NoError(t, err)
		docs = append(docs, j)
	}
	file, err := os.Open("testdata/upstream.jsonl")
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var m mutant
		require.NoError(t, json.Unmarshal(lines.Bytes(), &m))
		patch, err := jsonpatch.DecodePatch(m.Patch)
		require.NoError(t, err)
		changed, err := patch.Apply(docs[m.Doc])
		require.NoError(t, err)
		obj, old := decode(t, docs[m.Doc], changed), decode(t, docs[m.Doc], docs[m.Doc])
		require.Equal(t, m.Errs, texts(judge(m.Do, obj, old)), fmt.Sprintf("document %d, %s %s", m.Doc, m.Do, m.Patch))
	}
	require.NoError(t, lines.Err())
	require.Greater(t, n, 500)
}

// judge runs an object through what the server does for a verb.
func judge(do string, obj, old object) field.ErrorList {
	defaults.Set(obj)
	defaults.Set(old)
	if do == "create" {
		validation.PrepareCreate(obj)
		return validation.Create(obj, options)
	}
	if c, ok := old.(*corev1.PersistentVolumeClaim); ok { // as it was stored
		status := c.Status
		validation.PrepareCreate(c)
		c.Status = status
	}
	for _, o := range []object{obj, old} {
		o.SetUID("u")
		o.SetResourceVersion("1")
	}
	obj.SetNamespace(old.GetNamespace())
	if do == "status" {
		validation.PrepareStatusUpdate(obj, old)
		return validation.UpdateStatus(obj, old)
	}
	validation.PrepareUpdate(obj, old)
	return validation.Update(obj, old, options)
}

func decode(t *testing.T, kindOf, text []byte) object {
	t.Helper()
	var head struct{ Kind string }
	require.NoError(t, json.Unmarshal(kindOf, &head))
	obj := newObject(head.Kind)
	require.NoError(t, json.Unmarshal(text, obj))
	if s, ok := obj.(*corev1.Service); ok && s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0 {
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP} // as it was stored
	}
	return obj
}

// texts renders errors, equal ones once, as the server's answer does.
func texts(errs field.ErrorList) []string {
	var list []string
	seen := map[string]bool{}
	for _, e := range errs {
		text := strings.Join(strings.Fields(e.Error()), " ")
		if !seen[text] {
			seen[text] = true
			list = append(list, text)
		}
	}
	return list
}
