package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// misfortunes are the directives that have something go wrong, or well again.
var misfortunes = map[string]directive{
	"crash":              {usage: "NODE", about: "cuts a machine's power", do: onNode((*sim.Cluster).CrashNode)},
	"stop-kubelet":       {usage: "NODE", about: "ends a kubelet alone; the processes of its pods run on", do: onNode((*sim.Cluster).StopKubelet)},
	"restart":            {usage: "NODE", about: "brings a machine and its kubelet back", do: onNode((*sim.Cluster).RestartNode)},
	"partition":          {usage: "NODE", about: "cuts a node off from the API server; its kubelet and its processes run on", do: onNode((*sim.Cluster).PartitionNode)},
	"reconnect":          {usage: "NODE", about: "ends partition", do: onNode((*sim.Cluster).ReconnectNode)},
	"hold":               {usage: "COMPONENT KIND SPAN", about: "makes a component's view of a kind late", do: doHold},
	"fail":               {usage: "COMPONENT VERB KIND|any N internal|timeout|conflict|\"TEXT\"", about: "has the next N such requests of a component fail", do: doFail},
	"lose-answers":       {usage: "COMPONENT VERB KIND|any N", about: "has the answers to the next N such requests be lost; the server has carried them out", do: doLose},
	"restart-controller": {usage: "COMPONENT", about: "ends a controller's process and starts another, which remembers nothing", do: doRestartController},
	"exit":               {usage: "POD [-n NAMESPACE] [-c CONTAINER] CODE [REASON]", about: "has a container's process end by itself", do: doExit},
	"fail-probe":         {usage: "POD [-n NAMESPACE] [-c CONTAINER] startup|readiness|liveness", about: "has a probe of a container fail from now on", do: onProbe(true)},
	"mend-probe":         {usage: "POD [-n NAMESPACE] [-c CONTAINER] startup|readiness|liveness", about: "ends fail-probe", do: onProbe(false)},
	"image-missing":      {usage: "IMAGE", about: "takes an image away from the registry", do: onImage(true)},
	"image-back":         {usage: "IMAGE", about: "puts an image back", do: onImage(false)},
	"nfs":                {usage: "down|up SERVER, slow SERVER SPAN, unexport|export SERVER PATH, read-only|writable SERVER PATH, or full|room SERVER PATH", about: "stops or slows an NFS server, or takes an export, its writes or its room away, or ends that", do: doNFS},
	"evict":              {usage: "POD [-n NAMESPACE]", about: "asks the API to evict a pod, as a drain does", do: doEvict},
	"heal":               {about: "ends all faults of nodes, views and requests, and cordons", do: doHeal},
}

func onNode(do func(*sim.Cluster, string) error) func(*arguments) (action, error) {
	return func(a *arguments) (action, error) {
		node := strings.TrimPrefix(a.next("NODE"), "node/")
		a.end()
		return silent(func(c *sim.Cluster) error { return do(c, node) })
	}
}

func doRestartController(a *arguments) (action, error) {
	component := a.next("COMPONENT")
	a.end()
	return silent(func(c *sim.Cluster) error { return c.RestartController(component) })
}

func doHold(a *arguments) (action, error) {
	component, kind, d := a.next("COMPONENT"), a.kind("KIND"), a.span("SPAN")
	a.end()
	return silent(func(c *sim.Cluster) error { return c.Hold(component, kind, d) })
}

var verbs = []apiserver.Verb{apiserver.Get, apiserver.Create, apiserver.Update, apiserver.Patch, apiserver.Delete, apiserver.DeleteCollection}

// requests takes the requests that something happens to: COMPONENT VERB KIND|any N.
func (a *arguments) requests() (component string, verb apiserver.Verb, kind apiserver.Kind, n int) {
	component = a.next("COMPONENT")
	var names []string
	for _, v := range verbs {
		names = append(names, v.String())
	}
	if i := slices.Index(names, a.one("VERB", names...)); i >= 0 {
		verb = verbs[i]
	}
	if a.has() && a.words[0] == "any" {
		a.next("KIND")
	} else {
		kind = a.kind("KIND")
	}
	return component, verb, kind, a.number("N", 1, 1_000_000)
}

