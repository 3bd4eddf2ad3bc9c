package shell

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/table"
)

func (s *Shell) kubectl(args []string) Output {
	if len(args) == 0 {
		return failure("error: kubectl needs a command")
	}
	commands := map[string]func([]string) Output{
		"apply": s.apply, "create": s.apply, "get": s.get, "describe": s.describe, "scale": s.scale,
		"patch": s.patch, "set": s.set, "delete": s.delete, "rollout": s.rollout, "exec": s.exec,
		"label": s.label, "cordon": s.cordon, "uncordon": s.uncordon,
	}
	run, ok := commands[args[0]]
	if !ok {
		return failure("error: unknown command %q for \"kubectl\"", args[0])
	}
	return run(args[1:])
}

// apply: kubectl apply -f FILE …
func (s *Shell) apply(args []string) Output {
	f, _ := newFlags("apply")
	files := f.StringSliceP("filename", "f", nil, "")
	if err := f.Parse(args); err != nil {
		return usage("apply", err)
	}
	docs, out := s.documents(*files)
	if out.Code != 0 {
		return out
	}
	applied, err := s.cluster.ApplyDocuments(docs)
	for _, a := range applied {
		for _, w := range a.Warnings {
			out.Text += "Warning: " + w + "\n"
		}
		out.Text += table.Line(a.Kind, a.Key.Name, table.Operation(a.Action)) + "\n"
	}
	if err != nil {
		return failed(err)
	}
	return out
}

// documents reads the objects of files.
func (s *Shell) documents(files []string) ([]manifest.Document, Output) {
	if len(files) == 0 {
		return nil, failure("error: must specify one of -f and -k")
	}
	var docs []manifest.Document
	for _, name := range files {
		data, err := s.readFile(name)
		if err != nil {
			return nil, failure("error: the path %q does not exist", name)
		}
		ds, err := manifest.Read(name, data)
		if err != nil {
			return nil, failed(err)
		}
		docs = append(docs, ds...)
	}
	return docs, Output{}
}

