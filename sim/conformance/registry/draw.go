package registry

import (
	"math/rand/v2"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/api"
)

// world draws calls about one kind, with an eye on what is stored.
type world struct {
	*rand.Rand
	server *apiserver.Server
	kind   apiserver.Kind
	past   map[apiserver.Key][]map[string]any // older states of what was touched
}

func newWorld(seed uint64, kind apiserver.Kind, server *apiserver.Server) *world {
	return &world{rand.New(rand.NewPCG(seed, uint64(kind))), server, kind, map[apiserver.Key][]map[string]any{}}
}

// pick returns one of a few values.
func pick[T any](w *world, of ...T) T { return of[w.IntN(len(of))] }

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.IntN(n) == 0 }

func (w *world) seed() int { return int(w.Uint32()) }

// setUp are the objects that the others refer to.
func (w *world) setUp() []*call {
	list := []*call{
		made(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default","labels":{` + w.levels() + `}}}`),
		made(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}`),
		made(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"default"` + w.strict() + `}` + w.account() + `}`),
		made(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"other"}}`),
		made(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z","topology.kubernetes.io/region":"r"}}}`),
		made(`{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"high"},"value":1000,"preemptionPolicy":"Never"}`),
		made(`{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"grow"},"provisioner":"a.b/c","allowVolumeExpansion":true}`),
	}
	if w.chance(2) {
		list = append(list, made(`{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"std","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"a.b/c"}`))
	}
	if w.chance(3) {
		list = append(list, made(`{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"usual"},"value":7,"globalDefault":true}`))
	}
	if w.chance(3) {
		list = append(list, made(`{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"limits","namespace":"default"},"spec":{"limits":[`+w.limits()+`]}}`))
	}
	if w.chance(3) {
		list = append(list, made(`{"apiVersion":"node.k8s.io/v1","kind":"RuntimeClass","metadata":{"name":"kata"},"handler":"kata"`+
			pick(w, "", `,"overhead":{"podFixed":{"cpu":"250m"}}`)+pick(w, "", `,"scheduling":{"nodeSelector":{"vm":"yes"},"tolerations":[{"key":"vm","operator":"Exists"}]}`)+`}`))
	}
	return list
}

// levels are labels of a namespace that security goes by.
func (w *world) levels() string {
	if !w.chance(3) {
		return ""
	}
	version := pick(w, "latest", "v1.20", "v1.37", "v1.99")
	return pick(w, `"pod-security.kubernetes.io/enforce":"baseline"`, `"pod-security.kubernetes.io/warn":"restricted"`, `"pod-security.kubernetes.io/enforce":"restricted"`,
		`"pod-security.kubernetes.io/enforce":"baseline","pod-security.kubernetes.io/enforce-version":"`+version+`"`,
		`"pod-security.kubernetes.io/warn":"restricted","pod-security.kubernetes.io/warn-version":"`+version+`"`)
}

// strict is an annotation of an account that holds its pods to its secrets.
func (w *world) strict() string {
	return pick(w, "", "", "", `,"annotations":{"kubernetes.io/enforce-mountable-secrets":"true"}`)
}

// account is what else an account says.
func (w *world) account() string {
	return pick(w, "", "", `,"automountServiceAccountToken":false`, `,"imagePullSecrets":[{"name":"pull"}]`, `,"secrets":[{"name":"a"}],"imagePullSecrets":[{"name":"pull"}]`)
}

// limits are items of a LimitRange, with one resource in each list: upstream tells
// of several in the order of a map.
func (w *world) limits() string {
	return pick(w, `{"type":"Container","default":{"cpu":"500m"}}`, `{"type":"Container","defaultRequest":{"memory":"64Mi"},"max":{"cpu":"2"}}`,
		`{"type":"Container","min":{"cpu":"100m"},"maxLimitRequestRatio":{"memory":"2"}}`, `{"type":"Pod","max":{"memory":"1Gi"}}`,
		`{"type":"Pod","min":{"cpu":"50m"},"maxLimitRequestRatio":{"cpu":"3"}},{"type":"Container","default":{"cpu":"200m"},"defaultRequest":{"cpu":"100m"}}`,
		`{"type":"PersistentVolumeClaim","max":{"storage":"2Gi"}}`, `{"type":"PersistentVolumeClaim","min":{"storage":"2Gi"}}`)
}

