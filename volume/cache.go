package volume

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume/match"
)

// cache is the binder's own copy of volumes and claims: the newest state that a
// worker has looked at or that the binder itself has written. It is what
// decisions read, so that the binder never undoes what it has just done because
// a watch event is late (upstream's volumes and claims stores,
// storeObjectUpdate). It lags behind the watch by the work queues.
type cache struct {
	volumes match.Index
	claims  map[apiserver.Key]*corev1.PersistentVolumeClaim
	naming  map[string][]apiserver.Key `state:"elements"` // volume → claims with that spec.volumeName, sorted

	recyclable int // how many volumes are to be recycled
}

// setVolume stores a volume unless a newer state is there, and reports whether
// it did. The same state again counts as stored.
func (c *cache) setVolume(v *corev1.PersistentVolume) bool {
	switch old := c.volumes.Get(v.Name); {
	case old == nil:
	case versionOf(old) > versionOf(v):
		return false
	case isToRecycle(old):
		c.recyclable--
	}
	if isToRecycle(v) {
		c.recyclable++
	}
	c.volumes.Set(v)
	return true
}

func (c *cache) deleteVolume(v *corev1.PersistentVolume) {
	if isToRecycle(v) {
		c.recyclable--
	}
	c.volumes.Delete(v.Name)
}

func isToRecycle(v *corev1.PersistentVolume) bool {
	return v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRecycle
}

// setClaim does the same with a claim.
func (c *cache) setClaim(claim *corev1.PersistentVolumeClaim) bool {
	return c.replaceClaim(c.claims[apiserver.KeyOf(claim)], claim)
}

// replaceClaim is setClaim where it is known which claim is there, or nil.
func (c *cache) replaceClaim(old, claim *corev1.PersistentVolumeClaim) bool {
	key := apiserver.KeyOf(claim)
	if old != nil && versionOf(old) > versionOf(claim) {
		return false
	}
	if c.claims == nil {
		c.claims, c.naming = map[apiserver.Key]*corev1.PersistentVolumeClaim{}, map[string][]apiserver.Key{}
	}
	c.unname(old, claim.Spec.VolumeName)
	c.claims[key] = claim
	if name := claim.Spec.VolumeName; name != "" {
		keys := c.naming[name]
		if i, found := slices.BinarySearchFunc(keys, key, apiserver.Key.Compare); !found {
			c.naming[name] = slices.Insert(slices.Clone(keys), i, key) // forks share the old slice
		}
	}
	return true
}

func (c *cache) deleteClaim(claim *corev1.PersistentVolumeClaim) {
	c.unname(claim, "")
	delete(c.claims, apiserver.KeyOf(claim))
}

// unname forgets that a claim names its volume, unless that is to stay.
func (c *cache) unname(claim *corev1.PersistentVolumeClaim, stays string) {
	if claim == nil || claim.Spec.VolumeName == "" || claim.Spec.VolumeName == stays {
		return
	}
	key := apiserver.KeyOf(claim)
	keys := slices.DeleteFunc(slices.Clone(c.naming[claim.Spec.VolumeName]), func(k apiserver.Key) bool { return k == key })
	if len(keys) == 0 {
		delete(c.naming, claim.Spec.VolumeName)
	} else {
		c.naming[claim.Spec.VolumeName] = keys
	}
}

// claimOf returns the claim that a volume's claimRef names, whatever its UID,
// or nil.
func (c *cache) claimOf(v *corev1.PersistentVolume) *corev1.PersistentVolumeClaim {
	return c.claims[refKey(v)]
}

// refKey returns the key of the claim in a volume's claimRef, or the zero Key.
func refKey(v *corev1.PersistentVolume) apiserver.Key {
	if v.Spec.ClaimRef == nil {
		return apiserver.Key{}
	}
	return apiserver.Key{Namespace: v.Spec.ClaimRef.Namespace, Name: v.Spec.ClaimRef.Name}
}

// versionOf returns an object's resourceVersion; an object from the server
// always has one.
func versionOf(obj apiserver.Object) uint64 {
	n, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		panic("volume: " + apiserver.KeyOf(obj).String() + " without a resourceVersion: " + err.Error())
	}
	return n
}

func sortedKeys(set map[apiserver.Key]bool) []apiserver.Key {
	return slices.SortedFunc(maps.Keys(set), apiserver.Key.Compare)
}

func sortedNames[K cmp.Ordered, V any](set map[K]V) []K { return slices.Sorted(maps.Keys(set)) }
