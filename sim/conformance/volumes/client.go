package volumes

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

// client is a controller's way to the server: a fake clientset whose requests
// about volumes and claims take a while. They wait outside of the fake, which
// holds a lock while it answers: a bubble's clock stands still as long as
// somebody waits for a lock. Events, and the lists of pods that claim protection
// asks for, take no time.
type client struct {
	kubernetes.Interface
	slow
}

// slow lets a span pass before each request.
type slow struct {
	w    *world
	by   string
	life int
}

// pass lets the span pass. A request that was on its way when its process ended
// still arrives.
func (s slow) pass(verb, kind, name string) {
	s.w.mu.Lock()
	span, sent := s.w.span(requestLag, s.by, verb, kind, name), s.life == s.w.life
	s.w.mu.Unlock()
	time.Sleep(span)
	if sent {
		s.w.mu.Lock()
		s.w.arrived[s.life]++
		s.w.mu.Unlock()
	}
}

// CoreV1 is the group of volumes and claims.
func (c client) CoreV1() typed.CoreV1Interface { return coreClient{c.Interface.CoreV1(), c.slow} }

type coreClient struct {
	typed.CoreV1Interface
	slow
}

// PersistentVolumes returns the slow interface.
func (c coreClient) PersistentVolumes() typed.PersistentVolumeInterface {
	return volumeClient{c.CoreV1Interface.PersistentVolumes(), c.slow}
}

// PersistentVolumeClaims returns the slow interface.
func (c coreClient) PersistentVolumeClaims(namespace string) typed.PersistentVolumeClaimInterface {
	return claimClient{c.CoreV1Interface.PersistentVolumeClaims(namespace), c.slow}
}

type volumeClient struct {
	typed.PersistentVolumeInterface
	slow
}

func (c volumeClient) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.PersistentVolume, error) {
	c.pass("get", "volume", name)
	return c.PersistentVolumeInterface.Get(ctx, name, o)
}

func (c volumeClient) Update(ctx context.Context, v *corev1.PersistentVolume, o metav1.UpdateOptions) (*corev1.PersistentVolume, error) {
	c.pass("update", "volume", v.Name)
	return c.PersistentVolumeInterface.Update(ctx, v, o)
}

func (c volumeClient) UpdateStatus(ctx context.Context, v *corev1.PersistentVolume, o metav1.UpdateOptions) (*corev1.PersistentVolume, error) {
	c.pass("update status", "volume", v.Name)
	return c.PersistentVolumeInterface.UpdateStatus(ctx, v, o)
}

type claimClient struct {
	typed.PersistentVolumeClaimInterface
	slow
}

func (c claimClient) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.PersistentVolumeClaim, error) {
	c.pass("get", "claim", name)
	return c.PersistentVolumeClaimInterface.Get(ctx, name, o)
}

func (c claimClient) Update(ctx context.Context, v *corev1.PersistentVolumeClaim, o metav1.UpdateOptions) (*corev1.PersistentVolumeClaim, error) {
	c.pass("update", "claim", v.Name)
	return c.PersistentVolumeClaimInterface.Update(ctx, v, o)
}

func (c claimClient) UpdateStatus(ctx context.Context, v *corev1.PersistentVolumeClaim, o metav1.UpdateOptions) (*corev1.PersistentVolumeClaim, error) {
	c.pass("update status", "claim", v.Name)
	return c.PersistentVolumeClaimInterface.UpdateStatus(ctx, v, o)
}