// next draws a call.
func (w *world) next() *call {
	c := &call{Kind: w.kind.String()}
	if w.kind.Namespaced() {
		c.Namespace = "default"
	}
	if w.chance(4) {
		c.After = pick(w, 1, 1, 2, 5, 12, 31)
	}
	if w.chance(40) {
		return w.elsewhere(c)
	}
	live := w.live()
	if live == nil || w.chance(7) {
		return w.create(c)
	}
	c.Namespace, c.Name = live.GetNamespace(), live.GetName()
	if w.chance(25) {
		c.Name = "missing"
	}
	tree := w.state(live)
	switch n := w.IntN(100); {
	case n < 22:
		return w.update(c, tree)
	case n < 34:
		return w.status(c, tree)
	case n < 68:
		return w.patch(c, tree)
	case n < 74:
		return w.special(c, tree)
	case n < 76:
		c.Verb = "get"
		return c
	}
	return w.delete(c, tree)
}

// elsewhere is about the namespace that the others live in.
func (w *world) elsewhere(c *call) *call {
	c.Kind, c.Namespace, c.Name = "Namespace", "", pick(w, "default", "other", "other")
	c.Verb = "delete"
	return c
}

// live is a stored object of the kind, or nil.
func (w *world) live() apiserver.Object {
	objs := w.server.List(w.kind, "")
	if len(objs) == 0 {
		return nil
	}
	return objs[w.IntN(len(objs))]
}

// state is an object as a client knows it, now and then an older one.
func (w *world) state(obj apiserver.Object) map[string]any {
	key := apiserver.KeyOf(obj)
	now := treeOf(apiserver.WithKind(obj))
	if list := w.past[key]; len(list) > 0 && w.chance(8) {
		return treeOf(list[w.IntN(len(list))])
	}
	w.past[key] = append(w.past[key], treeOf(now))
	return now
}

// create sends one of the bases, changed a little.
func (w *world) create(c *call) *call {
	c.Verb = "create"
	bases := api.Bases(c.Kind)
	tree := bases[w.IntN(len(bases))]
	tree["apiVersion"], tree["kind"] = w.gv(), c.Kind
	meta := tree["metadata"].(map[string]any)
	meta["name"] = pick(w, "a", "b", "c")
	delete(meta, "finalizers")
	delete(meta, "ownerReferences")
	if w.kind.Namespaced() && w.chance(10) {
		meta["namespace"] = pick(w, "other", "nowhere")
		c.Namespace = meta["namespace"].(string)
	}
	if w.chance(8) {
		delete(meta, "name")
		meta["generateName"] = pick(w, "gen-", "gen-", "Bad_", "")
	}
	if w.chance(3) {
		w.editMeta(tree)
	}
	if w.kind == apiserver.Pod && w.chance(3) { // to be bound
		delete(tree["spec"].(map[string]any), "nodeName")
		delete(tree["spec"].(map[string]any), "schedulingGates")
	}
	if w.chance(6) {
		w.change(tree, "")
	}
	c.Object = tree
	return c
}

func (w *world) gv() string { return w.kind.GroupVersionKind().GroupVersion().String() }

// change changes one place of a tree, such that it still can be read.
func (w *world) change(tree map[string]any, prefix string) {
	if w.kind == apiserver.Node { // its own fields are not compared
		w.editMeta(tree)
		return
	}
	for range 10 {
		next := treeOf(tree)
		api.Change(w.seed(), next, typeOf(w.kind), prefix)
		if !readable(w.kind, next) {
			continue
		}
		for k := range tree {
			delete(tree, k)
		}
		for k, v := range next { // into a map
			tree[k] = v
		}
		return
	}
}

// prefix is where a change of the kind's own fields goes.
func (w *world) prefix() string {
	if _, ok := typeOf(w.kind).FieldByName("Spec"); ok {
		return ".spec"
	}
	return ""
}

func (w *world) hasStatus() bool {
	_, ok := typeOf(w.kind).FieldByName("Status")
	return ok
}

