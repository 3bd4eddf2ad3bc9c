package serve

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/munnerz/goautoneg"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

var (
	allVerbs = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	// categories are what `kubectl get all` and the like mean.
	categories = map[string]string{
		"pods": "all", "services": "all", "replicationcontrollers": "all", "daemonsets": "all", "deployments": "all", "replicasets": "all",
		"statefulsets": "all", "horizontalpodautoscalers": "all", "cronjobs": "all", "jobs": "all",
	}
)

// offered is a group and version with its resources, by name.
type offered struct {
	schema.GroupVersion
	resources []metav1.APIResource
}

// groupOrder is the order of the groups in the real server's discovery: by
// priority. A client that is asked for a resource that several have takes the
// first.
var groupOrder = []string{
	"", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
	"networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
	"coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
	"storagemigration.k8s.io",
}

// offers are the groups and versions that are served, in order.
var offers = sync.OnceValue(func() []offered {
	byGV := map[schema.GroupVersion]*offered{}
	of := func(gv schema.GroupVersion) *offered {
		if byGV[gv] == nil {
			byGV[gv] = &offered{GroupVersion: gv}
		}
		return byGV[gv]
	}
	for _, kind := range apiserver.Served() {
		o := of(kind.GroupVersionKind().GroupVersion())
		o.resources = append(o.resources, resourcesOf(kind)...)
	}
	for gvr, r := range reviews { // sorted below
		o := of(gvr.GroupVersion())
		o.resources = append(o.resources, metav1.APIResource{Name: gvr.Resource, SingularName: strings.ToLower(r.kind), Namespaced: r.namespaced, Kind: r.kind, Verbs: []string{"create"}})
	}
	list := make([]offered, 0, len(byGV))
	for _, o := range byGV { // sorted below
		slices.SortFunc(o.resources, func(a, b metav1.APIResource) int { return strings.Compare(a.Name, b.Name) })
		list = append(list, *o)
	}
	slices.SortFunc(list, compareOffers)
	return list
})

// compareOffers puts the groups that everybody has in their order, and others behind
// them; of a group, the newest version first.
func compareOffers(a, b offered) int {
	if a.Group != b.Group {
		return cmp.Or(order(a.Group)-order(b.Group), strings.Compare(a.Group, b.Group))
	}
	return -version.CompareKubeAwareVersionStrings(a.Version, b.Version)
}

func order(group string) int {
	if i := slices.Index(groupOrder, group); i >= 0 {
		return i
	}
	return len(groupOrder)
}

// resourcesOf lists a kind and its subresources.
func resourcesOf(kind apiserver.Kind) []metav1.APIResource {
	r := metav1.APIResource{Name: kind.Resource(), SingularName: strings.ToLower(kind.String()), Namespaced: kind.Namespaced(), Kind: kind.String(),
		Verbs: allVerbs, ShortNames: kind.ShortNames()}
	if kind == apiserver.Namespace {
		r.Verbs = slices.DeleteFunc(slices.Clone(allVerbs), func(v string) bool { return v == "deletecollection" })
	}
	if cat := categories[r.Name]; cat != "" {
		r.Categories = []string{cat}
	}
	if kind.GroupVersionKind().Group == "admissionregistration.k8s.io" {
		r.Categories = []string{"api-extensions"}
	}
	list := []metav1.APIResource{r}
	for _, sub := range subresources(kind) { // the caller sorts
		gvk := sub.kind
		s := metav1.APIResource{Name: r.Name + "/" + sub.name, Namespaced: r.Namespaced, Kind: kind.String(), Verbs: sub.verbs}
		if gvk.Kind != "" {
			s.Kind = gvk.Kind
			if gvk.GroupVersion() != kind.GroupVersionKind().GroupVersion() {
				s.Group, s.Version = gvk.Group, gvk.Version
			}
		}
		list = append(list, s)
	}
	return list
}

// groups answers GET /api and /apis: with everything at once, if the client asks
// for that, or with the names alone.
func (c *call) groups(root string) {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		c.notAllowed()
		return
	}
	c.w.Header().Set("Vary", "Accept")
	if !c.wantsAggregated() {
		if root == "api" {
			c.encodeJSON(http.StatusOK, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"},
				ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{{ClientCIDR: "0.0.0.0/0", ServerAddress: c.r.Host}}})
			return
		}
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, g := range c.groupNames() {
			list.Groups = append(list.Groups, c.groupOf(g))
		}
		c.encodeJSON(http.StatusOK, list)
		return
	}
	doc := c.aggregated(root)
	c.w.Header().Set("ETag", doc.etag)
	c.w.Header().Set("Cache-Control", "public")
	if c.r.Header.Get("If-None-Match") == doc.etag {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	c.w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(doc.body)
}

