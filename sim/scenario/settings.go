package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// settings are the directives that describe the cluster: what is not said is as
// in the zero sim.Config.
var settings = map[string]directive{
	"seed":              {usage: "N", about: "which of the legal histories; 0 if it is not given", set: setSeed},
	"nodes":             {usage: "N", about: "N nodes, node-1 to node-N; 3 if nothing is said of nodes", set: setNodes},
	"node":              {usage: "NAME [LABEL=VALUE …] [--cpu 4] [--memory 8Gi] [--ephemeral-storage 100Gi] [--pods 110] [--taint KEY=VALUE:EFFECT] [--host-path DIR] [--volume-limit DRIVER=N] [--address IP] [--pod-cidr CIDR] [--first-pod-ip IP]", about: "a node", set: setNode},
	"provision":         {about: "a volume is made for every claim that none fits", set: setProvision},
	"workload":          {usage: "IMAGE {FIELDS}", about: "what containers of an image do: fields of kubelet.Workload as JSON or YAML, spans as \"30s\", and pages: {PATH: TEXT}", set: setWorkload},
	"private-images":    {usage: "NAME [USER PASSWORD]", about: "a registry or repository that gives images only to pods with a pull secret", set: setPrivate},
	"gate":              {usage: "NAME=true|false", about: "a feature gate", set: setGate},
	"disable-admission": {usage: "PLUGIN", about: "an admission plugin that is not asked", set: setAdmission},
	"domain":            {usage: "NAME", about: "the DNS zone, cluster.local if it is not given", set: setDomain},
	"nfs-strict":        {about: "NFS servers have only the exports that were made", set: setStrict},
	"no-latency":        {about: "everything happens at one instant, in the order of causes", set: setNoLatency},
}

func setSeed(a *arguments) (setting, error) {
	word := a.next("N")
	a.end()
	seed, err := strconv.ParseUint(word, 10, 64)
	if a.err == nil && err != nil {
		return nil, fmt.Errorf("%q is no seed: want 0 to %d", word, ^uint64(0))
	}
	return func(c *sim.Config) error { c.Seed = seed; return nil }, nil
}

func setNodes(a *arguments) (setting, error) {
	n := a.number("N", 0, 10_000)
	a.end()
	return func(c *sim.Config) error {
		if c.Nodes != nil {
			return fmt.Errorf("nodes are given already: %d", len(c.Nodes))
		}
		c.Nodes = []sim.Node{}
		for i := range n {
			c.Nodes = append(c.Nodes, sim.Node{Name: fmt.Sprintf("node-%d", i+1)})
		}
		return nil
	}, nil
}

func setNode(a *arguments) (setting, error) {
	var n sim.Node
	var taints []string
	var limits map[string]int64
	a.flags(func(f *pflag.FlagSet) {
		f.StringVar(&n.CPU, "cpu", "", "")
		f.StringVar(&n.Memory, "memory", "", "")
		f.StringVar(&n.EphemeralStorage, "ephemeral-storage", "", "")
		f.Int64Var(&n.Pods, "pods", 0, "")
		f.StringArrayVar(&taints, "taint", nil, "")
		f.StringArrayVar(&n.HostPaths, "host-path", nil, "")
		f.StringToInt64Var(&limits, "volume-limit", nil, "")
		f.StringVar(&n.Address, "address", "", "")
		f.StringVar(&n.PodCIDR, "pod-cidr", "", "")
		f.StringVar(&n.FirstPodIP, "first-pod-ip", "", "")
	})
	n.Name = a.next("NAME")
	for a.has() {
		word := a.next("LABEL=VALUE")
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no LABEL=VALUE", word)
		}
		if n.Labels == nil {
			n.Labels = map[string]string{}
		}
		n.Labels[key] = value
	}
	for driver, limit := range limits { // a map from a map
		if limit < 0 || limit > math.MaxInt32 {
			return nil, fmt.Errorf("--volume-limit: %d is no number of volumes", limit)
		}
		if n.VolumeLimits == nil {
			n.VolumeLimits = map[string]int32{}
		}
		n.VolumeLimits[driver] = int32(limit)
	}
	for _, text := range taints {
		taint, err := parseTaint(text)
		if err != nil {
			return nil, err
		}
		n.Taints = append(n.Taints, taint)
	}
	return func(c *sim.Config) error { c.Nodes = append(c.Nodes, n); return nil }, nil
}

