package trace

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// canon rewrites the objects of one history so that those of another, which
// went the same way, become equal: identifiers are replaced by the name of what
// they identify and how often that name was born, addresses by the order in
// which they appear, times by a T; versions are left out.
type canon struct {
	uids   map[types.UID]string
	births map[string]int
	ips    map[string]string
	names  map[string]string // generated names
	owner  string            // the UID's name of the object being rewritten
}

func newCanon() *canon {
	return &canon{uids: map[types.UID]string{}, births: map[string]int{}, ips: map[string]string{}, names: map[string]string{}}
}

var (
	uuidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	// tokenPattern is the name of the volume that the admission of accounts adds.
	tokenPattern = regexp.MustCompile(`^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	// eventPattern is the time at the end of an Event's name.
	eventPattern = regexp.MustCompile(`\.[0-9a-f]{15,16}$`)
)

// entry is a record that can be compared with one of another history.
type entry struct {
	rec  *apiserver.Record
	name string         // "pod/web-0"
	head string         // "MODIFIED pod/web-0 (kubelet)"
	tree map[string]any // the object
	text string         // both, as one string
}

// entries rewrites a history.
func entries(recs []*apiserver.Record) []entry {
	c := newCanon()
	list := make([]entry, len(recs))
	for i, rec := range recs {
		name := c.nameOf(rec)
		c.owner = c.uids[rec.Object.GetUID()]
		t := c.value("", tree(rec.Object)).(map[string]any)
		if meta, ok := t["metadata"].(map[string]any); ok {
			meta["name"] = name
		}
		data, err := json.Marshal(t) // keys are sorted
		if err != nil {
			panic(fmt.Sprintf("trace: %s %s: %v", rec.Kind, rec.Key, err)) // it came from JSON
		}
		full := strings.TrimSuffix(objectName(rec), rec.Key.Name) + name
		head := fmt.Sprintf("%s %s (%s)", rec.Type, full, rec.By)
		list[i] = entry{rec, full, head, t, head + " " + string(data)}
	}
	return list
}

// nameOf returns the canonical name of a record's object, and learns its UID.
func (c *canon) nameOf(rec *apiserver.Record) string {
	name := uuidPattern.ReplaceAllStringFunc(rec.Key.Name, c.uid)
	switch rec.Kind {
	case apiserver.Event:
		name = eventPattern.ReplaceAllString(name, ".T")
	case apiserver.Pod:
	default:
		name = c.generated(rec, name)
	}
	if uid := rec.Object.GetUID(); c.uids[uid] == "" {
		what := rec.Kind.String() + " " + apiserver.Key{Namespace: rec.Key.Namespace, Name: name}.String()
		c.births[what]++
		c.uids[uid] = fmt.Sprintf("<%s #%d>", what, c.births[what])
	}
	return name
}

// generated replaces the random end of a name that the server made up by the
// order of its appearance. Pods of a set have a base too, and no random end.
func (c *canon) generated(rec *apiserver.Record, name string) string {
	base := rec.Object.GetGenerateName()
	if base == "" || !strings.HasPrefix(name, base) {
		return name
	}
	id := rec.Kind.String() + " " + rec.Key.String()
	if c.names[id] == "" {
		what := "generated " + rec.Kind.String() + " " + rec.Key.Namespace + "/" + base
		c.births[what]++
		c.names[id] = fmt.Sprintf("%s<%d>", base, c.births[what])
	}
	return c.names[id]
}

// uid returns the canonical form of a UID.
func (c *canon) uid(s string) string {
	if c.uids[types.UID(s)] == "" {
		c.births["unknown"]++
		c.uids[types.UID(s)] = fmt.Sprintf("<uid #%d>", c.births["unknown"])
	}
	return c.uids[types.UID(s)]
}

// ip returns the canonical form of an address: that of the object which showed
// it first. A node's address may be shown by its pods alone.
func (c *canon) ip(field, s string) string {
	if c.ips[s] == "" {
		what := "ip of " + c.owner
		if field == "hostIP" {
			return "<ip of a node>"
		}
		c.births[what]++
		c.ips[s] = fmt.Sprintf("<%s, %d>", what, c.births[what])
	}
	return c.ips[s]
}

// value rewrites the value of a field. It changes maps and lists in place.
func (c *canon) value(field string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		c.fields(v)
	case []any:
		for i := range v {
			v[i] = c.value(field, v[i])
		}
	case string:
		switch {
		case v == "":
			return v
		case field == "uid":
			return c.uid(v)
		case isAddress(field, v):
			return c.ip(field, v)
		case timePattern.MatchString(v):
			return "T"
		case field == "name" && tokenPattern.MatchString(v):
			return "kube-api-access-<token>"
		case field == "containerID":
			return "<container>"
		}
		return uuidPattern.ReplaceAllStringFunc(v, c.uid)
	}
	return v
}

// fields rewrites the fields of an object, in the order of their names, so that
// addresses are numbered alike.
func (c *canon) fields(m map[string]any) {
	for _, k := range sortedKeys(m) {
		if k == "resourceVersion" || k == "managedFields" {
			delete(m, k)
			continue
		}
		m[k] = c.value(k, m[k])
	}
}

// isAddress reports whether a field holds an address that the cluster chose.
func isAddress(field, value string) bool {
	switch field {
	case "podIP", "hostIP", "ip", "clusterIP", "clusterIPs", "address", "addresses":
		_, err := netip.ParseAddr(value)
		return err == nil
	}
	return false
}
