package why_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

var rewrite = flag.Bool("rewrite", false, "write what is explained to testdata")

// web is a StatefulSet and its Service, with lines added to its spec and to its
// pods' spec.
func web(spec, pod string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  selector: {matchLabels: {app: web}}
%s
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
%s
      containers:
      - name: nginx
        image: nginx:1
        readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}
        ports: [{containerPort: 80}]
`, indent(spec, 2), indent(pod, 6))
}

func indent(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Repeat(" ", n) + strings.Join(lines, "\n"+strings.Repeat(" ", n))
}

const claims = `
volumeClaimTemplates:
- metadata: {name: www}
  spec: {accessModes: [ReadWriteOnce], storageClassName: %q, resources: {requests: {storage: 5Gi}}}`

func volume(name, size, extra string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: %s}
spec:
  capacity: {storage: %s}
  accessModes: [ReadWriteOnce]
  nfs: {server: nfs, path: /%s}
%s
`, name, size, name, indent(extra, 2))
}

// situation is a cluster in which something waits, and what is asked of it.
type situation struct {
	name string
	cfg  sim.Config
	do   func(w *world)
	ask  []string // "pod/web-2"
}

// world is a cluster whose errors fail the test.
type world struct {
	*sim.Cluster
	t *testing.T
}

func (w *world) apply(manifests ...string) {
	for _, m := range manifests {
		_, err := w.Apply(m)
		require.NoError(w.t, err)
	}
}

func (w *world) run(d time.Duration) { require.NoError(w.t, w.Run(d)) }
func (w *world) must(err error)      { require.NoError(w.t, err) }
func (w *world) image(image string)  { w.must(w.SetImage("", "web", "nginx", image)) }

