package shell

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// version: kubectl version [--client]
func (c *call) version() {
	if len(c.args) > 0 {
		c.wrong("extra arguments: %v", c.args)
		return
	}
	switch c.text("output") {
	case "":
	case "yaml", "json":
		c.wrong("kubectl's --output is not modelled here")
		return
	default:
		c.wrong("--output must be 'yaml' or 'json'")
		return
	}
	c.print("Client Version: %s\nKustomize Version: v5.8.1\n", sim.KubernetesVersion)
	if !c.on("client") {
		c.print("Server Version: %s\n", sim.KubernetesVersion)
	}
}

// clusterInfo: kubectl cluster-info
func (c *call) clusterInfo() {
	svc, err := c.cluster.Get(apiserver.Service, sim.DefaultNamespace, "kubernetes")
	if err != nil {
		c.fail(err)
		return
	}
	data, err := content(svc)
	if err != nil {
		c.fail(err)
		return
	}
	c.print("Kubernetes control plane is running at https://%s\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n",
		data["spec"].(map[string]any)["clusterIP"])
}

// top: kubectl top, which needs a metrics server.
func (c *call) top() { c.wrong("Metrics API not available") }

// apiVersions: kubectl api-versions
func (c *call) apiVersions() {
	var list []string
	for _, kind := range apiserver.Served() {
		list = append(list, kind.APIVersion())
	}
	slices.Sort(list)
	for _, v := range slices.Compact(list) {
		c.print("%s\n", v)
	}
}

// apiResources: kubectl api-resources: the kinds that the server stores.
func (c *call) apiResources() {
	if len(c.args) > 0 {
		c.misused("unexpected arguments: %v", c.args)
		return
	}
	output := c.text("output")
	if output != "" && output != "name" {
		c.wrong("--output %v is not available", output)
		return
	}
	kinds := slices.DeleteFunc(apiserver.Served(), func(k apiserver.Kind) bool {
		return apiserver.KindNamed(k.Resource()+"."+k.GroupVersionKind().Group) != k || // an older version
			c.flags.Changed("namespaced") && k.Namespaced() != c.on("namespaced")
	})
	slices.SortFunc(kinds, func(a, b apiserver.Kind) int {
		if d := strings.Compare(a.GroupVersionKind().Group, b.GroupVersionKind().Group); d != 0 {
			return d
		}
		return strings.Compare(a.Resource(), b.Resource())
	})
	if output == "name" {
		for _, k := range kinds {
			c.print("%s\n", k.GroupResource())
		}
		return
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 6, 4, 3, ' ', 0)
	if !c.on("no-headers") {
		fmt.Fprint(w, "NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND\n")
	}
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%s\n", k.Resource(), strings.Join(k.ShortNames(), ","), k.APIVersion(), k.Namespaced(), k)
	}
	_ = w.Flush() // a Builder takes everything
	c.print("%s", b.String())
}
