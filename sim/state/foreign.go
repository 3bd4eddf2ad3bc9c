package state

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"time"
	"unsafe"
)

// What of the types of k8s.io/api says how a state came about, and not what it is.
// This is the one list of it: Hash, Settle and the comparisons all use it.
//
//   - Versions, UIDs, container IDs and addresses that are handed out are
//     identifiers: only which places have the same one counts.
//   - Stored times count as set or not, and by their age as far as a span that some
//     object states can make a difference of it (minReadySeconds). When an object is
//     to be gone, and since when a node is tainted, counts exactly. Of pods,
//     classes and revisions, the order of their creation counts.
//   - A generation does not count, and an observed one by how far it lags behind.
//   - A restart count counts as zero or not; the number of a ControllerRevision by
//     its rank among its owner's.
//   - The order of the volumes in a Node's status does not count.
//   - Of managed fields the stamps do not count, nor do annotations that hold a time.
func (b hashBuilder) foreign(p *hashPlan) {
	t := p.typ
	switch t.String() {
	case "v1.Time", "v1.MicroTime", "time.Time":
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.stored((*time.Time)(at), stamp) }
		return
	case "resource.Quantity":
		p.hash = func(h *Hasher, at unsafe.Pointer) {
			q := reflect.NewAt(t, at).Interface().(interface{ AsApproximateFloat64() float64 })
			h.Number(math.Float64bits(q.AsApproximateFloat64()))
		}
		return
	case "netip.Addr":
		p.hash = func(h *Hasher, at unsafe.Pointer) {
			if a := (*netip.Addr)(at); a.IsValid() {
				h.ID(a.String())
			} else {
				h.Number(0)
			}
		}
		return
	}
	type step struct {
		offset uintptr
		hash   func(h *Hasher, at unsafe.Pointer)
	}
	var steps []step
	exported := 0
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		exported++
		if hash := b.foreignField(t, f); hash != nil {
			name, inner := f.Name, hash
			steps = append(steps, step{f.Offset, func(h *Hasher, at unsafe.Pointer) {
				if h.spelled == nil {
					inner(h, at)
					return
				}
				h.spelled.within(name, func() { inner(h, at) })
			}})
		}
	}
	if exported == 0 && t.NumField() > 0 {
		if !t.Implements(stringer) {
			panic(fmt.Sprintf("state: what a %s holds is hidden", t))
		}
		p.hash = func(h *Hasher, at unsafe.Pointer) {
			h.Text(reflect.NewAt(t, at).Elem().Interface().(fmt.Stringer).String())
		}
		return
	}
	calendar := t.Name() == "CronJobSpec"
	p.hash = func(h *Hasher, at unsafe.Pointer) {
		for i := range steps {
			steps[i].hash(h, unsafe.Add(at, steps[i].offset))
		}
		if calendar {
			h.span = Calendar
		}
	}
}

