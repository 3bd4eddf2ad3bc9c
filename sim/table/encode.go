package table

import (
	"bytes"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// YAML returns what kubectl get -o yaml prints of one object: apiVersion and
// kind set, keys sorted, managed fields left out.
func YAML(obj apiserver.Object) (string, error) {
	fields, err := content(obj)
	if err != nil {
		return "", fmt.Errorf("%s: %w", nameOf(obj), err)
	}
	return yamlText(fields)
}

// YAMLList returns what kubectl get -o yaml prints of several objects, or of
// none: a List.
func YAMLList(objs []apiserver.Object) (string, error) {
	list, err := listContent(objs)
	if err != nil {
		return "", err
	}
	return yamlText(list)
}

// JSON returns what kubectl get -o json prints of one object.
func JSON(obj apiserver.Object) (string, error) {
	fields, err := content(obj)
	if err != nil {
		return "", fmt.Errorf("%s: %w", nameOf(obj), err)
	}
	return jsonText(fields)
}

// JSONList returns what kubectl get -o json prints of several objects, or of
// none: a List.
func JSONList(objs []apiserver.Object) (string, error) {
	list, err := listContent(objs)
	if err != nil {
		return "", err
	}
	return jsonText(list)
}

func listContent(objs []apiserver.Object) (map[string]any, error) {
	items := make([]any, len(objs))
	for i, obj := range objs {
		fields, err := content(obj)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(obj), err)
		}
		items[i] = fields
	}
	return map[string]any{
		"apiVersion": "v1",
		"kind":       "List",
		"metadata":   map[string]any{"resourceVersion": ""},
		"items":      items,
	}, nil
}

func yamlText(fields map[string]any) (string, error) {
	data, err := yaml.Marshal(fields)
	return string(data), err
}

func jsonText(fields map[string]any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "    ")
	err := enc.Encode(fields)
	return out.String(), err
}

func nameOf(obj apiserver.Object) string {
	kind := apiserver.KindOf(obj)
	if kind == 0 {
		return fmt.Sprintf("%T %s", obj, obj.GetName())
	}
	return kind.String() + " " + apiserver.KeyOf(obj).String()
}