// parseTaint reads "key=value:Effect", of which "=value" may be left out.
func parseTaint(text string) (corev1.Taint, error) {
	pair, effect, ok := strings.Cut(text, ":")
	switch e := corev1.TaintEffect(effect); {
	case !ok:
	case e == corev1.TaintEffectNoSchedule, e == corev1.TaintEffectPreferNoSchedule, e == corev1.TaintEffectNoExecute:
		key, value, _ := strings.Cut(pair, "=")
		return corev1.Taint{Key: key, Value: value, Effect: e}, nil
	}
	return corev1.Taint{}, fmt.Errorf("%q is no taint: want KEY=VALUE:NoSchedule, PreferNoSchedule or NoExecute", text)
}

func setProvision(a *arguments) (setting, error) {
	a.end()
	return func(c *sim.Config) error { c.Provision = true; return nil }, nil
}

func setWorkload(a *arguments) (setting, error) {
	image, fields, _ := strings.Cut(a.rest, " ")
	if image == "" || strings.TrimSpace(fields) == "" {
		return nil, fmt.Errorf("IMAGE {FIELDS} is missing")
	}
	w, err := parseWorkload(fields)
	if err != nil {
		return nil, err
	}
	return func(c *sim.Config) error {
		if c.Workloads == nil {
			c.Workloads = map[string]kubelet.Workload{}
		}
		c.Workloads[image] = w
		return nil
	}, nil
}

func setPrivate(a *arguments) (setting, error) {
	name := a.next("NAME")
	var login kubelet.Login
	if a.has() {
		login = kubelet.Login{Username: a.next("USER"), Password: a.next("PASSWORD")}
	}
	a.end()
	return func(c *sim.Config) error {
		if c.PrivateImages == nil {
			c.PrivateImages = map[string]kubelet.Login{}
		}
		c.PrivateImages[name] = login
		return nil
	}, nil
}

func setGate(a *arguments) (setting, error) {
	name, value, _ := strings.Cut(a.next("NAME=true|false"), "=")
	a.end()
	on, err := strconv.ParseBool(value)
	if a.err == nil && err != nil {
		return nil, fmt.Errorf("%s: want true or false, not %q", name, value)
	}
	return func(c *sim.Config) error {
		switch name {
		case "MaxUnavailableStatefulSet":
			c.Gates.NoMaxUnavailable = !on
		case "StatefulSetRecreateStrategy":
			c.Gates.Recreate = on
		default:
			return fmt.Errorf("the gate %q is not modelled; MaxUnavailableStatefulSet and StatefulSetRecreateStrategy are", name)
		}
		return nil
	}, nil
}

func setAdmission(a *arguments) (setting, error) {
	name := a.next("PLUGIN")
	a.end()
	return func(c *sim.Config) error {
		c.DisableAdmissionPlugins = append(c.DisableAdmissionPlugins, name)
		return nil
	}, nil
}

func setDomain(a *arguments) (setting, error) {
	name := a.next("NAME")
	a.end()
	return func(c *sim.Config) error { c.ClusterDomain = name; return nil }, nil
}

func setStrict(a *arguments) (setting, error) {
	a.end()
	return func(c *sim.Config) error { c.NFS.Strict = true; return nil }, nil
}

func setNoLatency(a *arguments) (setting, error) {
	a.end()
	return func(c *sim.Config) error { c.NoLatency = true; return nil }, nil
}
