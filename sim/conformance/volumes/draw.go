package volumes

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const defaultClass = "storageclass.kubernetes.io/is-default-class"

var (
	volumeNames = []string{"v0", "v1", "v2"}
	claimNames  = []string{"c0", "c1"}
)

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawScript draws a short history of a few volumes and claims.
func drawScript(t *rapid.T) script {
	var s script
	for _, name := range []string{"fast", "late"} {
		mode := pick(t, "mode", storagev1.VolumeBindingImmediate, storagev1.VolumeBindingWaitForFirstConsumer)
		c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, VolumeBindingMode: &mode,
			Provisioner: pick(t, "provisioner", "kubernetes.io/no-provisioner", "example.com/x")}
		if name == "fast" && rapid.Bool().Draw(t, "default") {
			c.Annotations = map[string]string{defaultClass: "true"}
		}
		s.classes = append(s.classes, c)
	}
	if rapid.Bool().Draw(t, "both") { // something to bind
		v, c := drawVolume(t, volumeNames[0]), drawClaim(t, claimNames[0])
		c.Spec.AccessModes, c.Spec.Selector, c.Spec.StorageClassName = v.Spec.AccessModes, nil, &v.Spec.StorageClassName
		s.steps = append(s.steps, creation(v), creation(c))
	}
	for range rapid.IntRange(2, 10).Draw(t, "steps") {
		s.steps = append(s.steps, drawStep(t))
	}
	s.steps[len(s.steps)-1].pause = 40 * time.Second
	return s
}

func creation(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), key: apiserver.KeyOf(o), pause: 2 * time.Second}
}

func drawStep(t *rapid.T) step {
	st := step{pause: pick(t, "pause", 2*time.Second, 2*time.Second, 2*time.Second, 17*time.Second)}
	volume, claim := pick(t, "volume", volumeNames...), pick(t, "claim", claimNames...)
	switch pick(t, "on", "volume", "volume", "claim", "claim", "edit", "edit", "end", "pod") {
	case "volume":
		st.verb, st.object = "create", drawVolume(t, volume)
	case "claim":
		st.verb, st.object = "create", drawClaim(t, claim)
	case "pod":
		st.verb, st.object = "create", drawPod(t, claim)
		if rapid.Bool().Draw(t, "done") {
			st.verb = pick(t, "end", "delete", "succeed")
		}
	case "end":
		st.verb, st.kind, st.key = "delete", apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: claim}
		if rapid.Bool().Draw(t, "volume goes") {
			st.kind, st.key = apiserver.PersistentVolume, apiserver.Key{Name: volume}
		}
		return st
	case "edit":
		st.kind, st.key = apiserver.PersistentVolume, apiserver.Key{Name: volume}
		switch st.verb = pick(t, "edit", "free", "reserve", "forget-uid", "policy", "label", "unprotect", "select-node", "name-volume", "unmark"); st.verb {
		case "reserve":
			st.value = claim
		case "policy":
			st.value = pick(t, "policy", "Retain", "Delete", "Recycle")
		case "label":
			st.value = pick(t, "tier", "gold", "tin")
		case "select-node", "name-volume", "unmark":
			st.kind, st.key = apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: claim}
			st.value = map[string]string{"select-node": "n1", "name-volume": volume}[st.verb]
		}
		return st
	}
	st.kind, st.key = apiserver.KindOf(st.object), apiserver.KeyOf(st.object)
	if st.verb != "create" {
		st.object = nil
	}
	return st
}

func drawModes(t *rapid.T) []corev1.PersistentVolumeAccessMode {
	return pick(t, "access", []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany},
		[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany})
}

func drawVolume(t *rapid.T, name string) *corev1.PersistentVolume {
	mode := pick(t, "volume mode", corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeBlock)
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(t, "capacity", "1Gi", "2Gi", "5Gi"))},
			AccessModes:                   drawModes(t),
			VolumeMode:                    &mode,
			StorageClassName:              pick(t, "class", "", "", "fast", "late"),
			PersistentVolumeReclaimPolicy: pick(t, "policy", corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRecycle),
			PersistentVolumeSource:        corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "10.0.1.61", Path: "/data/" + name}},
		},
	}
	if rapid.Bool().Draw(t, "labelled") {
		v.Labels = map[string]string{"tier": "gold"}
	}
	switch pick(t, "reserved", "", "", "", "name", "uid") {
	case "name":
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: pick(t, "for", claimNames...)}
	case "uid":
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: pick(t, "for", claimNames...), UID: "somebody-else"}
	}
	return v
}

func drawClaim(t *rapid.T, name string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: drawModes(t)[:1],
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(t, "request", "1Gi", "1Gi", "2Gi"))}},
		},
	}
	if class := pick(t, "class", "none", "", "fast", "late", "absent"); class != "none" {
		c.Spec.StorageClassName = &class
	}
	if pick(t, "block", false, false, false, true) {
		mode := corev1.PersistentVolumeBlock
		c.Spec.VolumeMode = &mode
	}
	if pick(t, "selects", false, false, false, true) {
		c.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}
	}
	if pick(t, "names", false, false, false, true) {
		c.Spec.VolumeName = pick(t, "volume", volumeNames...)
	}
	if pick(t, "node", false, false, true) {
		c.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "n1"}
	}
	return c
}

func drawPod(t *rapid.T, claim string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p-" + claim},
		Spec: corev1.PodSpec{
			NodeName:   pick(t, "node name", "n1", ""),
			Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}},
			Volumes: []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}},
		},
	}
}
