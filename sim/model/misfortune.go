package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// controllers are those whose decisions are most often what a search is about. Others
// can be written.
var controllers = []string{"statefulset-controller", "persistentvolume-controller", "default-scheduler", "generic-garbage-collector"}

// watched are the kinds of which views are drawn to be late, by component.
var watched = map[string][]apiserver.Kind{
	"statefulset-controller":      {apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.StatefulSet, apiserver.ControllerRevision},
	"persistentvolume-controller": {apiserver.PersistentVolumeClaim, apiserver.PersistentVolume},
	"default-scheduler":           {apiserver.Pod},
	"generic-garbage-collector":   {apiserver.PersistentVolumeClaim},
}

// misfortunes are the commands that have something go wrong, or well again.
func misfortunes(d domain) Vocabulary {
	node := []Argument{{Name: "NODE", Some: d.nodes}}
	onNode := func(name string, do func(*sim.Cluster, string) error) Command {
		return Command{Name: name, Args: node, Least: 1, Fault: true, Do: func(c *sim.Cluster, a []string) error { return do(c, a[0]) }}
	}
	probe := []Argument{object("POD", d.pods), oneOf("PROBE", "readiness", "liveness", "startup")}
	v := Vocabulary{
		onNode("crash", (*sim.Cluster).CrashNode),
		onNode("restart", (*sim.Cluster).RestartNode),
		onNode("stop-kubelet", (*sim.Cluster).StopKubelet),
		onNode("cut-off", (*sim.Cluster).PartitionNode),
		onNode("reconnect", (*sim.Cluster).ReconnectNode),
		{Name: "late", Args: []Argument{node[0], span("SPAN", "1s", "30s", "10m")}, Least: 2, Fault: true, Do: func(c *sim.Cluster, a []string) error {
			return hold(c, []string{"kubelet/" + a[0] + ":Pod", a[1]})
		}},
		{Name: "restart-controller", Args: []Argument{{Name: "COMPONENT", Some: present(d, controllers)}}, Least: 1, Fault: true,
			Do: func(c *sim.Cluster, a []string) error { return c.RestartController(a[0]) }},
		{Name: "hold", Args: []Argument{{Name: "COMPONENT:KIND", Some: views(d), Check: isView}, span("SPAN", "1s", "30s", "10m")}, Least: 2, Fault: true, Weight: 2, Do: hold},
		{Name: "fail", Args: []Argument{{Name: "COMPONENT:VERB:KIND", Some: requests(d), Check: isRequest}, number("COUNT", 1, 5), oneOf("ERROR", "internal", "timeout", "conflict")}, Least: 3, Fault: true, Do: fail},
		{Name: "lose-answer", Args: []Argument{{Name: "COMPONENT:VERB:KIND", Some: requests(d), Check: isRequest}}, Least: 1, Fault: true, Do: func(c *sim.Cluster, a []string) error {
			component, verb, kind, err := parseRequest(a[0])
			if err != nil {
				return err
			}
			return c.LoseAnswers(component, verb, kind, 1)
		}},
		{Name: "exit", Args: []Argument{object("POD", d.pods), number("CODE", 0, 1)}, Least: 2, Fault: true, Do: each(func(c *sim.Cluster, t target, a []string) error {
			code, err := strconv.Atoi(a[0])
			if err != nil {
				return err
			}
			return skipped(c.ExitContainer(t.key.Namespace, t.key.Name, "", int32(code), ""))
		})},
		{Name: "fail-probe", Args: probe, Least: 2, Fault: true, Weight: -1, Do: onProbe(true)},
		{Name: "mend-probe", Args: probe, Least: 2, Fault: true, Weight: -1, Do: onProbe(false)},
		{Name: "image-missing", Args: []Argument{{Name: "IMAGE"}}, Least: 1, Fault: true, Do: func(c *sim.Cluster, a []string) error { return c.SetImageMissing(a[0], true) }},
		{Name: "image-back", Args: []Argument{{Name: "IMAGE"}}, Least: 1, Fault: true, Do: func(c *sim.Cluster, a []string) error { return c.SetImageMissing(a[0], false) }},
		{Name: "heal", Weight: -1, Fault: true, Do: func(c *sim.Cluster, _ []string) error { return c.Heal() }},
	}
	if len(d.nodes) == 0 {
		v = v.Without("crash", "restart", "stop-kubelet", "cut-off", "reconnect", "late")
	}
	return v
}

