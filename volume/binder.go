package volume

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Config configures a Binder. The zero Config is what a cluster has that knows
// no external provisioner.
type Config struct {
	// Provision has volumes made on demand for the claims of any class with an
	// external provisioner, and deleted when they are released: the binder acts
	// as the provisioner too (V14). Without it such claims wait. A class that
	// does not exist, or none where no class is the default, is as one with
	// immediate binding; only the class "" gets nothing on demand.
	Provision bool
	// Provisioning is how long it takes to make a volume; the zero Range is no
	// time.
	Provisioning controller.Range
	// Recycling is how long it takes to scrub a volume; the zero Range is no
	// time.
	Recycling controller.Range
}

// Binder is the controller that binds claims to volumes (upstream's
// PersistentVolumeController). Use NewBinder.
type Binder struct {
	config Config

	volumes    controller.Workers[string, volumeMemo]
	claims     controller.Workers[apiserver.Key, claimMemo]
	operations controller.Workers[operation, operationMemo]
	running    map[operation]bool
	pauses     map[operation]pause

	cache    cache
	roster   roster
	defaults map[string]bool         // names of the default storage classes
	absent   *storagev1.StorageClass // the last that stood in for one that does not exist; never changed
	made     map[string]string       `state:"immutable"` // of madeBy; never changed
	resync   resync
	hands    hands
	queued   queued
	began    [2]opening

	unjudged bool // there may be a volume that is restless and is not known to be
}

// hands is what the two workers are holding.
type hands struct {
	claim   apiserver.Key
	binding string // the volume that the claim is being bound to
	volume  string
}

// queued is what waits for the two workers: each is judged when its sync ends.
type queued struct {
	claims  map[apiserver.Key]bool
	volumes map[string]bool
}

// opening is when the first records of a kind came.
type opening struct {
	at   engine.Time `state:"phase"`
	seen bool
}

// The names of the controllers as they appear in Events and in the watch log.
const (
	BinderName           = "persistentvolume-controller"
	ClaimProtectionName  = "pvc-protection-controller"
	VolumeProtectionName = "pv-protection-controller"
	ExpanderName         = "volume_expand"
	ResizerName          = "external-resizer"
)

const (
	volumeQueue    = 1
	claimQueue     = 2
	operationQueue = 3
	wakeTick       = 0 // belongs to no queue

	// operationCount bounds the operations under way at a time. Upstream has a
	// goroutine for each.
	operationCount = 32
)

var _ controller.Actor = (*Binder)(nil)

// NewBinder returns a binder that has seen nothing yet.
func NewBinder(cfg Config) *Binder {
	b := &Binder{
		config:   cfg,
		running:  map[operation]bool{},
		pauses:   map[operation]pause{},
		defaults: map[string]bool{},
		queued:   queued{claims: map[apiserver.Key]bool{}, volumes: map[string]bool{}},
		resync:   resync{claims: map[apiserver.Key]bool{}, volumes: map[string]bool{}},
	}
	b.volumes.ID, b.volumes.Count = volumeQueue, 1 // V1
	b.claims.ID, b.claims.Count = claimQueue, 1
	b.operations.ID, b.operations.Count = operationQueue, operationCount
	return b
}

// Name implements controller.Actor.
func (*Binder) Name() string { return BinderName }

// Watches implements controller.Actor. Volumes come before claims, so that a
// binder that is started again knows them when it tries its first claim.
func (*Binder) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.StorageClass, apiserver.Pod, apiserver.PersistentVolume, apiserver.PersistentVolumeClaim}
}

// Heeds implements controller.Selective: of pods it needs to know which there
// are.
func (b *Binder) Heeds(rec *apiserver.Record) bool {
	return rec.Kind != apiserver.Pod || rec.Type != watch.Modified
}

// Observe implements controller.Actor. A new volume queues itself and no claim
// (V1).
func (b *Binder) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *corev1.PersistentVolume:
		if b.isOpening(env, 0, rec) {
			b.cache.setVolume(obj)
		}
		if b.isSettledVolume(rec, obj) {
			b.arm(env)
		} else {
			b.queueVolume(env, obj.Name)
		}
	case *corev1.PersistentVolumeClaim:
		if b.isOpening(env, 1, rec) {
			b.cache.setClaim(obj)
			b.unjudged = b.unjudged || len(b.cache.volumes.Reserved(obj.Namespace, obj.Name)) > 0
		}
		if b.isSettledClaim(rec, obj) {
			b.arm(env)
		} else {
			b.queueClaim(env, rec.Key)
		}
	case *storagev1.StorageClass:
		if rec.Type != watch.Deleted && isDefault(obj) {
			b.defaults[obj.Name] = true
		} else {
			delete(b.defaults, obj.Name)
		}
	case *corev1.Pod:
		if rec.Type == watch.Deleted {
			b.roster.remove(obj)
		} else {
			b.roster.add(obj)
		}
		b.judgeUsed(obj)
		b.arm(env)
	}
}