// update sends a whole object.
func (w *world) update(c *call, tree map[string]any) *call {
	c.Verb, c.Object = "update", tree
	w.edit(tree)
	if meta, ok := tree["metadata"].(map[string]any); ok && c.Name == "missing" && w.chance(2) { // some kinds are created so
		meta["name"] = c.Name
		if w.chance(2) {
			delete(meta, "uid")
		}
	}
	return c
}

// edit changes an object as its users do: nothing, its metadata, what it says.
func (w *world) edit(tree map[string]any) {
	switch w.IntN(8) {
	case 0:
	case 1, 2, 3:
		w.editMeta(tree)
		if w.chance(3) {
			w.editMeta(tree)
		}
	case 4:
		w.common(tree)
	case 5:
		w.editMeta(tree)
		w.change(tree, w.prefix())
	default:
		w.change(tree, w.prefix())
	}
}

// status sends the status of an object.
func (w *world) status(c *call, tree map[string]any) *call {
	if !w.hasStatus() {
		return w.update(c, tree)
	}
	c.Verb, c.Sub, c.Object = "update", "status", tree
	switch w.IntN(6) {
	case 0:
		w.edit(tree)
	case 1, 2:
		w.phase(tree)
	default:
		w.change(tree, ".status")
	}
	return c
}

// phase sets a phase that changes what the server does with an object.
func (w *world) phase(tree map[string]any) {
	status, _ := tree["status"].(map[string]any)
	if status == nil {
		status = map[string]any{}
		tree["status"] = status
	}
	switch w.kind {
	case apiserver.Pod:
		status["phase"] = pick(w, "Running", "Succeeded", "Failed", "Pending")
	case apiserver.PersistentVolumeClaim:
		status["phase"] = "Bound"
		status["capacity"] = map[string]any{"storage": "1Gi"}
		status["accessModes"] = []any{"ReadWriteOnce"}
	case apiserver.PersistentVolume:
		status["phase"] = pick(w, "Available", "Bound", "Released")
	case apiserver.StatefulSet:
		status["replicas"], status["observedGeneration"] = float64(w.IntN(4)), 1.0
	default:
		w.change(tree, ".status")
	}
}

// special is what only one kind has.
func (w *world) special(c *call, tree map[string]any) *call {
	switch w.kind {
	case apiserver.Pod:
		c.Verb, c.Sub = "create", "binding"
		c.Object = map[string]any{"apiVersion": "v1", "kind": "Binding",
			"metadata": map[string]any{"name": c.Name, "namespace": c.Namespace},
			"target":   map[string]any{"kind": "Node", "name": pick(w, "n1", "n1", "n2")}}
	case apiserver.StatefulSet:
		c.Verb, c.Sub = "update", "scale"
		meta := map[string]any{"name": c.Name, "namespace": c.Namespace}
		if w.chance(3) {
			meta["resourceVersion"] = tree["metadata"].(map[string]any)["resourceVersion"]
		}
		c.Object = map[string]any{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta,
			"spec": map[string]any{"replicas": float64(pick(w, 0, 1, 3, 5, -1))}}
	case apiserver.Namespace:
		c.Verb, c.Sub, c.Object = "update", "finalize", tree
		tree["spec"] = map[string]any{"finalizers": pick(w, []any{}, []any{"kubernetes"}, []any{"kubernetes", "a.b/c"})}
	default:
		return w.update(c, tree)
	}
	return c
}

// delete deletes an object, or all of them.
func (w *world) delete(c *call, tree map[string]any) *call {
	c.Verb = "delete"
	if w.kind != apiserver.Namespace && w.chance(12) {
		c.Verb, c.Name = "deletecollection", ""
	}
	if w.chance(2) {
		c.Grace = pick(w, new(int64), ptr(1), ptr(5), ptr(10), ptr(60), ptr(-1))
	}
	c.Propagation = pick(w, "", "", "", "Background", "Foreground", "Orphan", "Sideways")
	meta := tree["metadata"].(map[string]any)
	if c.Verb == "delete" && w.chance(5) {
		c.UID = pick(w, meta["uid"].(string), "4c5d7a1e-0000-4000-8000-000000000000")
	}
	if c.Verb == "delete" && w.chance(5) {
		c.Version = pick(w, meta["resourceVersion"].(string), "1")
	}
	return c
}

func ptr(n int64) *int64 { return &n }
