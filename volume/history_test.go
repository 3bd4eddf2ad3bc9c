package volume_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume"
)

// step is one thing a user does, and how long nothing else is done after it.
type step struct {
	what string
	name string
	pick int
	rest time.Duration
}

var whats = []string{"volume", "volume", "claim", "claim", "named claim", "class claim", "delete volume", "delete claim", "unreserve", "reserve", "unname", "unphase", "pod", "delete pod", "force volume", "force claim"}

func genSteps(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			what: rapid.SampledFrom(whats).Draw(t, "what"),
			name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"),
			pick: rapid.IntRange(0, 3).Draw(t, "pick"),
			rest: rapid.SampledFrom([]time.Duration{0, 3 * time.Millisecond, time.Second, 7 * time.Second, 16 * time.Second}).Draw(t, "rest"),
		}
	}), 1, 25).Draw(t, "steps")
}

// do carries out a step; what cannot be done is passed over.
func (b *bench) do(s step) {
	do := func(verb apiserver.Verb, sub apiserver.Subresource, o apiserver.Object) {
		b.host.Do("user", apiserver.Request{Verb: verb, Subresource: sub, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
	}
	v, c := b.volume(s.name), b.claim(s.name)
	switch s.what {
	case "volume":
		policies := []corev1.PersistentVolumeReclaimPolicy{corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimRecycle, corev1.PersistentVolumeReclaimDelete}
		do(apiserver.Create, apiserver.None, nfs(s.name, policy(policies[s.pick])))
	case "claim":
		do(apiserver.Create, apiserver.None, pvc(s.name))
	case "named claim":
		do(apiserver.Create, apiserver.None, pvc(s.name, naming(string(rune('a'+s.pick)))))
	case "class claim":
		do(apiserver.Create, apiserver.None, pvc(s.name, ofClass([]string{"fast", "wait", "missing", "fast"}[s.pick])))
	case "delete volume":
		do(apiserver.Delete, apiserver.None, nfs(s.name))
	case "delete claim":
		do(apiserver.Delete, apiserver.None, pvc(s.name))
	case "pod":
		do(apiserver.Create, apiserver.None, pod(s.name, "", s.name))
	case "delete pod":
		do(apiserver.Delete, apiserver.None, pod(s.name, ""))
	}
	if v != nil {
		v = v.DeepCopy()
		switch s.what {
		case "unreserve":
			v.Spec.ClaimRef = nil
			do(apiserver.Update, apiserver.None, v)
		case "reserve":
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: string(rune('a' + s.pick))}
			do(apiserver.Update, apiserver.None, v)
		case "unphase":
			v.Status.Phase = []corev1.PersistentVolumePhase{corev1.VolumePending, corev1.VolumeReleased, corev1.VolumeFailed, corev1.VolumeBound}[s.pick]
			do(apiserver.Update, apiserver.Status, v)
		case "force volume":
			v.Finalizers = nil
			do(apiserver.Update, apiserver.None, v)
			do(apiserver.Delete, apiserver.None, v)
		}
	}
	if c != nil && s.what == "force claim" {
		c = c.DeepCopy()
		c.Finalizers = nil
		do(apiserver.Update, apiserver.None, c)
		do(apiserver.Delete, apiserver.None, c)
	}
}

// history runs the steps and returns the writes, in order.
func history(t testing.TB, binder controller.Actor, latency controller.Latency, seed uint64, steps []step) (*bench, []string) {
	b := newBench(t, latency, seed, binder, volume.NewClaimProtection(), volume.NewVolumeProtection())
	b.create(class("fast", "example.com/disk", storagev1.VolumeBindingImmediate), class("wait", "example.com/disk", storagev1.VolumeBindingWaitForFirstConsumer))
	var lines []string
	b.run(time.Second)
	for _, s := range steps {
		b.do(s)
		b.run(s.rest)
		lines = append(lines, fmt.Sprintf("-- %s %s %d", s.what, s.name, s.pick))
		lines = append(lines, b.writes()...)
	}
	b.run(40 * time.Second)
	return b, append(lines, b.writes()...)
}

// TestV1TheRestlessAreWhomAFullResyncWouldMove: a binder that visits everything
// every 15 s writes the same history.
func TestV1TheRestlessAreWhomAFullResyncWouldMove(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps, provision := genSteps(rt), rapid.Bool().Draw(rt, "provision")
		cfg := volume.Config{Provision: provision}
		_, want := history(t, &volume.Naive{Binder: volume.NewBinder(cfg)}, controller.Latency{}, 5, steps)
		_, got := history(t, volume.NewBinder(cfg), controller.Latency{}, 5, steps)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("full resync (-) and ours (+):\n%s", d)
		}
	})
}

// TestHistoriesEndConsistent: whatever users do, after a while every bound claim
// and its volume agree, no volume has two claims, and what a seed shows once it
// shows again, byte for byte, on a fork too.
func TestHistoriesEndConsistent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps, seed := genSteps(rt), rapid.Uint64().Draw(rt, "seed")
		b, first := history(t, volume.NewBinder(volume.Config{Provision: true}), controller.Realistic(), seed, steps)
		_, again := history(t, volume.NewBinder(volume.Config{Provision: true}), controller.Realistic(), seed, steps)
		if d := cmp.Diff(first, again); d != "" {
			rt.Fatalf("two runs of seed %d:\n%s", seed, d)
		}
		owner := map[string]string{}
		for _, o := range b.host.Server().List(apiserver.PersistentVolumeClaim, "") {
			c := o.(*corev1.PersistentVolumeClaim)
			if c.Status.Phase != corev1.ClaimBound {
				continue
			}
			v := b.volume(c.Spec.VolumeName)
			require.NotNil(rt, v, "claim %s", c.Name)
			require.Equal(rt, c.UID, v.Spec.ClaimRef.UID)
			require.Equal(rt, corev1.VolumeBound, v.Status.Phase, "volume %s", v.Name)
			require.Empty(rt, owner[v.Name], "volume %s has two claims", v.Name)
			owner[v.Name] = c.Name
		}
		for _, o := range b.host.Server().List(apiserver.PersistentVolume, "") {
			if v := o.(*corev1.PersistentVolume); v.Status.Phase == corev1.VolumeBound && owner[v.Name] == "" {
				rt.Fatalf("volume %s is Bound to nobody", v.Name)
			}
		}
	})
}

// TestForksAreIndependent: at any moment a cluster can be forked; the fork goes on
// as the original would have done, and the original is not moved by it.
func TestForksAreIndependent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps, seed := genSteps(rt), rapid.Uint64().Draw(rt, "seed")
		cut := rapid.IntRange(0, len(steps)).Draw(rt, "cut")
		events := rapid.IntRange(0, 20).Draw(rt, "events")
		half := func() *bench {
			b, _ := history(t, volume.NewBinder(volume.Config{Provision: true}), controller.Realistic(), seed, steps[:cut])
			for _, s := range steps[cut:] {
				b.do(s)
			}
			for range events {
				b.host.Step()
			}
			return b
		}
		b := half()
		fork := &bench{t: t, host: b.host.Fork()}
		fork.run(time.Minute)
		moved := fork.writes()
		if events > 0 {
			// Requests under way share their objects with the fork, and the
			// server writes to them: the original may not go on.
			b = half()
		}
		b.run(time.Minute)
		if d := cmp.Diff(b.writes(), moved); d != "" {
			rt.Fatalf("original (-) and fork (+):\n%s", d)
		}
		require.Equal(rt, b.waiting(), fork.waiting())
	})
}
