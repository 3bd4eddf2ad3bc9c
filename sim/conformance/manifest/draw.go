package manifest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// pieces are documents without their separators.
var pieces = []string{
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {app: web}\ndata:\n  k: v\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\ndata: {a: \"1\", a: \"2\"}\n",
	"apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: web\n  creationTimestamp: null\n  resourceVersion: \"7\"\nspec:\n  replicas: 3\n  serviceName: web\n  template:\n    spec:\n      terminationGracePeriodSeconds: 9223372036854775807\n      containers:\n      - name: c\n        image: nginx\nstatus: {}\n",
	"kind: Service\napiVersion: v1\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 8e1\n    name: 0x1F\n",
	"{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"s\"}, \"stringData\": {\"a\": \"x\", \"a\": \"y\"}}\n",
	"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}},{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"generateName\":\"j-\"}}]}\n",
	"apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: shop}\n- apiVersion: example.com/v1\n  kind: Thing\n  metadata: {name: t}\n- {kind: Pod, metadata: {name: q}}\n- {metadata: {name: r}}\n",
	"apiVersion: apps/v1\nkind: StatefulSetList\nitems:\n- metadata: {name: x}\n- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: y}}\n",
	"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: p}}]}\n- {apiVersion: v1, kind: Pod, metadata: {name: q}}\n",
	"apiVersion: apps/v1\nkind: List\nitems: []\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: anchored}\ndata: &d\n  one: &o |\n    text\n     more\n  two: *o\nbinaryData: *d\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: merged}\nx: &x {a: b}\ndata:\n  <<: *x\n  c: >-\n    folded\n    text\n",
	"apiVersion: example.com/v1beta1\nkind: Thing\nmetadata: {name: custom, namespace: shop}\nspec: {big: 18446744073709551615, real: 1.50, yes: on}\n",
	"apiVersion: apps/v1\nkind: statefulset\nmetadata: {name: lower}\n",
	"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: odd}\nrules: [{apiGroups: [\"\"], resources: ['*'], verbs: ['*']}]\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations: {a: null, b: \"x\"}\n  name: nulls\ndata:\n  f: ~\n  t: 2026-01-01\n  s: &&\n",
	"null\n", "~\n", "", "# only a comment\n", "   \n", "- a\n- b\n", "word\n", "{}\n", "[]\n", "42\n",
	"apiVersion: v1\nmetadata: {name: kindless}\n", "kind: Pod\nmetadata: {name: versionless}\n", "apiVersion: a/b/c\nkind: 3\n", "apiVersion: 1\nkind: Pod\n",
	"%YAML 1.1\n", "!!map {apiVersion: v1, kind: Pod, metadata: {name: tagged}}\n",
}

var separators = []string{"---\n", "---\n", "---\n", "--- # more\n", "---   \n", "\n---\n\n", "---\r\n", "--- \t\n", "...\n---\n", "---x\n", "----\n", " ---\n", "--- {}\n", "\n", ""}

// drawFile puts a file together and mangles it.
func drawFile(t *rapid.T) []byte {
	var b strings.Builder
	if rapid.IntRange(0, 3).Draw(t, "begins") == 0 {
		b.WriteString(rapid.SampledFrom(separators).Draw(t, "first"))
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "documents") {
		if i > 0 {
			b.WriteString(rapid.SampledFrom(separators).Draw(t, "separator"))
		}
		b.WriteString(rapid.SampledFrom(pieces).Draw(t, "piece"))
	}
	text := b.String()
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		text = mangle(t, text)
	}
	return encode(t, text)
}

// mangle changes a text in one place.
func mangle(t *rapid.T, text string) string {
	lines := strings.SplitAfter(text, "\n")
	at := func(name string) int { return rapid.IntRange(0, len(lines)-1).Draw(t, name) }
	switch rapid.SampledFrom([]string{"lose", "double", "move", "indent", "tab", "null", "byte", "insert", "cut", "wrap", "quote"}).Draw(t, "how") {
	case "lose":
		i := at("line")
		lines[i] = ""
	case "double":
		i := at("line")
		lines[i] += lines[i]
	case "move":
		i, j := at("line"), at("to")
		lines[i], lines[j] = lines[j], lines[i]
	case "indent":
		i := at("line")
		lines[i] = rapid.SampledFrom([]string{" ", "  ", "    "}).Draw(t, "by") + lines[i]
	case "tab":
		i := at("line")
		lines[i] = strings.Replace(lines[i], "  ", "\t", 1)
	case "null":
		i := at("line")
		if head, _, ok := strings.Cut(lines[i], ":"); ok {
			lines[i] = head + rapid.SampledFrom([]string{": null\n", ":\n", ": ~\n", ": []\n", ": {}\n", ": 1\n", ": true\n"}).Draw(t, "value")
		}
	case "byte":
		if i := rapid.IntRange(0, len(text)).Draw(t, "at"); i < len(text) {
			return text[:i] + string(rapid.SampledFrom([]byte("\x00\x01\xff\t\r:{}[],&*#!|>'\"%@`-? 0aN")).Draw(t, "byte")) + text[i+1:]
		}
	case "insert":
		i := rapid.IntRange(0, len(text)).Draw(t, "at")
		return text[:i] + rapid.SampledFrom([]string{"\n---\n", "\r", "\u2028", "\u00a0", "\ufeff", "{", "}", "\"", " # c\n", "items: []\n", "a: 1\n", "\xc3\x28"}).Draw(t, "text") + text[i:]
	case "cut":
		return text[:rapid.IntRange(0, len(text)).Draw(t, "at")]
	case "wrap":
		return fmt.Sprintf("apiVersion: v1\nkind: List\nitems:\n- %s", strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ")+"\n")
	case "quote":
		i := at("line")
		if head, value, ok := strings.Cut(lines[i], ": "); ok {
			lines[i] = head + ": '" + strings.TrimSpace(value) + "'\n"
		}
	}
	return strings.Join(lines, "")
}

// encode writes a text down as files are: mostly as it is.
func encode(t *rapid.T, text string) []byte {
	switch rapid.IntRange(0, 19).Draw(t, "encoding") {
	case 0:
		return []byte("\ufeff" + text)
	case 1:
		return []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	case 2:
		return []byte(strings.ReplaceAll(text, "\n", "\r"))
	case 3:
		return utf16(text, "\xff\xfe", 0)
	case 4:
		return utf16(text, "\xfe\xff", 1)
	case 5:
		return []byte(strings.TrimSuffix(text, "\n"))
	}
	return []byte(text)
}

// utf16 puts a zero beside each byte, behind it or before.
func utf16(text, mark string, before int) []byte {
	out := []byte(mark)
	for i := range len(text) {
		pair := [2]byte{}
		pair[before] = text[i]
		out = append(out, pair[:]...)
	}
	return out
}
