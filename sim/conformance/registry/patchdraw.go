package registry

import (
	"encoding/json"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// patch draws a patch of an object, of its status or of its scale.
func (w *world) patch(c *call, tree map[string]any) *call {
	c.Verb, c.Strict = "patch", w.chance(4)
	c.Type = string(pick(w, types.StrategicMergePatchType, types.StrategicMergePatchType, types.MergePatchType, types.JSONPatchType))
	if w.hasStatus() && w.chance(6) {
		c.Sub = "status"
	}
	if w.kind == apiserver.StatefulSet && w.chance(10) {
		c.Sub, c.Type = "scale", string(pick(w, types.MergePatchType, types.MergePatchType, types.JSONPatchType))
		c.Patch = pick(w, `{"spec":{"replicas":4}}`, `{"spec":{"replicas":-4}}`, `{"spec":{"replicas":0}}`, `{"metadata":{"resourceVersion":"2"},"spec":{"replicas":2}}`, `{"spec":{"foo":2}}`, `{"status":{"replicas":9}}`)
		if c.Type == string(types.JSONPatchType) {
			c.Patch = pick(w, `[{"op":"replace","path":"/spec/replicas","value":3}]`, `[{"op":"test","path":"/spec/replicas","value":3},{"op":"replace","path":"/spec/replicas","value":1}]`, `[{"op":"remove","path":"/spec/replicas"}]`)
		}
		return c
	}
	for {
		switch {
		case c.Type == string(types.JSONPatchType):
			c.Patch = w.operations(tree)
		case w.chance(2):
			c.Patch = w.difference(c, tree)
		default:
			c.Patch = w.directive(tree)
		}
		if !w.reorders(c.Patch) {
			return c
		}
	}
}

// reorders reports whether a patch depends on the order of a Namespace's
// finalizers, which upstream leaves open, or leaves them in another than the
// sorted one.
func (w *world) reorders(patch string) bool {
	return w.kind == apiserver.Namespace && strings.Contains(patch, "finalizers") &&
		(strings.Contains(patch, "finalizers/") || strings.Contains(patch, "Order/finalizers") || strings.Contains(patch, `finalizers":["example`))
}

// difference is a patch from an object to a changed one, with the directives
// that upstream's own library puts in.
func (w *world) difference(c *call, tree map[string]any) string {
	next := treeOf(tree)
	if c.Sub == "status" {
		w.phase(next)
	} else {
		w.edit(next)
	}
	from, to := mustJSON(tree), mustJSON(next)
	var patch []byte
	var err error
	if c.Type == string(types.MergePatchType) {
		patch, err = jsonpatch.CreateMergePatch(from, to)
	} else {
		patch, err = strategicpatch.CreateTwoWayMergePatch(from, to, w.kind.New())
	}
	if err != nil { // lists of what cannot be merged
		return `{}`
	}
	return string(patch)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// metaPatches are merge patches for every kind.
var metaPatches = []string{
	`{}`, ``, `[]`, `null`, `"text"`, `{`, `{"metadata":{"labels":{"app":"web","z":null}}}`, `{"metadata":{"labels":null}}`,
	`{"metadata":{"labels":{"a":"b"},"labels":{"a":"c"}}}`, `{"metadata":{"labels":{"a":1}}}`, `{"metadata":{"labels":["a"]}}`,
	`{"metadata":{"finalizers":null}}`, `{"metadata":{"finalizers":["example.com/g"]}}`, `{"metadata":{"finalizers":{}}}`,
	`{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.com/f"]}}`, `{"metadata":{"$deleteFromPrimitiveList/finalizers":"example.com/f"}}`,
	`{"metadata":{"$setElementOrder/finalizers":["example.com/g","example.com/f"],"finalizers":["example.com/g"]}}`,
	`{"metadata":{"$deleteFromPrimitiveList/finalizers":["kubernetes.io/pvc-protection","kubernetes.io/pv-protection"]}}`,
	`{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"o","uid":"u1","controller":true}]}}`,
	`{"metadata":{"ownerReferences":[{"uid":"u1","controller":null}]}}`, `{"metadata":{"ownerReferences":[{"uid":"u1","$patch":"delete"}]}}`,
	`{"metadata":{"ownerReferences":[{"$patch":"replace"},{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u9"}]}}`, `{"metadata":{"ownerReferences":[{"name":"x"}]}}`,
	`{"metadata":{"$patch":"bogus"}}`, `{"metadata":{"$patch":"merge","labels":{"q":"r"}}}`, `{"metadata":{"annotations":{"$patch":"replace","only":"this"}}}`,
	`{"metadata":{"annotations":{"$patch":"delete"}}}`, `{"metadata":{"annotations":{"$retainKeys":["a"],"a":"b"}}}`, `{"$patch":"delete"}`, `{"$patch":"replace","metadata":{"name":"a"}}`,
	`{"metadata":{"resourceVersion":"1"}}`, `{"metadata":{"resourceVersion":null}}`, `{"metadata":{"uid":"other"}}`, `{"metadata":{"uid":null}}`, `{"metadata":{"name":"else"}}`,
	`{"metadata":{"namespace":"other"}}`, `{"metadata":{"generation":99}}`, `{"metadata":{"deletionTimestamp":"2026-02-02T00:00:00Z"}}`, `{"metadata":{"deletionTimestamp":null}}`,
	`{"metadata":{"creationTimestamp":null}}`, `{"metadata":{"unknown":1}}`, `{"unknown":{"a":"b"}}`, `{"kind":"ConfigMap"}`, `{"apiVersion":"v9"}`, `{"metadata":null}`,
	`{"metadata":{"deletionGracePeriodSeconds":3}}`, `{"metadata":{"generateName":"n-"}}`, `{"metadata":{"annotations":{"x":null,"y":"z"}}}`,
}

// kindPatches are those for one kind.
var kindPatches = map[apiserver.Kind][]string{
	apiserver.StatefulSet: {
		`{"spec":{"replicas":3}}`, `{"spec":{"replicas":-1}}`, `{"spec":{"replicas":"three"}}`, `{"spec":{"replicas":null}}`, `{"spec":{"repliccas":3}}`, `{"spec":{"replicas":1.5}}`,
		`{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x:2"}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"name":"z","image":"x:2"}]}}}}`,
		`{"spec":{"template":{"spec":{"containers":[{"$patch":"delete","name":"c"}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"z","image":"i"}]}}}}`,
		`{"spec":{"template":{"spec":{"containers":[{"image":"nameless"}]}}}}`, `{"spec":{"template":{"spec":{"containers":["text"]}}}}`, `{"spec":{"template":{"spec":{"containers":null}}}}`,
		`{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"z"},{"name":"c"}],"containers":[{"name":"z","image":"i"}]}}}}`,
		`{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"z"}],"containers":[{"name":"q","image":"i"}]}}}}`,
		`{"spec":{"template":{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"name":"web"}]}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"name":"c","ports":[{"$patch":"delete","containerPort":80}]}]}}}}`,
		`{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"N","value":"v"}]}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"name":"c","imagePulPolicy":"Always"}]}}}}`,
		`{"spec":{"template":{"spec":{"volumes":[{"name":"n","emptyDir":{}}]}}}}`, `{"spec":{"template":{"spec":{"volumes":[{"name":"n","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}}}`,
		`{"spec":{"template":{"spec":{"volumes":[{"name":"n","hostPath":{"path":"/y"}}]}}}}`, `{"spec":{"template":{"spec":{"volumes":[{"name":"n","$patch":"delete"}]}}}}`,
		`{"spec":{"template":{"spec":{"tolerations":[{"key":"t","operator":"Exists"}],"nodeSelector":{"a":"b"}}}}}`, `{"spec":{"template":{"spec":{"imagePullSecrets":[{"name":"s9"}]}}}}`,
		`{"spec":{"template":{"spec":{"hostAliases":[{"ip":"10.0.0.1","hostnames":["a.b"]}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}}}}`,
		`{"spec":{"updateStrategy":{"$retainKeys":["type"],"type":"OnDelete"}}}`, `{"spec":{"updateStrategy":{"$patch":"replace","type":"OnDelete"}}}`, `{"spec":{"updateStrategy":{"type":"OnDelete"}}}`,
		`{"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":2}}}}`, `{"spec":{"updateStrategy":{"type":"Recreate"}}}`, `{"spec":{"updateStrategy":null}}`,
		`{"spec":{"serviceName":"other"}}`, `{"spec":{"podManagementPolicy":"Parallel"}}`, `{"spec":{"selector":{"matchLabels":{"app":"other"}}}}`, `{"spec":{"volumeClaimTemplates":[]}}`,
		`{"spec":{"volumeClaimTemplates":null}}`, `{"spec":{"minReadySeconds":5,"revisionHistoryLimit":3}}`, `{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}}}`, `{"spec":{"ordinals":{"start":-1}}}`,
		`{"status":{"replicas":9}}`, `{"status":{"conditions":[{"type":"A","status":"True"}]}}`, `{"status":{"conditions":[{"type":"A","$patch":"delete"}]}}`, `{"status":{"replicas":-9}}`, `{"status":{"currentRevision":"r"}}`,
	},
	apiserver.Pod: {
		`{"spec":{"containers":[{"name":"c","image":"x:2"}]}}`, `{"spec":{"containers":[{"name":"z","image":"x:2"}]}}`, `{"spec":{"containers":[{"$patch":"delete","name":"d"}]}}`,
		`{"spec":{"activeDeadlineSeconds":40}}`, `{"spec":{"terminationGracePeriodSeconds":1}}`, `{"spec":{"tolerations":[{"key":"t","operator":"Exists"}]}}`, `{"spec":{"nodeName":"n2"}}`,
		`{"spec":{"schedulingGates":[{"name":"g","$patch":"delete"}]}}`, `{"spec":{"schedulingGates":[{"name":"h"}]}}`, `{"spec":{"nodeSelector":{"a":"b"}}}`, `{"spec":{"priority":3}}`, `{"spec":{"hostname":"x","subdomain":"y"}}`,
		`{"status":{"phase":"Running"}}`, `{"status":{"phase":"Succeeded"}}`, `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, `{"status":{"conditions":[{"type":"Ready","$patch":"delete"}]}}`,
		`{"status":{"podIPs":[{"ip":"10.0.0.9"}],"podIP":"10.0.0.9"}}`, `{"status":{"podIPs":[{"ip":"10.0.0.9"}],"podIP":"10.0.0.8"}}`, `{"status":{"nominatedNodeName":"n1"}}`, `{"status":{"observedGeneration":-1}}`, `{"status":{"$setElementOrder/conditions":[{"type":"Ready"},{"type":"Q"}],"conditions":[{"type":"Q","status":"True"}]}}`,
		`{"status":{"containerStatuses":[{"name":"c","image":"i","imageID":"j","restartCount":1,"ready":true,"state":{"running":{}}}]}}`, `{"metadata":{"labels":{"statefulset.kubernetes.io/pod-name":"x"}}}`,
	},
	apiserver.PersistentVolumeClaim: {
		`{"spec":{"resources":{"requests":{"storage":"9Gi"}}}}`, `{"spec":{"resources":{"requests":{"storage":"1Mi"}}}}`, `{"spec":{"volumeName":"pv"}}`, `{"spec":{"accessModes":["ReadWriteMany"]}}`, `{"spec":{"storageClassName":"std"}}`, `{"spec":{"storageClassName":null}}`,
		`{"status":{"phase":"Bound","capacity":{"storage":"5Gi"},"accessModes":["ReadWriteOnce"]}}`, `{"status":{"phase":"Lost"}}`, `{"status":{"capacity":{"storage":"-5Gi"}}}`, `{"status":{"conditions":[{"type":"Resizing","status":"True"}]}}`, `{"status":{"conditions":[{"type":"Resizing","$patch":"delete"}]}}`, `{"spec":{"volumeMode":"Block"}}`,
	},
	apiserver.PersistentVolume: {
		`{"spec":{"claimRef":{"namespace":"default","name":"a","uid":"u"}}}`, `{"spec":{"claimRef":null}}`, `{"spec":{"claimRef":{"$patch":"replace","name":"only"}}}`, `{"spec":{"claimRef":{"$patch":"delete"}}}`, `{"spec":{"capacity":{"storage":"50Gi"}}}`, `{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}`, `{"spec":{"persistentVolumeReclaimPolicy":"Never"}}`,
		`{"spec":{"nfs":{"server":"s"}}}`, `{"spec":{"nfs":null,"hostPath":{"path":"/q"}}}`, `{"status":{"phase":"Bound"}}`, `{"status":{"phase":"Failed","message":"m","reason":"r"}}`, `{"spec":{"mountOptions":["hard"]}}`, `{"spec":{"accessModes":["ReadOnlyMany"]}}`, `{"spec":{"volumeMode":"Block"}}`,
	},
	apiserver.Service: {
		`{"spec":{"ports":[{"port":81,"name":"p"}]}}`, `{"spec":{"ports":[{"port":80,"$patch":"delete"}]}}`, `{"spec":{"ports":[{"$patch":"replace"},{"port":9}]}}`, `{"spec":{"type":"NodePort"}}`, `{"spec":{"type":"LoadBalancer"}}`, `{"spec":{"type":"ClusterIP"}}`, `{"spec":{"type":"ExternalName","externalName":"x.y"}}`, `{"spec":{"clusterIP":"10.96.7.7"}}`, `{"spec":{"clusterIP":"None"}}`,
		`{"spec":{"clusterIP":null}}`, `{"spec":{"clusterIP":null,"clusterIPs":null}}`, `{"spec":{"type":"ClusterIP","ports":[{"port":80,"nodePort":null}]}}`, `{"spec":{"publishNotReadyAddresses":true}}`, `{"spec":{"selector":{"app":"z"}}}`, `{"spec":{"sessionAffinity":"ClientIP"}}`, `{"spec":{"externalTrafficPolicy":"Local"}}`, `{"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}}`, `{"status":{"loadBalancer":null}}`,
		`{"spec":{"ports":[{"port":80,"nodePort":30123}]}}`, `{"spec":{"ipFamilyPolicy":"RequireDualStack"}}`, `{"spec":{"$setElementOrder/ports":[{"port":81},{"port":80}],"ports":[{"port":81,"name":"p"}]}}`,
	},
	apiserver.PodDisruptionBudget: {
		`{"spec":{"minAvailable":2}}`, `{"spec":{"minAvailable":"120%"}}`, `{"spec":{"maxUnavailable":1}}`, `{"spec":{"minAvailable":null,"maxUnavailable":1}}`, `{"spec":{"selector":{"matchLabels":{"$patch":"replace","q":"r"}}}}`, `{"spec":{"selector":{"$patch":"replace","matchLabels":{"s":"t"}}}}`, `{"spec":{"$patch":"replace","minAvailable":1}}`, `{"spec":{"selector":null}}`,
		`{"status":{"disruptionsAllowed":3,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}`, `{"status":{"disruptionsAllowed":-3}}`, `{"status":{"conditions":[{"type":"A","status":"True","reason":"R","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`,
	},
	apiserver.StorageClass: {
		`{"allowVolumeExpansion":true}`, `{"provisioner":"x.y/z"}`, `{"parameters":{"a":"b"}}`, `{"reclaimPolicy":"Retain"}`, `{"mountOptions":["a"]}`, `{"mountOptions":null}`, `{"volumeBindingMode":"WaitForFirstConsumer"}`, `{"allowedTopologies":[{"matchLabelExpressions":[{"key":"zone","values":["a"]}]}]}`, `{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}`,
	},
	apiserver.Namespace:          {`{"status":{"phase":"Terminating"}}`, `{"status":{"phase":"Active"}}`, `{"spec":{"finalizers":[]}}`, `{"spec":{"finalizers":["a.b/c"]}}`},
	apiserver.ControllerRevision: {`{"revision":3}`, `{"revision":-1}`, `{"data":{"a":"c"}}`, `{"data":null}`, `{"data":{"$patch":"replace","b":1}}`},
	apiserver.PriorityClass:      {`{"value":5}`, `{"value":2000000001}`, `{"description":"d"}`, `{"globalDefault":true}`, `{"preemptionPolicy":"Never"}`},
	apiserver.Node:               {`{"spec":{"unschedulable":true}}`, `{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}}`, `{"spec":{"taints":null}}`, `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, `{"spec":{"podCIDR":"10.1.0.0/24"}}`, `{"spec":{"providerID":"q"}}`},
	apiserver.Event:              {`{"count":3}`, `{"message":"m"}`, `{"series":{"count":2}}`, `{"involvedObject":{"namespace":"other"}}`},
	apiserver.EndpointSlice:      {`{"endpoints":[{"addresses":["10.0.0.9"]}]}`, `{"ports":[{"name":"p","port":7}]}`, `{"addressType":"IPv6"}`, `{"endpoints":null}`},
}

// directive is a merge patch written by hand.
func (w *world) directive(tree map[string]any) string {
	if own := kindPatches[w.kind]; len(own) > 0 && w.chance(2) {
		return own[w.IntN(len(own))]
	}
	p := metaPatches[w.IntN(len(metaPatches))]
	if w.chance(12) { // what is stored now
		return `{"metadata":{"labels":{"fresh":"` + pick(w, "1", "2") + `"},"resourceVersion":"` + tree["metadata"].(map[string]any)["resourceVersion"].(string) + `"}}`
	}
	return p
}

// operations is a JSON patch.
func (w *world) operations(tree map[string]any) string {
	if w.chance(8) {
		return pick(w, `[]`, `{}`, `[{"op":"explode","path":"/metadata/labels"}]`, `[{"op":"remove","path":"/no/such/place"}]`, `[{"op":"replace","path":"/metadata/labels/none","value":"x"}]`, `x`, `[{"op":"add"}]`, `null`,
			`[{"op":"replace","path":"","value":{}}]`, `[{"op":"add","path":"/metadata/finalizers/7","value":"a.b/c"}]`, `[{"op":"move","from":"/nope","path":"/metadata/labels"}]`, `[{"op":"copy","from":"/metadata/nope","path":"/metadata/labels"}]`)
	}
	version := tree["metadata"].(map[string]any)["resourceVersion"].(string)
	name, _ := tree["metadata"].(map[string]any)["name"].(string)
	ops := []string{
		`{"op":"test","path":"/metadata/name","value":"` + name + `"}`, `{"op":"test","path":"/metadata/name","value":"not so"}`, `{"op":"test","path":"/metadata/resourceVersion","value":"` + version + `"}`,
		`{"op":"test","path":"/metadata/none","value":null}`, `{"op":"add","path":"/metadata/labels","value":{"a":"b","c":"d"}}`, `{"op":"add","path":"/metadata/labels/e","value":"f"}`, `{"op":"remove","path":"/metadata/labels/e"}`, `{"op":"remove","path":"/metadata/labels"}`,
		`{"op":"add","path":"/metadata/finalizers","value":["example.com/f"]}`, `{"op":"add","path":"/metadata/finalizers/-","value":"example.com/g"}`, `{"op":"add","path":"/metadata/finalizers/0","value":"example.com/h"}`, `{"op":"remove","path":"/metadata/finalizers/0"}`, `{"op":"remove","path":"/metadata/finalizers"}`,
		`{"op":"replace","path":"/metadata/annotations","value":{"j":"k"}}`, `{"op":"copy","from":"/metadata/labels","path":"/metadata/annotations"}`, `{"op":"move","from":"/metadata/annotations","path":"/metadata/labels"}`, `{"op":"add","path":"/metadata/annotations/a~1b","value":"~0"}`,
		`{"op":"add","path":"/metadata/labels/e","value":5}`, `{"op":"replace","path":"/metadata/resourceVersion","value":"1"}`, `{"op":"add","path":"/spec/unknown","value":1}`, `{"op":"replace","path":"/metadata/uid","value":"q"}`, `{"op":"replace","path":"/metadata/generation","value":50}`,
	}
	switch w.kind {
	case apiserver.StatefulSet:
		ops = append(ops, `{"op":"replace","path":"/spec/replicas","value":2}`, `{"op":"test","path":"/spec/replicas","value":2}`, `{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"j:1"}`, `{"op":"remove","path":"/spec/template/spec/containers/0"}`, `{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"n","image":"i"}}`, `{"op":"replace","path":"/status/replicas","value":1}`, `{"op":"remove","path":"/spec/updateStrategy"}`)
	case apiserver.Pod:
		ops = append(ops, `{"op":"replace","path":"/spec/containers/0/image","value":"j:1"}`, `{"op":"remove","path":"/spec/schedulingGates/0"}`, `{"op":"remove","path":"/spec/tolerations/0"}`, `{"op":"replace","path":"/status/phase","value":"Running"}`)
	case apiserver.PersistentVolumeClaim:
		ops = append(ops, `{"op":"replace","path":"/spec/resources/requests/storage","value":"9Gi"}`, `{"op":"add","path":"/spec/volumeName","value":"pv"}`, `{"op":"replace","path":"/status/phase","value":"Bound"}`)
	case apiserver.PersistentVolume:
		ops = append(ops, `{"op":"remove","path":"/spec/claimRef"}`, `{"op":"remove","path":"/spec/claimRef/uid"}`, `{"op":"replace","path":"/status/phase","value":"Released"}`)
	case apiserver.Service:
		ops = append(ops, `{"op":"replace","path":"/spec/type","value":"NodePort"}`, `{"op":"remove","path":"/spec/ports/0/nodePort"}`, `{"op":"replace","path":"/spec/ports/0/port","value":90}`, `{"op":"remove","path":"/spec/selector"}`)
	}
	var list []string
	for range 1 + w.IntN(3) {
		list = append(list, ops[w.IntN(len(ops))])
	}
	return "[" + strings.Join(list, ",") + "]"
}
