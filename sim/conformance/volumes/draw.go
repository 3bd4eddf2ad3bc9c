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

// author draws a script. It keeps to what there could be by then, so that most
// steps do something.
type author struct {
	t     *rapid.T
	class string          // of most volumes and claims
	there map[string]bool // what has been created and not been deleted
}

// drawScript draws a short history of a few volumes and claims.
func drawScript(t *rapid.T) script {
	s := script{seed: rapid.Uint64().Draw(t, "seed")}
	a := &author{t, pick(t, "class", "", "", "fast", "late"), map[string]bool{}}
	for _, name := range []string{"fast", "late"} {
		mode := pick(t, "mode", storagev1.VolumeBindingImmediate, storagev1.VolumeBindingWaitForFirstConsumer)
		c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, VolumeBindingMode: &mode,
			Provisioner: pick(t, "provisioner", "kubernetes.io/no-provisioner", "example.com/x")}
		if name == "fast" && rapid.Bool().Draw(t, "default") {
			c.Annotations = map[string]string{defaultClass: "true"}
		}
		if grows := rapid.Bool().Draw(t, "grows"); grows {
			c.AllowVolumeExpansion = &grows
		}
		s.classes = append(s.classes, c)
	}
	if pick(t, "both", true, true, true, false) { // something to bind
		v, c := a.volume(volumeNames[0]), a.claim(claimNames[0])
		c.Spec.AccessModes, c.Spec.Selector, c.Spec.StorageClassName = v.Spec.AccessModes, nil, &v.Spec.StorageClassName
		c.Spec.VolumeMode = v.Spec.VolumeMode
		s.steps = append(s.steps, creation(v), creation(c))
	}
	for range rapid.IntRange(2, 10).Draw(t, "steps") {
		s.steps = append(s.steps, a.step())
	}
	s.steps[len(s.steps)-1].pause = 40 * time.Second
	return s
}

func creation(o apiserver.Object) step {
	return step{verb: "create", object: o, kind: apiserver.KindOf(o), key: apiserver.KeyOf(o), pause: 2 * time.Second}
}

// sorts are the sorts of steps, by how often they come.
var sorts = []string{"volume", "volume", "volume", "claim", "claim", "claim", "edit", "edit", "end", "pod", "pod", "scheduler", "class"}

func (a *author) step() step {
	st := step{pause: pick(a.t, "pause", 2*time.Second, 2*time.Second, 2*time.Second, 17*time.Second)}
	volume, claim := pick(a.t, "volume", volumeNames...), pick(a.t, "claim", claimNames...)
	switch pick(a.t, "fault", noFault, noFault, noFault, noFault, noFault, noFault, refusal, crash) {
	case refusal:
		st.fault = fault{refusal, rapid.IntRange(0, 5).Draw(a.t, "after")}
	case crash: // what is left undone shows after the new start
		st.fault, st.pause = fault{crash, rapid.IntRange(1, 5).Draw(a.t, "after")}, 17*time.Second
	}
	sort := pick(a.t, "on", sorts...)
	if (sort == "volume" && a.there[volume] || sort == "claim" && a.there[claim]) && rapid.Bool().Draw(a.t, "instead") {
		sort = "edit"
	}
	switch sort {
	case "volume":
		st.verb, st.object = "create", a.volume(volume)
		a.there[volume] = true
	case "claim":
		st.verb, st.object = "create", a.claim(claim)
		a.there[claim] = true
	case "pod":
		st.verb, st.object = "create", drawPod(a.t, claim)
		if a.there["p-"+claim] {
			st.verb = pick(a.t, "end", "delete", "succeed")
		}
		a.there["p-"+claim] = true
	case "end":
		st.verb, st.kind, st.key = "delete", apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: claim}
		a.there[claim] = false
		if rapid.Bool().Draw(a.t, "volume goes") {
			a.there[volume] = false
			st.kind, st.key = apiserver.PersistentVolume, apiserver.Key{Name: volume}
		}
		return st
	case "class":
		st.verb, st.kind, st.key = "default", apiserver.StorageClass, apiserver.Key{Name: pick(a.t, "class", "fast", "late")}
		st.value = pick(a.t, "is", "true", "false")
		return st
	case "scheduler":
		st.verb, st.kind, st.key, st.value = "prebind", apiserver.PersistentVolume, apiserver.Key{Name: volume}, claim
		return st
	case "edit":
		a.edit(&st, volume, claim)
		return st
	}
	st.kind, st.key = apiserver.KindOf(st.object), apiserver.KeyOf(st.object)
	if st.verb != "create" {
		st.object = nil
	}
	return st
}

func (a *author) edit(st *step, volume, claim string) {
	st.kind, st.key = apiserver.PersistentVolume, apiserver.Key{Name: volume}
	switch st.verb = pick(a.t, "edit", "free", "reserve", "forget-uid", "policy", "label", "unprotect", "select-node", "name-volume", "unmark", "grow"); st.verb {
	case "reserve":
		st.value = claim
	case "policy":
		st.value = pick(a.t, "policy", "Retain", "Delete", "Recycle")
	case "label":
		st.value = pick(a.t, "tier", "gold", "tin")
	case "select-node", "name-volume", "unmark", "grow":
		st.kind, st.key = apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: "default", Name: claim}
		st.value = map[string]string{"select-node": "n1", "name-volume": volume, "grow": "6Gi"}[st.verb]
	}
}

func drawModes(t *rapid.T) []corev1.PersistentVolumeAccessMode {
	return pick(t, "access", []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany},
		[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany})
}

// classOf draws the class of a volume or claim.
func (a *author) classOf(others ...string) string {
	if rapid.Bool().Draw(a.t, "usual") {
		return a.class
	}
	return pick(a.t, "class", others...)
}

func (a *author) volume(name string) *corev1.PersistentVolume {
	t := a.t
	mode := pick(t, "volume mode", corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeBlock)
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(t, "capacity", "1Gi", "2Gi", "5Gi"))},
			AccessModes:                   drawModes(t),
			VolumeMode:                    &mode,
			StorageClassName:              a.classOf("", "fast", "late"),
			PersistentVolumeReclaimPolicy: pick(t, "policy", corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRecycle),
			PersistentVolumeSource:        corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "10.0.1.61", Path: "/data/" + name}},
		},
	}
	if rapid.Bool().Draw(t, "labelled") {
		v.Labels = map[string]string{"tier": "gold"}
	}
	if pick(t, "local", false, false, false, true) {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{"n2"}}},
		}}}}
		v.Spec.NFS, v.Spec.Local = nil, &corev1.LocalVolumeSource{Path: "/data/" + name}
	}
	switch pick(t, "reserved", "", "", "", "name", "uid") {
	case "name":
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: pick(t, "for", claimNames...)}
	case "uid":
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: pick(t, "for", claimNames...), UID: "somebody-else"}
	}
	return v
}

func (a *author) claim(name string) *corev1.PersistentVolumeClaim {
	t := a.t
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: drawModes(t)[:1],
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(t, "request", "1Gi", "1Gi", "2Gi"))}},
		},
	}
	if class := a.classOf("none", "", "fast", "late", "absent"); class != "none" {
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
