package apiserver

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// Restore fills an empty server with the objects of another, as they are: with
// their UIDs, versions, times, statuses and deletions under way. Neither
// admission nor validation sees them. An object without a version gets one after
// all others; the server keeps the objects. The error names the first object that
// cannot be one of this cluster's beside the others, and nothing is stored then.
func (s *Server) Restore(now engine.Time, by string, objects []Object) error {
	type numbered struct {
		obj     Object
		version uint64
	}
	list := make([]numbered, 0, len(objects))
	keys, uids := map[string]bool{}, map[string]bool{}
	for _, obj := range objects {
		kind, key := KindOf(obj), KeyOf(obj)
		name := fmt.Sprintf("%s %s", kind, key)
		version, err := parseVersion(obj)
		switch uid := string(obj.GetUID()); {
		case err != nil:
			return fmt.Errorf("%s: metadata.resourceVersion: %q is not a number", name, obj.GetResourceVersion())
		case keys[name]:
			return fmt.Errorf("%s: there are two of them", name)
		case uid == "":
			return fmt.Errorf("%s: metadata.uid: it has none, so it is not the state of a cluster", name)
		case uids[uid]:
			return fmt.Errorf("%s: metadata.uid: another object has %q, too", name, uid)
		default:
			keys[name], uids[uid] = true, true
		}
		if version == 0 {
			version = ^uint64(0)
		}
		list = append(list, numbered{obj, version})
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return cmp.Compare(a.version, b.version) })
	s.now, s.by = now, by
	for _, n := range list {
		if n.version != ^uint64(0) {
			s.version = max(s.version, n.version-1)
		}
		obj := n.obj
		clearKind(obj)
		if s.cfg.FieldManager == nil {
			obj.SetManagedFields(nil)
		}
		if svc, ok := obj.(*corev1.Service); ok {
			s.reserve(svc)
		}
		s.write(watch.Added, KindOf(obj), obj, nil)
	}
	if s.cfg.CustomResources != nil {
		s.define()
	}
	return nil
}

// reserve takes the addresses and ports that a Service has.
func (s *Server) reserve(svc *corev1.Service) {
	taken, key := *s.ips.Write(), KeyOf(svc)
	for _, ip := range svc.Spec.ClusterIPs {
		if ip != corev1.ClusterIPNone {
			taken[ip] = key
		}
	}
	for i := range svc.Spec.Ports {
		if port := svc.Spec.Ports[i].NodePort; port != 0 {
			taken[portID(port)] = key
		}
	}
	if port := svc.Spec.HealthCheckNodePort; port != 0 {
		taken[portID(port)] = key
	}
}