// isOpening reports whether a record is among the first of its kind: those go
// to the cache before any worker runs (initializeCaches).
func (b *Binder) isOpening(env *controller.Env, kind int, rec *apiserver.Record) bool {
	o := &b.began[kind]
	if !o.seen {
		*o = opening{env.Now(), true}
	}
	return rec.Type == watch.Added && env.Now() == o.at
}

func isDefault(class *storagev1.StorageClass) bool {
	return class.Annotations[defaultClass] == "true" || class.Annotations[betaDefaultClass] == "true"
}

// Respond implements controller.Actor.
func (b *Binder) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	switch {
	case b.volumes.Owns(token):
		b.volumes.Respond(env, volumeMachine{b, env}, token, res)
	case b.claims.Owns(token):
		b.claims.Respond(env, claimMachine{b, env}, token, res)
	default:
		b.operations.Respond(env, operationMachine{b, env}, token, res)
	}
	b.arm(env)
}

// Wake implements controller.Actor.
func (b *Binder) Wake(env *controller.Env, arg uint64) {
	switch {
	case arg == wakeTick:
		b.tick(env)
	case b.volumes.Owns(arg):
		b.volumes.Wake(env, volumeMachine{b, env}, arg)
	case b.claims.Owns(arg):
		b.claims.Wake(env, claimMachine{b, env}, arg)
	default:
		b.operations.Wake(env, operationMachine{b, env}, arg)
	}
	b.arm(env)
}

// storeVolume takes a volume over into the cache and judges whom that concerns.
func (b *Binder) storeVolume(v *corev1.PersistentVolume) bool {
	switch old := b.cache.volumes.Get(v.Name); {
	case old == v:
		return true
	case !b.cache.setVolume(v):
		return false
	}
	b.judgeVolume(v.Name)
	b.judgeNaming(v.Name)
	return true
}

// judgeNaming judges the claims that name a volume: theirs is the rest that
// depends on it. A claim that the volume is reserved for and that does not name
// it is restless anyway, or bound elsewhere.
func (b *Binder) judgeNaming(volume string) {
	for _, key := range b.cache.naming[volume] {
		b.judgeClaim(key)
	}
}

// storeClaim does the same with a claim.
func (b *Binder) storeClaim(claim *corev1.PersistentVolumeClaim) bool {
	key := apiserver.KeyOf(claim)
	switch old := b.cache.claims[key]; {
	case old == claim:
		return true
	case !b.cache.replaceClaim(old, claim):
		return false
	}
	b.judgeClaim(key)
	b.judgeReserved(claim)
	return true
}

// judgeUsed judges the volumes of a pod's claims: a volume that cannot be
// recycled is at rest only without pods. The others are looked at only if there
// may be one that was not judged when it should have been.
func (b *Binder) judgeUsed(pod *corev1.Pod) {
	if b.cache.recyclable == 0 && !b.unjudged {
		return
	}
	for claim := range claimsOf(pod) {
		for _, name := range b.cache.volumes.Reserved(claim.Namespace, claim.Name) {
			b.judgeVolume(name)
		}
	}
}

// judgeReserved judges the volumes whose claimRef names a claim: the others do
// not look at it.
func (b *Binder) judgeReserved(claim *corev1.PersistentVolumeClaim) {
	for _, name := range b.cache.volumes.Reserved(claim.Namespace, claim.Name) {
		b.judgeVolume(name)
	}
}

// forgetVolume handles the end of a volume (deleteVolume).
func (b *Binder) forgetVolume(name string) turn {
	v := b.cache.volumes.Get(name)
	if v == nil {
		return rest()
	}
	b.cache.deleteVolume(v)
	delete(b.pauses, operation{deleting, apiserver.Key{Name: name}, v.UID})
	delete(b.pauses, operation{recycling, apiserver.Key{Name: name}, v.UID})
	b.judgeVolume(name)
	b.judgeNaming(name)
	if v.Spec.ClaimRef == nil {
		return rest()
	}
	return turn{claims: []apiserver.Key{refKey(v)}} // its claim is Lost at once (V12)
}

// forgetClaim handles the end of a claim (deleteClaim).
func (b *Binder) forgetClaim(key apiserver.Key) turn {
	claim := b.cache.claims[key]
	if claim == nil {
		return rest()
	}
	b.cache.deleteClaim(claim)
	delete(b.pauses, operation{provisioning, key, claim.UID})
	delete(b.pauses, operation{creating, key, claim.UID})
	b.judgeClaim(key)
	b.judgeReserved(claim)
	if claim.Spec.VolumeName == "" {
		return rest()
	}
	return turn{volumes: []string{claim.Spec.VolumeName}} // its volume is Released at once (V9)
}