// scale: kubectl scale sts NAME --replicas=N
func (s *Shell) scale(args []string) Output {
	f, ns := newFlags("scale")
	replicas := f.Int32("replicas", -1, "")
	if err := f.Parse(args); err != nil {
		return usage("scale", err)
	}
	if *replicas < 0 {
		return failure("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
	}
	targets, out := targets(f.Args())
	for _, t := range targets {
		if err := s.cluster.Scale(*ns, t.name, *replicas); err != nil {
			return failed(err)
		}
		out.Text += table.Line(t.kind, t.name, table.Scaled) + "\n"
	}
	return out
}

// patch: kubectl patch KIND NAME -p PATCH [--type strategic|merge|json]
func (s *Shell) patch(args []string) Output {
	f, ns := newFlags("patch")
	data := f.StringP("patch", "p", "", "")
	typ := f.String("type", "strategic", "")
	if err := f.Parse(args); err != nil {
		return usage("patch", err)
	}
	patchType, ok := map[string]types.PatchType{
		"strategic": types.StrategicMergePatchType, "merge": types.MergePatchType, "json": types.JSONPatchType}[*typ]
	if !ok {
		return failure("error: --type must be one of [json merge strategic], not %q", *typ)
	}
	targets, out := targets(f.Args())
	for _, t := range targets {
		before, err := s.cluster.Get(t.kind, *ns, t.name)
		if err != nil {
			return failed(err)
		}
		after, warnings, err := s.cluster.Patch(t.kind, *ns, t.name, patchType, *data)
		if err != nil {
			return failed(err)
		}
		for _, w := range warnings {
			out.Text += "Warning: " + w + "\n"
		}
		op := table.Patched
		if after.GetResourceVersion() == before.GetResourceVersion() {
			op = table.PatchedNoChange
		}
		out.Text += table.Line(t.kind, t.name, op) + "\n"
	}
	return out
}

// set: kubectl set image sts/NAME CONTAINER=IMAGE …
func (s *Shell) set(args []string) Output {
	f, ns := newFlags("set image")
	if err := f.Parse(args); err != nil {
		return usage("set image", err)
	}
	rest := f.Args()
	if len(rest) == 0 || rest[0] != "image" {
		return failure("error: unknown command %q for \"kubectl set\"", strings.Join(rest, " "))
	}
	var names, images []string
	for _, arg := range rest[1:] {
		if strings.Contains(arg, "=") {
			images = append(images, arg)
		} else {
			names = append(names, arg)
		}
	}
	if len(images) == 0 {
		return failure("error: at least one image update is required")
	}
	targets, out := targets(names)
	for _, t := range targets {
		for _, pair := range images {
			container, image, _ := strings.Cut(pair, "=")
			if err := s.cluster.SetImage(*ns, t.name, container, image); err != nil {
				return failed(err)
			}
		}
		out.Text += table.Line(t.kind, t.name, table.ImageUpdated) + "\n"
	}
	return out
}

// delete: kubectl delete KIND NAME … | -f FILE, with --cascade, --wait,
// --grace-period and --force.
func (s *Shell) delete(args []string) Output {
	f, ns := newFlags("delete")
	files := f.StringSliceP("filename", "f", nil, "")
	cascade := f.String("cascade", "background", "")
	wait := f.Bool("wait", true, "")
	grace := f.Int64("grace-period", -1, "")
	force := f.Bool("force", false, "")
	now := f.Bool("now", false, "")
	if err := f.Parse(args); err != nil {
		return usage("delete", err)
	}
	opts := sim.DeleteOptions{Propagation: map[string]metav1.DeletionPropagation{
		"background": metav1.DeletePropagationBackground, "foreground": metav1.DeletePropagationForeground,
		"orphan": metav1.DeletePropagationOrphan}[*cascade]}
	if opts.Propagation == "" {
		return failure("error: invalid cascade value (%s). Must be \"background\", \"foreground\", or \"orphan\"", *cascade)
	}
	switch {
	case *grace == 0 && !*force:
		*grace = 1 // kubectl: 0 needs --force
	case *grace < 0 && *force:
		*grace = 0
	case *now:
		*grace = 1
	}
	if *grace >= 0 {
		opts.GracePeriodSeconds = grace
	}
	list, out := targets(f.Args())
	if len(*files) > 0 {
		var docs []manifest.Document
		if docs, out = s.documents(*files); out.Code == 0 {
			list = nil
			for _, d := range docs {
				list = append(list, target{d.Kind, d.Object.GetName(), d.Object.GetNamespace()})
			}
		}
	}
	if out.Code != 0 {
		return out
	}
	return s.deleteAll(list, *ns, opts, *wait)
}

func (s *Shell) deleteAll(list []target, namespace string, opts sim.DeleteOptions, wait bool) Output {
	var out Output
	uids := make([]types.UID, len(list))
	for i, t := range list {
		ns := namespaceOf(t, namespace)
		if obj, err := s.cluster.Get(t.kind, ns, t.name); err == nil {
			uids[i] = obj.GetUID()
		}
		if err := s.cluster.Delete(t.kind, ns, t.name, opts); err != nil {
			e := failed(err)
			out.Text, out.Code = out.Text+e.Text, e.Code
			continue
		}
		force := opts.GracePeriodSeconds != nil && *opts.GracePeriodSeconds == 0
		out.Text += table.DeletedLine(t.kind, apiserver.Key{Namespace: ns, Name: t.name}, force) + "\n"
	}
	if !wait {
		return out
	}
	for i, t := range list {
		err := s.cluster.RunUntil(func() bool {
			obj, err := s.cluster.Get(t.kind, namespaceOf(t, namespace), t.name)
			return err != nil || obj.GetUID() != uids[i]
		})
		if err != nil {
			e := failed(fmt.Errorf("timed out waiting for the condition on %s: %w", table.Name(t.kind, t.name), err))
			out.Text, out.Code = out.Text+e.Text, e.Code
		}
	}
	return out
}

// rollout: kubectl rollout status|undo|restart sts/NAME
func (s *Shell) rollout(args []string) Output {
	f, ns := newFlags("rollout")
	if err := f.Parse(args); err != nil {
		return usage("rollout", err)
	}
	rest := f.Args()
	if len(rest) == 0 {
		return failure("error: kubectl rollout needs a command")
	}
	do, ok := map[string]func(namespace, name string) Output{"status": s.rolloutStatus, "undo": s.rolloutUndo, "restart": s.rolloutRestart}[rest[0]]
	if !ok {
		return failure("error: unknown command %q for \"kubectl rollout\"", rest[0])
	}
	targets, out := targets(rest[1:])
	for _, t := range targets {
		o := do(*ns, t.name)
		out.Text, out.Code = out.Text+o.Text, max(out.Code, o.Code)
	}
	return out
}

// label: kubectl label KIND NAME KEY=VALUE KEY- …
func (s *Shell) label(args []string) Output {
	f, ns := newFlags("label")
	if err := f.Parse(args); err != nil {
		return usage("label", err)
	}
	var names, changes []string
	for _, arg := range f.Args() {
		if strings.Contains(arg, "=") || strings.HasSuffix(arg, "-") {
			changes = append(changes, arg)
		} else {
			names = append(names, arg)
		}
	}
	targets, out := targets(names)
	for _, t := range targets {
		op := table.Unlabeled
		patch := "{}"
		for i, change := range changes {
			key, value, sets := strings.Cut(change, "=")
			entry := fmt.Sprintf("%q:null", strings.TrimSuffix(key, "-"))
			if sets {
				entry, op = fmt.Sprintf("%q:%q", key, value), table.Labeled
			}
			if i > 0 {
				entry = "," + entry
			}
			patch = strings.TrimSuffix(patch, "}") + entry + "}"
		}
		_, _, err := s.cluster.Patch(t.kind, *ns, t.name, types.MergePatchType, `{"metadata":{"labels":`+patch+`}}`)
		if err != nil {
			return failed(err)
		}
		out.Text += table.Line(t.kind, t.name, op) + "\n"
	}
	return out
}

func (s *Shell) cordon(args []string) Output   { return s.unschedulable(args, true) }
func (s *Shell) uncordon(args []string) Output { return s.unschedulable(args, false) }

func (s *Shell) unschedulable(args []string, value bool) Output {
	var out Output
	op := table.Uncordoned
	if value {
		op = table.Cordoned
	}
	for _, name := range args {
		_, _, err := s.cluster.Patch(apiserver.Node, "", name, types.MergePatchType, fmt.Sprintf(`{"spec":{"unschedulable":%v}}`, value))
		if err != nil {
			return failed(err)
		}
		out.Text += table.Line(apiserver.Node, name, op) + "\n"
	}
	return out
}

// target is an object that a command names; namespace is empty unless a
// manifest gives it.
type target struct {
	kind      apiserver.Kind
	name      string
	namespace string
}

func namespaceOf(t target, fallback string) string {
	switch {
	case !t.kind.Namespaced():
		return ""
	case t.namespace != "":
		return t.namespace
	}
	return fallback
}

// targets reads "KIND NAME …" or "KIND/NAME …".
func targets(args []string) ([]target, Output) {
	var list []target
	if len(args) > 0 && !strings.Contains(args[0], "/") {
		kind := apiserver.KindNamed(args[0])
		if kind == 0 {
			return nil, failure("error: the server doesn't have a resource type %q", args[0])
		}
		for _, name := range args[1:] {
			list = append(list, target{kind: kind, name: name})
		}
		return list, Output{}
	}
	for _, arg := range args {
		resource, name, ok := strings.Cut(arg, "/")
		kind := apiserver.KindNamed(resource)
		switch {
		case !ok || name == "":
			return nil, failure("error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'")
		case kind == 0:
			return nil, failure("error: the server doesn't have a resource type %q", resource)
		}
		list = append(list, target{kind: kind, name: name})
	}
	return list, Output{}
}