// situations are the bad days that have an explanation.
func situations() []situation {
	bad := map[string]kubelet.Workload{"nginx:bad": {ReadyAfter: 1000 * time.Hour}, "nginx:crash": {Exits: true, ExitCode: 1}}
	return []situation{
		{name: "a claim that no volume fits, one being Released", ask: []string{"pod/web-2", "statefulset/web", "pvc/www-web-1", "pv/pv-1"}, do: func(w *world) {
			w.apply(volume("pv-0", "5Gi", ""), volume("pv-1", "5Gi", ""), volume("pv-2", "1Gi", ""))
			w.apply(`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: former}, spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: pv-1, resources: {requests: {storage: 5Gi}}}}`)
			w.run(time.Minute)
			w.must(w.Delete(apiserver.PersistentVolumeClaim, "", "former"))
			w.run(time.Minute)
			w.apply(web(fmt.Sprintf(claims, ""), ""))
			w.run(5 * time.Minute)
		}},
		{name: "the stuck rollout (kubernetes#67250)", cfg: sim.Config{Workloads: bad}, ask: []string{"statefulset/web", "pod/web-2", "service/web"}, do: func(w *world) {
			w.apply(web("", ""))
			w.run(time.Minute)
			w.image("nginx:bad")
			w.run(time.Minute)
			w.image("nginx:1")
			w.run(time.Minute)
		}},
		{name: "a container that crashes", cfg: sim.Config{Workloads: bad}, ask: []string{"pod/web-1", "pod/web-0"}, do: func(w *world) {
			w.apply(web("", ""))
			w.image("nginx:crash")
			w.run(10 * time.Minute)
		}},
		{name: "a quota without room for the third pod", ask: []string{"statefulset/web", "pod/web-2"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {pods: "2"}}}`)
			w.run(time.Second)
			w.apply(web("", ""))
			w.run(time.Minute)
		}},
		{name: "a quota of cpu, and containers that state none", ask: []string{"pod/web-0"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {requests.cpu: "2", limits.memory: 1Gi}}}`)
			w.run(time.Second)
			w.apply(web("", ""))
			w.run(time.Minute)
		}},
		{name: "a machine that is switched off", ask: []string{"statefulset/web", "pod/web-1", "node/node-1"}, do: func(w *world) {
			w.apply(web("", ""))
			w.run(time.Minute)
			pod, err := sim.Get[*corev1.Pod](w.Cluster, "", "web-1")
			w.must(err)
			w.must(w.CrashNode(pod.Spec.NodeName))
			w.must(w.Delete(apiserver.Pod, "", "web-1"))
			w.run(time.Second)
		}},
		{name: "a Secret that does not exist", ask: []string{"pod/web-0", "statefulset/web"}, do: func(w *world) {
			w.apply(web("", "volumes: [{name: key, secret: {secretName: tls}}]") + "        volumeMounts: [{name: key, mountPath: /key}]\n")
			w.run(time.Minute)
		}},
		{name: "taints, and a cordoned node", cfg: sim.Config{Nodes: []sim.Node{{Name: "a", Taints: []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}}}, {Name: "b"}}},
			ask: []string{"pod/web-0", "node/b"}, do: func(w *world) {
				w.must(w.Cordon("b", true))
				w.apply(web("", ""))
				w.run(time.Minute)
			}},
		{name: "anti-affinity with too few nodes", ask: []string{"pod/web-3", "pod/web-4"}, do: func(w *world) {
			w.apply(web("", "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}"))
			w.must(w.Scale("", "web", 5))
			w.run(2 * time.Minute)
		}},
		{name: "affinity to pods that nobody runs", ask: []string{"pod/web-0"}, do: func(w *world) {
			w.apply(web("", "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: cache}}, topologyKey: kubernetes.io/hostname}]}}"))
			w.run(time.Minute)
		}},
		{name: "more cpu than there is", ask: []string{"pod/big"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: Pod, metadata: {name: big}, spec: {containers: [{name: c, image: c, resources: {requests: {cpu: 64}}}]}}`)
			w.run(time.Minute)
		}},
		{name: "a volume on one node, which has no room", cfg: sim.Config{Nodes: []sim.Node{{Name: "a", CPU: "1"}, {Name: "b"}}}, ask: []string{"pod/web-0", "pvc/www-web-0"}, do: func(w *world) {
			w.apply(volume("local", "5Gi", "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [a]}]}]}}"))
			w.apply(`{apiVersion: v1, kind: Pod, metadata: {name: other}, spec: {nodeName: a, containers: [{name: c, image: c, resources: {requests: {cpu: 1}}}]}}`)
			w.apply(strings.Replace(web(fmt.Sprintf(claims, ""), ""), "image: nginx:1", "image: nginx:1\n        resources: {requests: {cpu: 500m}}", 1))
			w.run(time.Minute)
		}},
		{name: "a claim that waits for its first consumer", ask: []string{"pvc/lone"}, do: func(w *world) {
			w.apply(`{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: late}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}`)
			w.apply(`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: lone}, spec: {accessModes: [ReadWriteOnce], storageClassName: late, resources: {requests: {storage: 5Gi}}}}`)
			w.run(time.Minute)
		}},
		{name: "a class whose provisioner does not run", ask: []string{"pvc/www-web-0"}, do: func(w *world) {
			w.apply(`{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: csi.example.com}`)
			w.apply(web(fmt.Sprintf(claims, "fast"), ""))
			w.run(time.Minute)
		}},
		{name: "a class that does not exist", ask: []string{"pvc/www-web-0"}, do: func(w *world) {
			w.apply(web(fmt.Sprintf(claims, "fast"), ""))
			w.run(time.Minute)
		}},
		{name: "a claim that a pod still uses", cfg: sim.Config{Provision: true}, ask: []string{"pvc/www-web-0"}, do: func(w *world) {
			w.apply(web(fmt.Sprintf(claims, "fast"), ""))
			w.run(time.Minute)
			w.must(w.Delete(apiserver.PersistentVolumeClaim, "", "www-web-0"))
			w.run(time.Second)
		}},
		{name: "a partition", ask: []string{"statefulset/web"}, do: func(w *world) {
			w.apply(web("updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}", ""))
			w.run(time.Minute)
			w.image("nginx:2")
			w.run(2 * time.Minute)
		}},
		{name: "OnDelete", ask: []string{"statefulset/web"}, do: func(w *world) {
			w.apply(web("updateStrategy: {type: OnDelete}", ""))
			w.run(time.Minute)
			w.image("nginx:2")
			w.run(time.Minute)
		}},
		{name: "minReadySeconds", ask: []string{"pod/web-1", "statefulset/web"}, do: func(w *world) {
			w.apply(web("minReadySeconds: 600", ""))
			w.run(time.Minute)
		}},
		{name: "a finalizer", ask: []string{"configmap/kept"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, finalizers: [example.com/hold]}}`)
			w.must(w.Delete(apiserver.KindNamed("configmap"), "", "kept"))
			w.run(time.Second)
		}},
		{name: "a foreign scheduler", ask: []string{"pod/web-0"}, do: func(w *world) {
			w.apply(web("", "schedulerName: stork"))
			w.run(time.Minute)
		}},
		{name: "a scheduling gate", ask: []string{"pod/web-0"}, do: func(w *world) {
			w.apply(web("", "schedulingGates: [{name: example.com/quota}]"))
			w.run(time.Minute)
		}},
		{name: "a readiness gate", ask: []string{"pod/web-0"}, do: func(w *world) {
			w.apply(web("", "readinessGates: [{conditionType: example.com/lb}]"))
			w.run(time.Minute)
		}},
		{name: "a budget that blocks a drain", ask: []string{"node/node-1", "pdb/web"}, do: func(w *world) {
			w.apply(web("", ""), `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 3, selector: {matchLabels: {app: web}}}}`)
			w.run(time.Minute)
			pod, err := sim.Get[*corev1.Pod](w.Cluster, "", "web-0")
			w.must(err)
			if pod.Spec.NodeName != "node-1" { // any node will do; the question names node-1
				for _, name := range []string{"web-1", "web-2"} {
					other, err := sim.Get[*corev1.Pod](w.Cluster, "", name)
					w.must(err)
					if other.Spec.NodeName == "node-1" {
						pod = other
					}
				}
			}
			require.Equal(w.t, "node-1", pod.Spec.NodeName)
			w.must(w.Cordon("node-1", true))
			require.Error(w.t, w.Evict("", pod.Name))
		}},
		{name: "a foreign pod that holds a name", ask: []string{"statefulset/web", "pod/web-1"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: Pod, metadata: {name: web-0}, spec: {containers: [{name: c, image: c}]}}`, web("", ""))
			w.run(time.Minute)
		}},
		{name: "a name beyond the set, and one of no set", ask: []string{"pod/web-7", "pod/nobody"}, do: func(w *world) {
			w.apply(web("", ""))
			w.run(time.Minute)
		}},
		{name: "a namespace that does not go", ask: []string{"namespace/old"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: Namespace, metadata: {name: old}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: old, finalizers: [example.com/hold]}}`)
			w.must(w.Delete(apiserver.Namespace, "", "old"))
			w.run(time.Minute)
		}},
		{name: "a Service without pods", ask: []string{"service/lone"}, do: func(w *world) {
			w.apply(`{apiVersion: v1, kind: Service, metadata: {name: lone}, spec: {selector: {app: none}, ports: [{port: 80}]}}`)
			w.run(time.Second)
		}},
		{name: "a volume attached to a node that is off", cfg: sim.Config{Provision: true}, ask: []string{"pod/web-0", "statefulset/web"}, do: func(w *world) {
			w.apply(`{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: csi.example.com}`, web(fmt.Sprintf(claims, "fast"), "")+"        volumeMounts: [{name: www, mountPath: /www}]\n")
			w.run(time.Minute)
			pod, err := sim.Get[*corev1.Pod](w.Cluster, "", "web-0")
			w.must(err)
			w.must(w.CrashNode(pod.Spec.NodeName))
			w.run(2 * time.Minute)
			w.must(w.Delete(apiserver.Pod, "", "web-0", sim.DeleteOptions{GracePeriodSeconds: new(int64)}))
			w.run(time.Minute)
		}},
		{name: "a volume that a pod on another node uses", cfg: sim.Config{Provision: true}, ask: []string{"pod/b"}, do: func(w *world) {
			w.apply(`{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: csi.example.com}`)
			w.apply(`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: shared}, spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 5Gi}}}}`)
			for i, pod := range []string{"a", "b"} {
				w.apply(fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {nodeName: node-%d, containers: [{name: c, image: c, volumeMounts: [{name: d, mountPath: /d}]}], volumes: [{name: d, persistentVolumeClaim: {claimName: shared}}]}}`, pod, i+1))
				w.run(time.Minute)
			}
		}},
		{name: "all is well", cfg: sim.Config{Provision: true}, ask: []string{"pod/web-2", "statefulset/web", "pvc/www-web-0", "node/node-1", "service/web"}, do: func(w *world) {
			w.apply(web(fmt.Sprintf(claims, "fast"), ""))
			w.run(time.Minute)
		}},
	}
}

// TestSituations: each bad day has its explanation, to the letter. The sentences
// are ours; what they say of causes was read from the rules that they cite.
func TestSituations(t *testing.T) {
	var b strings.Builder
	for _, s := range situations() {
		w := &world{sim.New(s.cfg), t}
		s.do(w)
		fmt.Fprintf(&b, "== %s\n", s.name)
		for _, ask := range s.ask {
			resource, name, _ := strings.Cut(ask, "/")
			fmt.Fprintf(&b, "$ why %s\n", ask)
			r := w.Why(apiserver.KindNamed(resource), "", name)
			if r.IsZero() {
				fmt.Fprintln(&b, "it waits for nothing")
			}
			for _, line := range r.Lines() {
				fmt.Fprintln(&b, line)
			}
		}
		b.WriteByte('\n')
	}
	// When exactly something happens hangs on latencies, which are not the point.
	text := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(b.String(), "HH:MM:SS")
	const path = "testdata/situations.txt"
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}