func doFail(a *arguments) (action, error) {
	component, verb, kind, n := a.requests()
	cause := a.next("ERROR")
	a.end()
	if a.err != nil {
		return nil, nil // it is told by whoever asked
	}
	err := failure(cause, verb, kind)
	return silent(func(c *sim.Cluster) error { return c.FailRequests(component, verb, kind, n, err) })
}

func doLose(a *arguments) (action, error) {
	component, verb, kind, n := a.requests()
	a.end()
	return silent(func(c *sim.Cluster) error { return c.LoseAnswers(component, verb, kind, n) })
}

// failure is the error that a word names, or one with that text.
func failure(word string, verb apiserver.Verb, kind apiserver.Kind) error {
	switch word {
	case "internal":
		return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
	case "timeout":
		return apierrors.NewServerTimeout(kind.GroupResource(), verb.String(), 1)
	case "conflict":
		return apierrors.NewConflict(kind.GroupResource(), "", errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	}
	return errors.New(word)
}

func doExit(a *arguments) (action, error) {
	pod := a.object(apiserver.Pod)
	code := a.number("CODE", 0, 255)
	reason := ""
	if a.has() {
		reason = a.next("REASON")
	}
	a.end()
	return silent(func(c *sim.Cluster) error {
		return c.ExitContainer(pod.namespace, pod.name, pod.container, int32(code), reason)
	})
}

func onProbe(fails bool) func(*arguments) (action, error) {
	return func(a *arguments) (action, error) {
		pod := a.object(apiserver.Pod)
		probe := map[string]kubelet.Probe{"startup": kubelet.Startup, "readiness": kubelet.Readiness, "liveness": kubelet.Liveness}[a.one("PROBE", "startup", "readiness", "liveness")]
		a.end()
		return silent(func(c *sim.Cluster) error {
			return c.FailProbe(pod.namespace, pod.name, pod.container, probe, fails)
		})
	}
}

func onImage(missing bool) func(*arguments) (action, error) {
	return func(a *arguments) (action, error) {
		image := a.next("IMAGE")
		a.end()
		return silent(func(c *sim.Cluster) error { return c.SetImageMissing(image, missing) })
	}
}

func doNFS(a *arguments) (action, error) {
	what, server := a.one("WHAT", "down", "up", "slow", "unexport", "export", "read-only", "writable", "full", "room"), a.next("SERVER")
	path, by := "", time.Duration(0)
	switch what {
	case "down", "up":
	case "slow":
		by = a.span("SPAN")
	default:
		path = a.next("PATH")
	}
	a.end()
	return silent(func(c *sim.Cluster) error {
		switch n := c.NFS(); what {
		case "unexport":
			n.Unexport(server, path)
		case "export":
			n.Export(server, path)
		case "read-only", "writable":
			n.SetReadOnly(server, path, what == "read-only")
		case "full", "room":
			n.SetFull(server, path, what == "full")
		case "slow":
			n.SetSlow(server, by)
		default:
			n.SetDown(server, what == "down")
			if what == "up" {
				n.SetSlow(server, 0)
			}
		}
		return nil
	})
}

func doEvict(a *arguments) (action, error) {
	pod := a.object(apiserver.Pod)
	a.end()
	return func(p *player) (string, string, error) {
		if err := p.cluster.Evict(pod.namespace, pod.name); err != nil {
			return "", fmt.Sprintf("refused: %v\n", err), nil // what a budget says is worth reading
		}
		return "", fmt.Sprintf("%s evicted\n", pod), nil
	}, nil
}

func doHeal(a *arguments) (action, error) {
	a.end()
	return silent((*sim.Cluster).Heal)
}
