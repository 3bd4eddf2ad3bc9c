package api

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

// TestFields changes a field up to each times, and enough if it was accepted and
// refused so often.
const (
	each   = 60
	enough = 6
)

// moreBases are valid objects for fields that those of testdata leave no choice.
const moreBases = `
kind: PodDisruptionBudget
metadata: {name: max, namespace: default}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
kind: Pod
metadata: {name: ended, namespace: default}
spec:
  restartPolicy: Never
  nodeName: n1
  initContainers: [{name: side, image: i, restartPolicy: Always}]
  containers: [{name: c, image: i}]
status:
  phase: Failed
  qosClass: BestEffort
  containerStatuses: [{name: c, image: i, imageID: "", ready: false, restartCount: 0, state: {terminated: {exitCode: 1}}}]
  initContainerStatuses: [{name: gone, image: i, imageID: "", state: {terminated: {exitCode: 1}}}, {name: too, image: i, imageID: "", state: {terminated: {exitCode: 1}}}]
---
kind: StatefulSet
metadata: {name: side, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: side, image: i, restartPolicy: Always}]
      containers: [{name: c, image: i}]
`

// basesFor returns the bases of a kind with those above.
func basesFor(t *testing.T, k kind) []map[string]any {
	list := bases(k)
	for _, doc := range strings.Split(moreBases, "\n---\n") {
		var tree map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(doc), &tree))
		if tree["kind"] == k.gvk.Kind {
			delete(tree, "kind")
			require.NotNil(t, stored(k, tree), doc)
			list = append(list, tree)
		}
	}
	return list
}

// podFields are what the users of pods and of templates set.
var podFields = []string{
	"containers", "containers[0].name", "containers[0].image", "containers[0].imagePullPolicy", "containers[0].command", "containers[0].ports",
	"containers[0].env", "containers[0].envFrom", "containers[0].resources", "containers[0].volumeMounts", "containers[0].volumeDevices",
	"containers[0].livenessProbe", "containers[0].readinessProbe", "containers[0].startupProbe", "containers[0].lifecycle", "containers[0].securityContext",
	"containers[0].terminationMessagePolicy", "containers[0].workingDir", "containers[0].stdin", "containers[0].resizePolicy", "containers[0].restartPolicy",
	"initContainers", "initContainers[0].restartPolicy", "initContainers[0].lifecycle", "initContainers[0].livenessProbe", "initContainers[0].ports", "initContainers[0].resources",
	"volumes", "volumes[0]", "affinity", "affinity.nodeAffinity", "affinity.podAffinity", "affinity.podAntiAffinity", "tolerations", "topologySpreadConstraints",
	"restartPolicy", "terminationGracePeriodSeconds", "activeDeadlineSeconds", "hostname", "subdomain", "setHostnameAsFQDN", "hostAliases", "hostNetwork",
	"dnsPolicy", "dnsConfig", "priority", "priorityClassName", "preemptionPolicy", "nodeName", "nodeSelector", "schedulerName", "schedulingGates", "readinessGates",
	"securityContext", "serviceAccountName", "imagePullSecrets", "enableServiceLinks", "shareProcessNamespace", "runtimeClassName", "overhead", "resources",
}

// fieldsOfKind lists the fields that are varied for a kind: all of its spec and
// status, or of the kind itself, of its metadata, and inside of its pods.
func fieldsOfKind(k kind) []string {
	typ := reflect.TypeOf(k.new()).Elem()
	var list []string
	for _, f := range fieldsOf(typ) {
		switch f.name {
		case "metadata", "spec", "status":
			for _, in := range fieldsOf(f.typ) {
				list = append(list, "."+f.name+"."+in.name)
			}
		default:
			list = append(list, "."+f.name)
		}
	}
	pods := ""
	switch k.gvk.Kind {
	case "Pod":
		pods = ".spec."
	case "StatefulSet":
		pods = ".spec.template.spec."
	default:
		return list
	}
	for _, f := range podFields {
		list = append(list, pods+f)
	}
	if k.gvk.Kind == "Pod" {
		list = append(list, ".status.containerStatuses[0].state", ".status.initContainerStatuses[0].state")
	}
	return list
}