// foreignField returns how a field is digested, or nil if it does not count.
func (b hashBuilder) foreignField(t reflect.Type, f reflect.StructField) func(*Hasher, unsafe.Pointer) {
	text := f.Type.Kind() == reflect.String
	switch f.Name {
	case "SelfLink", "TypeMeta":
		return nil
	case "ManagedFields":
		plan := b.plan(f.Type)
		return func(h *Hasher, at unsafe.Pointer) {
			if len(*(*[]struct{})(at)) > 0 { // few clusters have them
				plan.hash(h, at)
			}
		}
	case "ResourceVersion":
		if t.Name() == "ObjectMeta" {
			return func(h *Hasher, at unsafe.Pointer) {
				if versionText(h, at); h.version == 0 && *(*string)(at) != "" {
					h.version = h.open[len(h.open)-1].value
				}
			}
		}
		if text {
			return versionText
		}
	case "ContainerID", "PodIP", "IP", "ClusterIP":
		if text {
			return func(h *Hasher, at unsafe.Pointer) { h.id(*(*string)(at)) }
		}
	case "HostIP", "Address":
		if text { // somebody has named it
			return func(h *Hasher, at unsafe.Pointer) {
				h.Text(*(*string)(at))
				h.id(*(*string)(at))
			}
		}
	case "Addresses", "ClusterIPs":
		if f.Type == reflect.TypeFor[[]string]() {
			return func(h *Hasher, at unsafe.Pointer) {
				list := *(*[]string)(at)
				h.Number(uint64(len(list)))
				for _, s := range list {
					h.id(s)
				}
			}
		}
	case "Generation":
		return func(h *Hasher, at unsafe.Pointer) {
			if n := *(*int64)(at); n != 0 {
				h.generation = n
			}
		}
	case "ObservedGeneration":
		return func(h *Hasher, at unsafe.Pointer) { h.observed(*(*int64)(at)) }
	case "RestartCount":
		return func(h *Hasher, at unsafe.Pointer) { h.Bool(*(*int32)(at) != 0) }
	case "Revision":
		if t.Name() == "ControllerRevision" {
			return func(h *Hasher, at unsafe.Pointer) { h.Rank(h.owner, *(*int64)(at)) }
		}
	case "VolumesInUse", "VolumesAttached":
		return b.set(f.Type)
	case "Name":
		if t.Name() == "ObjectMeta" {
			return b.name(t, f)
		}
	case "DeletionTimestamp", "TimeAdded":
		if f.Type.Kind() == reflect.Pointer {
			return func(h *Hasher, at unsafe.Pointer) { h.storedAt(*(**time.Time)(at), since) }
		}
	case "StartTime":
		if t.Name() == "PodStatus" {
			return func(h *Hasher, at unsafe.Pointer) {
				start := *(**time.Time)(at)
				if h.storedAt(start, stamp); start != nil {
					h.Rank(HashText("start"), start.Unix())
				}
			}
		}
	case "MinReadySeconds", "ActiveDeadlineSeconds", "ProgressDeadlineSeconds", "TTLSecondsAfterFinished":
		return b.span(f)
	}
	plan := b.plan(f.Type)
	switch {
	case f.Name == "Controller" && t.Name() == "OwnerReference":
		uid, _ := t.FieldByName("UID")
		back := f.Offset - uid.Offset
		return func(h *Hasher, at unsafe.Pointer) {
			if plan.hash(h, at); *(**bool)(at) != nil && **(**bool)(at) {
				h.owner = HashText(*(*string)(unsafe.Add(at, -int(back))))
			}
		}
	case f.Name == "ObjectMeta" && isOrdered(t.Name()):
		created, _ := f.Type.FieldByName("CreationTimestamp")
		group := HashText(t.Name())
		return func(h *Hasher, at unsafe.Pointer) {
			plan.hash(h, at)
			if c := (*time.Time)(unsafe.Add(at, created.Offset)); !c.IsZero() {
				h.Rank(group, c.Unix())
			}
		}
	}
	return func(h *Hasher, at unsafe.Pointer) { plan.hash(h, at) }
}

// isOrdered reports whether somebody asks which object of a kind is older.
func isOrdered(name string) bool {
	switch name {
	case "Pod", "ControllerRevision", "StorageClass", "IngressClass", "VolumeAttributesClass", "ReplicaSet", "Job":
		return true
	}
	return false
}

// name is the name of an object: if the server made it up, it is an identifier.
func (b hashBuilder) name(t reflect.Type, f reflect.StructField) func(*Hasher, unsafe.Pointer) {
	base, _ := t.FieldByName("GenerateName")
	ahead := base.Offset - f.Offset
	return func(h *Hasher, at unsafe.Pointer) {
		name, base := *(*string)(at), *(*string)(unsafe.Add(at, ahead))
		if base != "" && len(name) == len(base)+randomEnd && name[:len(base)] == base && looksGenerated("-"+name[len(base):]) {
			h.Number(HashText(base))
			h.ID(name)
			return
		}
		h.Text(name)
	}
}

// span is a field that says how long something takes.
func (b hashBuilder) span(f reflect.StructField) func(*Hasher, unsafe.Pointer) {
	pointer, wide := f.Type.Kind() == reflect.Pointer, f.Type.Kind() == reflect.Int64
	if pointer {
		wide = f.Type.Elem().Kind() == reflect.Int64
	}
	return func(h *Hasher, at unsafe.Pointer) {
		if pointer {
			if at = *(*unsafe.Pointer)(at); at == nil {
				h.Number(0)
				return
			}
			h.Number(1)
		}
		seconds := int64(0)
		if wide {
			seconds = *(*int64)(at)
		} else {
			seconds = int64(*(*int32)(at))
		}
		h.Number(uint64(seconds))
		if seconds > 0 {
			h.span = max(h.span, min(seconds, 1<<30)*1e9)
		}
	}
}

// observed takes in the generation that somebody has seen.
func (h *Hasher) observed(n int64) {
	if n != 0 {
		n -= h.generation + 1 // 0 stays "not observed"
	}
	h.Number(uint64(n))
}

// storedAt takes in a stored time that may not be set.
func (h *Hasher) storedAt(t *time.Time, kind opening) {
	if t == nil {
		h.Number(0)
		return
	}
	h.stored(t, kind)
}

func (h *Hasher) stored(t *time.Time, kind opening) {
	if t.IsZero() {
		h.Number(0)
		return
	}
	h.leave(kind, uint64(t.UnixNano()), 0)
}
