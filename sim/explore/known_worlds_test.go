package explore_test

import (
	"fmt"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/explore"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/model"
)

const web = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  podManagementPolicy: %s
  persistentVolumeClaimRetentionPolicy: {whenDeleted: %s, whenScaled: Retain}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: web
        image: web:1
        readinessProbe: {periodSeconds: 1, tcpSocket: {port: 80}}
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
`

const quota = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: pods}
spec: {hard: {pods: "4"}}
`

// The two worlds of the known trouble: a set of either policy, with all that a small
// set has. Both are searched alike, for all named properties, with all commands.
var (
	ordered = explore.Check{World: model.World{
		Name: "ordered", Manifests: []string{fmt.Sprintf(web, "OrderedReady", "Delete")}, Config: twoNodes, Bad: []string{"web:bad"}}, Properties: model.Promises()}
	parallel = explore.Check{World: model.World{
		Name: "parallel", Manifests: []string{quota + "---" + fmt.Sprintf(web, "Parallel", "Retain")}, Config: twoNodes, Bad: []string{"web:bad"}}, Properties: model.Promises()}
)

func twoNodes() sim.Config {
	return sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}},
		Workloads: map[string]kubelet.Workload{
			"web":     {StartAfter: 500 * time.Millisecond, StopAfter: 300 * time.Millisecond},
			"web:bad": {Unready: []kubelet.Window{{}}, StopAfter: 300 * time.Millisecond},
		}}
}
