package shell

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// formats are the values of -o that kubectl lists when it does not know one.
var formats = []string{"custom-columns", "custom-columns-file", "go-template", "go-template-file", "json", "jsonpath", "jsonpath-as-json",
	"jsonpath-file", "kyaml", "name", "template", "templatefile", "wide", "yaml"}

// noFormats are those of them that are not modelled.
var noFormats = []string{"custom-columns-file", "go-template-file", "jsonpath-file", "kyaml", "templatefile"}

// splitOutput parts a format from its argument: "jsonpath={.kind}".
func (c *call) splitOutput(output string) (format, arg string) {
	format, arg, _ = strings.Cut(output, "=")
	if arg == "" && c.flags.Lookup("template") != nil {
		arg = c.text("template")
	}
	if format == "" && arg != "" {
		format = "go-template"
	}
	return format, arg
}

// checkOutput refuses a value of -o before anything is looked up.
func (c *call) checkOutput() error {
	format, arg := c.splitOutput(c.text("output"))
	switch {
	case format == "" || format == "wide":
		return nil
	case slices.Contains(noFormats, format):
		return fmt.Errorf("-o %s is not modelled here", format)
	case !slices.Contains(formats, format):
		return fmt.Errorf("unable to match a printer suitable for the output format %q, allowed formats are: %s", c.text("output"), strings.Join(formats, ","))
	case arg != "":
		return nil
	case format == "custom-columns":
		return errors.New("custom-columns format specified but no custom columns given")
	case format == "go-template" || format == "template":
		return errors.New("template format specified but no template given")
	case strings.HasPrefix(format, "jsonpath"):
		return errors.New("template format specified but no template given")
	}
	return nil
}

// printAs prints objects as -o asks: one alone, or all of them as a List.
func (c *call) printAs(output string, objs []apiserver.Object, alone bool) {
	if err := c.checkOutput(); err != nil {
		c.fail(err)
		return
	}
	text, err := c.render(output, objs, alone && len(objs) == 1)
	if err != nil {
		c.fail(err)
		return
	}
	c.print("%s", text)
}

func (c *call) render(output string, objs []apiserver.Object, alone bool) (string, error) {
	format, arg := c.splitOutput(output)
	if (format == "yaml" || format == "json") && (c.flags.Lookup("show-managed-fields") == nil || !c.on("show-managed-fields")) {
		objs = withoutManagedFields(objs)
	}
	switch {
	case format == "name":
		var b strings.Builder
		for _, obj := range objs {
			b.WriteString(table.Name(apiserver.KindOf(obj), obj.GetName()) + "\n")
		}
		return b.String(), nil
	case format == "yaml" && alone:
		return table.YAML(objs[0])
	case format == "yaml":
		return table.YAMLList(objs)
	case format == "json" && alone:
		return table.JSON(objs[0])
	case format == "json":
		return table.JSONList(objs)
	case format == "custom-columns":
		return c.customColumns(arg, objs)
	}
	var data any
	var err error
	if alone {
		data, err = content(objs[0])
	} else {
		data, err = contents(objs)
	}
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(format, "jsonpath") {
		return c.jsonPath(format, arg, data)
	}
	return goTemplate(arg, data, c.on("allow-missing-template-keys"))
}

// withoutManagedFields is what YAML and JSON show if nobody asks for more
// (OmitManagedFieldsPrinter).
func withoutManagedFields(objs []apiserver.Object) []apiserver.Object {
	list := slices.Clone(objs)
	for i, obj := range list {
		if obj.GetManagedFields() != nil {
			list[i] = apiserver.ShallowCopy(obj)
			list[i].SetManagedFields(nil)
		}
	}
	return list
}

// content returns an object as decoded JSON.
func content(obj apiserver.Object) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(apiserver.WithKind(obj))
}

func contents(objs []apiserver.Object) (any, error) {
	items := make([]any, len(objs))
	for i, obj := range objs {
		item, err := content(obj)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items}, nil
}

// jsonPath prints a template of JSONPath expressions.
func (c *call) jsonPath(format, text string, data any) (string, error) {
	p, err := parsePath(text)
	if err != nil {
		return "", fmt.Errorf("error parsing jsonpath %s, %w", text, err)
	}
	p.strict = !c.on("allow-missing-template-keys")
	var out string
	if format == "jsonpath-as-json" {
		out, err = p.json(data)
	} else {
		out, err = p.text(data)
	}
	if err != nil {
		return "", fmt.Errorf("error executing jsonpath %q: %w", text, err)
	}
	return out, nil
}

// goTemplate prints a template of text/template, with kubectl's functions.
func goTemplate(text string, data any, missing bool) (string, error) {
	t, err := template.New("output").Funcs(template.FuncMap{"exists": exists, "base64decode": func(s string) (string, error) {
		out, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", fmt.Errorf("base64 decode failed: %w", err)
		}
		return string(out), nil
	}}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("error parsing template %s, %w", text, err)
	}
	if !missing {
		t.Option("missingkey=error")
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("error executing template %q: %w", text, err)
	}
	return b.String(), nil
}

// exists reports whether a path of keys and indices leads somewhere.
func exists(item any, path ...any) bool {
	for _, key := range path {
		switch k := key.(type) {
		case string:
			m, ok := item.(map[string]any)
			if !ok {
				return false
			}
			if item, ok = m[k]; !ok {
				return false
			}
		case int:
			l, ok := item.([]any)
			if !ok || k < 0 || k >= len(l) {
				return false
			}
			item = l[k]
		default:
			return false
		}
	}
	return true
}

// asJSON writes a value as encoding/json does, without escaping HTML.
func asJSON(v any, indent string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