// present are those of some components that a world has.
func present(d domain, list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !slices.Contains(d.components, name) })
}

func views(d domain) (list []string) {
	for _, name := range d.components {
		short, _, _ := strings.Cut(name, "/")
		for _, kind := range watched[short] {
			list = append(list, name+":"+kind.String())
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
	return list
}

// rank puts the StatefulSet controller first, as the simplest.
func rank(name string) int {
	for i, c := range controllers {
		if strings.HasPrefix(name, c) {
			return i
		}
	}
	return len(controllers)
}

func requests(d domain) (list []string) {
	for _, name := range present(d, controllers[:2]) {
		for _, r := range []string{"create:Pod", "delete:Pod", "update:Pod", "create:PersistentVolumeClaim", "update:PersistentVolumeClaim", "update:PersistentVolume", "update:StatefulSet", "create:ControllerRevision"} {
			if name != controllers[0] && !strings.Contains(r, "update:Persistent") {
				continue
			}
			list = append(list, name+":"+r)
		}
	}
	return list
}

func parseView(text string) (component string, kind apiserver.Kind, err error) {
	component, name, _ := strings.Cut(text, ":")
	if kind = apiserver.KindNamed(name); kind == 0 {
		err = fmt.Errorf("%q is not component:kind", text)
	}
	return component, kind, err
}

func isView(text string) error {
	_, _, err := parseView(text)
	return err
}

var verbs = []apiserver.Verb{apiserver.Get, apiserver.Create, apiserver.Update, apiserver.Patch, apiserver.Delete, apiserver.DeleteCollection}

func parseRequest(text string) (component string, verb apiserver.Verb, kind apiserver.Kind, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		i := slices.IndexFunc(verbs, func(v apiserver.Verb) bool { return strings.EqualFold(v.String(), parts[1]) })
		if kind = apiserver.KindNamed(parts[2]); i >= 0 && (kind != 0 || parts[2] == "any") {
			return parts[0], verbs[i], kind, nil
		}
	}
	return "", 0, 0, fmt.Errorf("%q is not component:verb:kind", text)
}

func isRequest(text string) error {
	_, _, _, err := parseRequest(text)
	return err
}

func hold(c *sim.Cluster, a []string) error {
	component, kind, err := parseView(a[0])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(a[1])
	if err != nil {
		return err
	}
	return c.Hold(component, kind, d)
}

func fail(c *sim.Cluster, a []string) error {
	component, verb, kind, err := parseRequest(a[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(a[1])
	if err != nil {
		return err
	}
	cause := map[string]error{
		"internal": apierrors.NewInternalError(errors.New("etcdserver: leader changed")),
		"timeout":  apierrors.NewServerTimeout(kind.GroupResource(), verb.String(), 1),
		"conflict": apierrors.NewConflict(kind.GroupResource(), "", errors.New("the object has been modified; please apply your changes to the latest version and try again")),
	}[a[2]]
	return c.FailRequests(component, verb, kind, n, cause)
}

func onProbe(fails bool) func(*sim.Cluster, []string) error {
	return each(func(c *sim.Cluster, t target, a []string) error {
		which := map[string]kubelet.Probe{"startup": kubelet.Startup, "readiness": kubelet.Readiness, "liveness": kubelet.Liveness}[a[0]]
		return skipped(c.FailProbe(t.key.Namespace, t.key.Name, "", which, fails))
	})
}

// skipped is for what cannot befall a pod that does not run.
func skipped(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSkipped, err)
	}
	return nil
}