// wantsAggregated reports whether the client's first wish is the list of all.
func (c *call) wantsAggregated() bool {
	for _, clause := range goautoneg.ParseAccept(c.r.Header.Get("Accept")) {
		if clause.SubType != "json" && clause.SubType != "*" {
			continue
		}
		switch p := clause.Params; {
		case p["as"] == "APIGroupDiscoveryList" && p["g"] == "apidiscovery.k8s.io":
			if p["v"] == "v2" {
				return true
			}
		default:
			return false
		}
	}
	return false
}

// document is an answer that is always the same.
type document struct {
	body []byte
	etag string
}

func newDocument(v any) document {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		panic(fmt.Sprintf("serve: %v", err)) // our own types
	}
	return document{body.Bytes(), fmt.Sprintf(`"%X"`, sha256.Sum256(body.Bytes()))}
}

// aggregated are the lists of everything, of the core group and of the others.
var aggregated = sync.OnceValue(func() map[string]document { return aggregate(offers()) })

// aggregated is the list of everything below a root.
func (c *call) aggregated(root string) document {
	if len(c.defined()) == 0 {
		return aggregated()[root]
	}
	return aggregate(c.offers())[root]
}

func aggregate(offers []offered) map[string]document {
	core, rest := aggregatedList(), aggregatedList()
	for _, o := range offers {
		list := rest
		if o.Group == "" {
			list = core
		}
		if n := len(list.Items); n == 0 || list.Items[n-1].Name != o.Group {
			list.Items = append(list.Items, apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: o.Group}})
		}
		g := &list.Items[len(list.Items)-1]
		g.Versions = append(g.Versions, apidiscoveryv2.APIVersionDiscovery{Version: o.Version, Resources: discovered(o), Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent})
	}
	return map[string]document{"api": newDocument(core), "apis": newDocument(rest)}
}

func aggregatedList() *apidiscoveryv2.APIGroupDiscoveryList {
	return &apidiscoveryv2.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscoveryv2.SchemeGroupVersion.String()}}
}

// discovered is a version's resources with their subresources below them.
func discovered(o offered) []apidiscoveryv2.APIResourceDiscovery {
	var list []apidiscoveryv2.APIResourceDiscovery
	for _, r := range o.resources {
		kind := &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		if _, sub, ok := strings.Cut(r.Name, "/"); ok {
			of := &list[len(list)-1]
			of.Subresources = append(of.Subresources, apidiscoveryv2.APISubresourceDiscovery{Subresource: sub, ResponseKind: kind, Verbs: r.Verbs})
			continue
		}
		scope := apidiscoveryv2.ScopeCluster
		if r.Namespaced {
			scope = apidiscoveryv2.ScopeNamespace
		}
		list = append(list, apidiscoveryv2.APIResourceDiscovery{Resource: r.Name, ResponseKind: kind, Scope: scope, SingularResource: r.SingularName,
			Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories})
	}
	return list
}

// groupNames lists the groups in order, but for the core group.
func (c *call) groupNames() []string {
	var names []string
	for _, o := range c.offers() {
		if o.Group != "" && !slices.Contains(names, o.Group) {
			names = append(names, o.Group)
		}
	}
	return names
}

func (c *call) groupOf(name string) metav1.APIGroup {
	g := metav1.APIGroup{Name: name}
	for _, o := range c.offers() {
		if o.Group == name {
			g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: o.String(), Version: o.Version})
		}
	}
	if len(g.Versions) > 0 {
		g.PreferredVersion = g.Versions[0]
	}
	return g
}

// group answers GET /apis/GROUP, if there is such a group.
func (c *call) group(path string) bool {
	name, ok := strings.CutPrefix(path, "apis/")
	if !ok || !slices.Contains(c.groupNames(), name) {
		return false
	}
	g := c.groupOf(name)
	g.Kind, g.APIVersion = "APIGroup", "v1"
	c.encodeJSON(http.StatusOK, g)
	return true
}

// resourceList answers GET /api/v1 and /apis/GROUP/VERSION, if they exist.
func (c *call) resourceList(gv schema.GroupVersion) bool {
	for _, o := range c.offers() {
		if o.GroupVersion == gv {
			list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: gv.String(), APIResources: o.resources}
			if gv.Group != "" {
				list.APIVersion = "v1"
			}
			c.encodeJSON(http.StatusOK, list)
			return true
		}
	}
	return false
}
