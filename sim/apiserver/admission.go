package apiserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	finalizerPVC = "kubernetes.io/pvc-protection"
	finalizerPV  = "kubernetes.io/pv-protection"
)

// admitCreate runs the admission plugins that change new objects or refuse them
// before they are validated, in their order (see pluginNames).
func (s *Server) admitCreate(kind Kind, obj Object) error {
	if err := s.admitNamespace(kind, obj); err != nil {
		return err
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		return s.admitPod(o)
	case *corev1.PersistentVolumeClaim:
		// V6
		if _, named := o.Annotations[corev1.BetaStorageClassAnnotation]; s.asks(defaultStorageClass) && o.Spec.StorageClassName == nil && !named {
			o.Spec.StorageClassName = s.defaultClass()
		}
		if s.asks(storageObjectInUseProtection) {
			addFinalizer(o, finalizerPVC) // V15
		}
	case *corev1.PersistentVolume:
		if s.asks(storageObjectInUseProtection) {
			addFinalizer(o, finalizerPV) // V15
		}
	case *corev1.Node:
		if s.asks(taintNodesByCondition) {
			o.Spec.Taints = withNotReady(o.Spec.Taints)
		}
	case *networkingv1.Ingress:
		if s.asks(defaultIngressClass) {
			s.setIngressClass(o)
		}
	}
	return nil
}

// withNotReady returns the taints of a new node, which is not ready before its
// kubelet says so (N3, addNotReadyTaint). The node lifecycle controller takes the
// taint away.
func withNotReady(taints []corev1.Taint) []corev1.Taint {
	unready := corev1.Taint{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}
	if slices.ContainsFunc(taints, func(t corev1.Taint) bool { return t.MatchTaint(&unready) }) {
		return taints
	}
	return append(slices.Clone(taints), unready)
}

// asks reports whether a plugin is asked.
func (s *Server) asks(p plugin) bool { return !s.off.has(p) }

// admitPod is admitCreate for pods.
func (s *Server) admitPod(pod *corev1.Pod) error {
	s.defaultLimits(pod)
	if s.asks(serviceAccount) {
		if err := s.admitAccount(pod); err != nil {
			return err
		}
	}
	if s.asks(priority) {
		if err := s.admitPriority(pod); err != nil {
			return err
		}
	}
	if s.asks(defaultTolerationSeconds) {
		pod.Spec.Tolerations = withEvictionTolerations(pod.Spec.Tolerations)
	}
	if s.asks(runtimeClass) {
		if err := s.admitRuntime(pod); err != nil {
			return err
		}
	}
	if pod.Spec.NodeName != "" && s.asks(podTopologyLabels) {
		pod.Labels = s.withTopology(pod.Labels, pod.Spec.NodeName)
	}
	return nil
}

// admitChange is what those plugins do to the successor of an object, before
// its version is looked at.
func (s *Server) admitChange(obj, old Object) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return
	}
	was := old.(*corev1.Pod)
	if s.asks(priority) {
		if pod.Spec.Priority == nil {
			pod.Spec.Priority = was.Spec.Priority
		}
		if pod.Spec.PreemptionPolicy == nil {
			pod.Spec.PreemptionPolicy = was.Spec.PreemptionPolicy
		}
	}
	if s.asks(defaultTolerationSeconds) {
		pod.Spec.Tolerations = withEvictionTolerations(pod.Spec.Tolerations)
	}
}

// withTopology returns a pod's labels with those of its node that say where it
// is (PodTopologyLabels).
func (s *Server) withTopology(labels map[string]string, name string) map[string]string {
	node, _ := s.Get(Node, Key{Name: name}).(*corev1.Node)
	if node == nil {
		return labels
	}
	copied := false
	for _, label := range []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion} {
		v, ok := node.Labels[label]
		switch {
		case !ok:
			continue
		case labels == nil:
			labels = map[string]string{}
		case !copied:
			labels = maps.Clone(labels)
		}
		copied = true
		labels[label] = v
	}
	return labels
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
			return apierrors.NewForbidden(Pod.GroupResource(), nameOrUnknown(pod), fmt.Errorf("no PriorityClass with name %v was found", name))
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
		return apierrors.NewForbidden(Pod.GroupResource(), nameOrUnknown(pod),
			fmt.Errorf("the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name", *p, priority))
	}
	if p := pod.Spec.PreemptionPolicy; p != nil && *p != policy {
		return apierrors.NewForbidden(Pod.GroupResource(), nameOrUnknown(pod),
			fmt.Errorf("the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name", *p, policy))
	}
	pod.Spec.Priority, pod.Spec.PreemptionPolicy = &priority, &policy
	return nil
}

