package apiserver

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	finalizerPVC = "kubernetes.io/pvc-protection"
	finalizerPV  = "kubernetes.io/pv-protection"
)

// admitCreate runs the admission plugins that change or refuse new objects:
// Priority, DefaultTolerationSeconds, DefaultStorageClass and
// StorageObjectInUseProtection.
func (s *Server) admitCreate(kind Kind, obj Object) error {
	switch o := obj.(type) {
	case *corev1.Pod:
		if err := s.admitPriority(o); err != nil {
			return err
		}
		o.Spec.Tolerations = withEvictionTolerations(o.Spec.Tolerations)
	case *corev1.PersistentVolumeClaim:
		if o.Spec.StorageClassName == nil { // V6
			o.Spec.StorageClassName = s.defaultClass()
		}
		addFinalizer(o, finalizerPVC) // V15
	case *corev1.PersistentVolume:
		now := Stamp(s.now)
		o.Status.LastPhaseTransitionTime = &now
		addFinalizer(o, finalizerPV) // V15
	}
	return nil
}

func addFinalizer(obj Object, name string) {
	if fs := obj.GetFinalizers(); !slices.Contains(fs, name) {
		obj.SetFinalizers(append(slices.Clone(fs), name))
	}
}

// admitPriority resolves the pod's priority class (plugin Priority).
func (s *Server) admitPriority(pod *corev1.Pod) error {
	var class *schedulingv1.PriorityClass
	if name := pod.Spec.PriorityClassName; name != "" {
		class, _ = s.Get(PriorityClass, Key{Name: name}).(*schedulingv1.PriorityClass)
		if class == nil {
			return apierrors.NewForbidden(Pod.GroupResource(), pod.Name, fmt.Errorf("no PriorityClass with name %v was found", name))
		}
	} else {
		class = s.defaultPriority()
	}
	var priority int32
	policy := corev1.PreemptLowerPriority
	if class != nil {
		pod.Spec.PriorityClassName = class.Name
		priority = class.Value
		if class.PreemptionPolicy != nil {
			policy = *class.PreemptionPolicy
		}
	}
	if p := pod.Spec.Priority; p != nil && *p != priority {
		return apierrors.NewForbidden(Pod.GroupResource(), pod.Name,
			fmt.Errorf("the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name", *p, priority))
	}
	if p := pod.Spec.PreemptionPolicy; p != nil && *p != policy {
		return apierrors.NewForbidden(Pod.GroupResource(), pod.Name,
			fmt.Errorf("the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name", *p, policy))
	}
	pod.Spec.Priority, pod.Spec.PreemptionPolicy = &priority, &policy
	return nil
}

// defaultPriority returns the global default class with the lowest value.
func (s *Server) defaultPriority() *schedulingv1.PriorityClass {
	if s.Count(PriorityClass) == 0 {
		return nil
	}
	var best *schedulingv1.PriorityClass
	for _, obj := range s.List(PriorityClass, "") {
		if c := obj.(*schedulingv1.PriorityClass); c.GlobalDefault && (best == nil || c.Value < best.Value) {
			best = c
		}
	}
	return best
}

// withEvictionTolerations adds the 300 s tolerations of N4, unless the pod
// tolerates the taint already.
func withEvictionTolerations(ts []corev1.Toleration) []corev1.Toleration {
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerated := slices.ContainsFunc(ts, func(t corev1.Toleration) bool {
			return (t.Key == key || t.Key == "") &&
				(t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		})
		if !tolerated {
			seconds := int64(300)
			ts = append(slices.Clip(ts), corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
		}
	}
	return ts
}

const annotationDefaultClass = "storageclass.kubernetes.io/is-default-class"

// defaultClass returns the name of the default StorageClass, or nil: the newest
// one wins, then the first by name (V6).
func (s *Server) defaultClass() *string {
	if s.Count(StorageClass) == 0 {
		return nil
	}
	var best *storagev1.StorageClass
	for _, obj := range s.List(StorageClass, "") {
		c := obj.(*storagev1.StorageClass)
		if c.Annotations[annotationDefaultClass] != "true" && c.Annotations["storageclass.beta.kubernetes.io/is-default-class"] != "true" {
			continue
		}
		if best == nil || c.CreationTimestamp.After(best.CreationTimestamp.Time) {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	return &best.Name
}

// admitUpdate refuses what only the state of other objects forbids: growing a
// claim whose class does not allow it (V16).
func (s *Server) admitUpdate(obj, old Object) error {
	claim, ok := obj.(*corev1.PersistentVolumeClaim)
	if !ok {
		return nil
	}
	was := old.(*corev1.PersistentVolumeClaim)
	size, before := claim.Spec.Resources.Requests[corev1.ResourceStorage], was.Spec.Resources.Requests[corev1.ResourceStorage]
	if size.Cmp(before) <= 0 {
		return nil
	}
	forbid := func(why string) error {
		return apierrors.NewForbidden(PersistentVolumeClaim.GroupResource(), claim.Name, fmt.Errorf("%s", why))
	}
	if was.Status.Phase != corev1.ClaimBound {
		return forbid("Only bound persistent volume claims can be expanded")
	}
	name := ""
	if claim.Spec.StorageClassName != nil {
		name = *claim.Spec.StorageClassName
	}
	class, _ := s.Get(StorageClass, Key{Name: strings.TrimSpace(name)}).(*storagev1.StorageClass)
	if class == nil || class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion {
		return forbid("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
	}
	return nil
}