// oneWay are the fields whose every value is accepted, or refused, by kind:
// upstream has no rule for them; or they are the server's, which takes no notice
// of what others say (generation, deletion), as of fields behind alpha gates; or
// nobody may change them there.
var oneWay = map[string]map[string]string{
	"StatefulSet": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".metadata.generation": "accepted",
		".spec.revisionHistoryLimit": "accepted", ".spec.template.spec.activeDeadlineSeconds": "refused", ".spec.template.spec.containers[0].command": "accepted",
		".spec.template.spec.containers[0].stdin": "accepted", ".spec.template.spec.containers[0].workingDir": "accepted", ".spec.template.spec.enableServiceLinks": "accepted",
		".spec.template.spec.hostNetwork": "accepted", ".spec.template.spec.imagePullSecrets": "accepted", ".spec.template.spec.schedulerName": "accepted",
		".spec.template.spec.setHostnameAsFQDN": "accepted", ".spec.template.spec.shareProcessNamespace": "accepted",
		".spec.template.spec.subdomain": "accepted", // emptied before it is looked at: the controller sets it
		".status.conditions":            "accepted", ".status.currentRevision": "accepted", ".status.updateRevision": "accepted",
	},
	"Pod": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".metadata.generation": "accepted",
		".spec.evictionResponders": "accepted", ".spec.schedulingGroup": "accepted", ".status.allocatedResources": "accepted", ".status.message": "accepted",
		".status.phase": "accepted", ".status.reason": "accepted", ".status.resize": "accepted", ".status.resources": "accepted", ".status.startTime": "accepted",
		".status.volumeHealth":          "accepted",
		".status.initContainerStatuses": "accepted", // refused is its state alone, varied below
	},
	"PersistentVolumeClaim": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".status.accessModes": "accepted", ".status.conditions": "accepted",
		".status.currentVolumeAttributesClassName": "accepted", ".status.healthStatus": "accepted", ".status.modifyVolumeStatus": "accepted", ".status.phase": "accepted",
	},
	"PersistentVolume": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".spec.claimRef": "accepted", ".spec.mountOptions": "accepted",
		".status.lastPhaseTransitionTime": "accepted", ".status.message": "accepted", ".status.phase": "accepted", ".status.reason": "accepted",
	},
	"Service": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".spec.loadBalancerIP": "accepted",
		".spec.publishNotReadyAddresses": "accepted", ".status.conditions": "accepted",
	},
	"StorageClass": {
		".allowVolumeExpansion": "accepted", ".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".mountOptions": "accepted",
	},
	"PodDisruptionBudget": {
		".metadata.deletionGracePeriodSeconds": "accepted", ".metadata.deletionTimestamp": "accepted", ".metadata.generation": "accepted",
		".status.disruptedPods": "accepted", ".status.observedGeneration": "accepted",
	},
}

// Each field of the kinds that users write was varied, with a value that is
// accepted and one that is refused, and the servers were of one mind.
func TestFields(t *testing.T) {
	for i, k := range kinds[:7] {
		t.Run(k.gvk.Kind, func(t *testing.T) {
			list, got := basesFor(t, k), map[string]string{}
			for j, field := range fieldsOfKind(k) {
				switch accepted, refused := vary1(t, 1000+i*500+j, k, list, field); {
				case accepted == 0 && refused == 0:
					got[field] = "never read"
				case accepted == 0:
					got[field] = "refused"
				case refused == 0:
					got[field] = "accepted"
				}
			}
			if !seeded.Replaying() {
				assert.Equal(t, oneWay[k.gvk.Kind], got)
			}
		})
	}
}

// vary1 changes one field of valid objects and compares. It returns how often
// upstream accepted and refused.
func vary1(t *testing.T, shard int, k kind, bases []map[string]any, field string) (accepted, refused int) {
	seeded.Check(t, shard, each, func(t *rapid.T) {
		if accepted >= enough && refused >= enough {
			return
		}
		r := drawField(t, k, bases, field)
		if r == nil {
			return
		}
		r.options = validation.Options{MaxUnavailable: true}
		diff, errs := r.diff()
		if diff != "" {
			t.Fatalf("%s\nobject: %s\nold: %s", diff, show(r.obj), show(r.old))
		}
		if len(errs) > 0 {
			refused++
		} else {
			accepted++
		}
	})
	return accepted, refused
}

// drawField draws a request that differs from a valid one in one field.
func drawField(t *rapid.T, k kind, bases []map[string]any, field string) *request {
	typ := reflect.TypeOf(k.new()).Elem()
	var have []map[string]any
	for _, b := range bases {
		for _, s := range sites(b, typ) {
			if s.path == field {
				have = append(have, b)
				break
			}
		}
	}
	require.NotEmpty(t, have, "no base has a place for %s", field)
	tree := clone(rapid.SampledFrom(have).Draw(t, "base"))
	r := &request{kind: k}
	verb := rapid.SampledFrom([]string{"create", "update"}).Draw(t, "verb")
	if strings.HasPrefix(field, ".status") {
		verb = "status"
		if k.status == nil {
			return nil
		}
	}
	if verb != "create" {
		r.old = stored(k, tree)
		tree = treeOf(r.old)
		r.status = verb == "status"
	}
	if !mutateAt(t, r, tree, typ, field) {
		return nil
	}
	if r.obj = k.decode(tree); r.obj != nil && r.old != nil {
		r.keep()
	}
	if r.obj == nil {
		return nil
	}
	return r
}

// mutateAt changes one place in a field, if the tree has it.
func mutateAt(t *rapid.T, r *request, tree map[string]any, typ reflect.Type, field string) bool {
	for _, s := range sites(tree, typ) {
		if s.path == field {
			r.changes = append(r.changes, mutate(t, tree, typ, field))
			return true
		}
	}
	return false
}

// keep gives the successor of a stored object what the server sees to before
// any strategy.
func (r *request) keep() {
	r.obj.SetNamespace(r.old.GetNamespace())
	r.obj.SetName(r.old.GetName())
	r.obj.SetUID(r.old.GetUID())
	r.obj.SetResourceVersion(r.old.GetResourceVersion())
	r.obj.SetGeneration(r.old.GetGeneration())
	r.obj.SetDeletionTimestamp(r.old.GetDeletionTimestamp())
	r.obj.SetDeletionGracePeriodSeconds(r.old.GetDeletionGracePeriodSeconds())
}