// defaultPriority returns the global default class with the lowest value, of
// several the first by name.
func (s *Server) defaultPriority() *schedulingv1.PriorityClass {
	var best *schedulingv1.PriorityClass
	s.kept(PriorityClass).each(func(rec *Record) { // a minimum
		c := rec.Object.(*schedulingv1.PriorityClass)
		if c.GlobalDefault && (best == nil || cmp.Or(cmp.Compare(c.Value, best.Value), cmp.Compare(c.Name, best.Name)) < 0) {
			best = c
		}
	})
	return best
}

// withEvictionTolerations adds the 300 s tolerations of N4, unless the pod
// tolerates the taint already.
func withEvictionTolerations(ts []corev1.Toleration) []corev1.Toleration {
	ts = slices.Clip(ts) // the sender's
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerated := slices.ContainsFunc(ts, func(t corev1.Toleration) bool {
			return (t.Key == key || t.Key == "") &&
				(t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		})
		if !tolerated {
			seconds := int64(300)
			ts = append(ts, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
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

// admitValid asks the plugins that look at an object when it is valid, in their
// order: they refuse what the state of other objects forbids, and warn. old is nil
// for a creation; scaled tells the scale of a set from the set.
func (s *Server) admitValid(kind Kind, obj, old Object, scaled bool) (warnings []string, err error) {
	if warnings, err = s.admitByOthers(obj, old, scaled); err == nil {
		err = s.charge(kind, obj, old, false)
	}
	return warnings, err
}

// admitByOthers is admitValid but for the last of the plugins.
func (s *Server) admitByOthers(obj, old Object, scaled bool) (warnings []string, err error) {
	switch obj.(type) {
	case *corev1.Pod, *corev1.PersistentVolumeClaim:
		if err := s.admitLimits(obj, old); err != nil {
			return nil, err
		}
	}
	if s.asks(podSecurity) {
		if warnings, err = s.admitSecurity(obj, old, scaled); err != nil {
			return nil, err
		}
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		if old == nil {
			return warnings, s.checkOverhead(o)
		}
	case *corev1.PersistentVolumeClaim:
		if old != nil && s.asks(persistentVolumeClaimResize) {
			return nil, s.admitExpansion(o, old.(*corev1.PersistentVolumeClaim))
		}
	case *schedulingv1.PriorityClass:
		best := s.defaultPriority()
		if s.asks(priority) && o.GlobalDefault && best != nil && (old == nil || best.Name != o.Name) {
			return nil, apierrors.NewForbidden(PriorityClass.GroupResource(), o.Name,
				fmt.Errorf("PriorityClass %v is already marked as default. Only one default can exist", best.Name))
		}
	case *certificatesv1.CertificateSigningRequest:
		if old == nil && s.asks(certificateSubjectRestriction) {
			return nil, admitSubject(o)
		}
	}
	return warnings, nil
}

// admitExpansion is the plugin PersistentVolumeClaimResize.
func (s *Server) admitExpansion(claim, was *corev1.PersistentVolumeClaim) error {
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
	name := classOf(claim)
	class, _ := s.Get(StorageClass, Key{Name: name}).(*storagev1.StorageClass)
	if name == "" || name != classOf(was) || class == nil || class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion {
		return forbid("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
	}
	return nil
}

// classOf returns the class of a claim, by annotation or field
// (GetPersistentVolumeClaimClass).
func classOf(claim *corev1.PersistentVolumeClaim) string {
	if name, ok := claim.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return name
	}
	if claim.Spec.StorageClassName != nil {
		return *claim.Spec.StorageClassName
	}
	return ""
}
