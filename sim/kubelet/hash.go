package kubelet

import "github.com/statefulsim/statefulsim/sim/apiserver"

// Hash is a hash of what exists outside the API: which processes run where,
// what files they and their volumes hold, which images the nodes have. UIDs
// count as what they identify in the API (a pod that is gone from it counts by
// its name alone); container IDs, addresses and ages do not count.
func (w *World) Hash(c *apiserver.Census) uint64 {
	var sum uint64 // a sum over maps: order cannot matter
	for _, m := range w.machines {
		at := c.Name(m.node)
		for image := range m.images { // as above
			sum += apiserver.Blend(at, 1, c.Name(image))
		}
		for _, r := range m.rooms {
			if r != nil {
				sum += apiserver.Blend(at, 2, c.ID(string(r.pod.UID)), r.hash(c))
			}
		}
	}
	for image := range w.missing { // as above
		sum += apiserver.Blend(3, c.Name(image))
	}
	for name, files := range w.trees { // as above
		sum += apiserver.Blend(4, c.Name(name), hashFiles(c, files))
	}
	for _, e := range w.NFS.List() {
		export := apiserver.Blend(5, c.Name(e.Server), c.Name(e.Path), bit(e.Down), bit(e.Missing))
		for _, name := range w.NFS.Files(e.Server, e.Path) {
			content, _ := w.NFS.Read(e.Server, e.Path, name)
			export += apiserver.Blend(export, c.Name(name), c.Name(content))
		}
		sum += export
	}
	return sum
}

// hash is a hash of what a machine keeps of one pod.
func (r *room) hash(c *apiserver.Census) uint64 {
	h := apiserver.Blend(c.Key(r.pod.Key), bit(r.ip.IsValid()))
	for i := range r.procs {
		p := &r.procs[i]
		h = apiserver.Blend(h, c.Name(p.spec.Name), c.Name(p.spec.Image), hashFiles(c, p.files))
	}
	var volumes uint64
	for i := range r.volumes { // a sum: order cannot matter
		v := &r.volumes[i]
		volumes += apiserver.Blend(c.Name(v.name), c.Name(v.server), c.Name(v.path), c.Name(v.tree), bit(v.readOnly), hashFiles(c, v.files))
	}
	return apiserver.Blend(h, volumes)
}

func hashFiles(c *apiserver.Census, files map[string]string) uint64 {
	var sum uint64
	for name, content := range files { // a sum: order cannot matter
		sum += apiserver.Blend(c.Name(name), c.Name(content))
	}
	return sum
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
