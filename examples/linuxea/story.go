package main

import (
	"embed"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
)

//go:embed pv-demo.yaml satefulset-demo.yaml
var manifests embed.FS

// articleSeed is the smallest seed with which the claims of satefulset-0 to
// satefulset-4 bind linuxea-3, -4, -2, -1 and -5, as in the article, and the
// first three pods run on the article's nodes.
const articleSeed = 226

// age is how old the cluster is when the story begins.
const age = 13 * 24 * time.Hour

// Setting is what a telling can vary. The zero values of all but Seed are the
// article's.
type Setting struct {
	Seed     uint64
	Nodes    []sim.Node // nil means the article's three
	Replicas int        // of the larger scale; 0 means 5
	// Workloads are what the images do; nil means the article's web servers.
	Workloads map[string]kubelet.Workload
	// Actors are further controllers.
	Actors []controller.Actor
	// DetectMutation is sim.Config's.
	DetectMutation bool
	// Begin is called with the new cluster, before anything is told.
	Begin func(*sim.Cluster)
}

func articleNodes() []sim.Node {
	return []sim.Node{
		{Name: "linuxea.node-1.com", PodCIDR: "172.16.3.0/24", FirstPodIP: "172.16.3.43"},
		{Name: "linuxea.node-2.com", PodCIDR: "172.16.4.0/24", FirstPodIP: "172.16.4.11"},
		{Name: "linuxea.node-3.com", PodCIDR: "172.16.5.0/24", FirstPodIP: "172.16.5.116"},
	}
}

// page is what the article's web server answers: its host's name, its
// container and its version.
func page(version string) kubelet.Workload {
	return kubelet.Workload{HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
		if r.Path != "/linuxea.html" {
			return kubelet.HTTPResponse{Status: 404, Body: "404 Not Found\n"}
		}
		return kubelet.HTTPResponse{Status: 200, Body: fmt.Sprintf("linuxea-%s.com ▍ %.13s ▍version number %s\n",
			r.Files.Hostname, r.Files.ID, version)}
	}}
}

// teller runs the commands of the story and prints them with their output.
type teller struct {
	out     io.Writer
	cluster *sim.Cluster
	shell   *shell.Shell
	large   int
	err     error // the first one; nothing is told after it
}

// Tell tells the whole story and returns the cluster at its end.
func Tell(out io.Writer, s Setting) (*sim.Cluster, error) {
	if s.Nodes == nil {
		s.Nodes = articleNodes()
	}
	if s.Replicas == 0 {
		s.Replicas = 5
	}
	if s.Workloads == nil {
		s.Workloads = map[string]kubelet.Workload{"marksugar/nginx:1.14.a": page("1.0"), "marksugar/nginx:1.14.b": page("2.0")}
	}
	latency := sim.Realistic()
	latency.Apply = controller.Range{} // whole files at one moment
	c := sim.New(sim.Config{Seed: s.Seed, Nodes: s.Nodes, Actors: s.Actors, Workloads: s.Workloads, Latency: &latency,
		DetectMutation: s.DetectMutation})
	t := &teller{out: out, cluster: c, shell: shell.New(c, manifests), large: s.Replicas}
	if s.Begin != nil {
		s.Begin(c)
	}
	t.wait(age)
	for _, chapter := range []func(){
		t.createVolumes, t.createSet, t.lookUp, t.deleteAndCreate, t.scaleUp, t.scaleDown, t.updatePartition, t.updateAll,
	} {
		chapter()
		if t.err != nil {
			return c, t.err
		}
	}
	return c, nil
}

func (t *teller) createVolumes() {
	t.title("I. 创建PV")
	t.run("cat pv-demo.yaml")
	t.run("kubectl apply -f pv-demo.yaml")
	t.wait(4 * time.Second)
	t.run("kubectl get pv")
	t.run("kubectl get pvc")
}

func (t *teller) createSet() {
	t.title("II. 创建satefulset")
	t.run("cat satefulset-demo.yaml")
	t.run("kubectl apply -f satefulset-demo.yaml")
	t.wait(5 * time.Second)
	t.run("kubectl get svc")
	t.wait(4 * time.Second)
	t.run("kubectl get sts")
	t.wait(8 * time.Second)
	t.run("kubectl get pvc")
	t.wait(10 * time.Second)
	t.run("kubectl get pv")
	t.wait(2 * time.Second)
	t.run("kubectl get pods -o wide")
}

func (t *teller) lookUp() {
	t.title("pod的名称是固定的")
	t.wait(12 * time.Minute)
	t.run("kubectl exec -it satefulset-0 nslookup satefulset-0") // 2018's spelling
	for i := range 2 {
		t.run(fmt.Sprintf("kubectl exec -it satefulset-%d -- nslookup satefulset-%d", i, i))
	}
	t.run("kubectl exec -it satefulset-0 -- nslookup satefulset-1.satefulset-linuxea")
	t.run("kubectl exec -it satefulset-0 -- nslookup satefulset-1")
	t.run(digFirst)
	t.run(`kubectl exec satefulset-0 -- sh -c "echo linuxea > /data/wwwroot/written.txt"`)
	t.wait(45 * time.Minute)
	t.run("kubectl get pvc")
}

const digFirst = "dig -t A satefulset-0.satefulset-linuxea.default.svc.cluster.local @10.96.0.10"

func (t *teller) deleteAndCreate() {
	t.title("删除和创建")
	t.watching("kubectl get pods -w", func() {
		t.run("kubectl delete -f satefulset-demo.yaml")
		t.settle()
	})
	t.run(digFirst)
	t.watching("kubectl get pods -w", func() {
		t.run("kubectl apply -f satefulset-demo.yaml")
		t.settle()
	})
	t.run("kubectl get pvc")
	t.run("kubectl get pods -o wide")
	t.run(digFirst)
	t.run("kubectl exec satefulset-0 -- cat /data/wwwroot/written.txt")
	t.wait(time.Hour)
}

func (t *teller) scaleUp() {
	t.title("扩展")
	t.watching("kubectl get pods -w", func() {
		t.run(fmt.Sprintf("kubectl scale sts satefulset --replicas=%d", t.large))
		t.settle()
	})
	t.wait(15 * time.Second)
	t.run("kubectl get pods")
	t.wait(3 * time.Minute)
	t.run("kubectl get pvc")
	t.wait(17 * time.Minute)
}

func (t *teller) scaleDown() {
	t.title("缩减")
	t.watching("kubectl get pods -w", func() {
		t.run("kubectl scale sts satefulset --replicas=2")
		t.settle()
	})
	t.run("kubectl get pods")
	t.watching("kubectl get pods -w", func() {
		t.run(fmt.Sprintf("kubectl scale sts satefulset --replicas=%d", t.large))
		t.settle()
	})
	t.run(`kubectl scale sts satefulset -p '{"spec":{"replicas":2}}'`)
	t.run(`kubectl patch sts satefulset -p '{"spec":{"replicas":2}}'`)
	t.settle()
	t.run("kubectl get pods")
	t.run(fmt.Sprintf("kubectl scale sts satefulset --replicas=%d", t.large))
	t.run("kubectl rollout status sts/satefulset")
	t.wait(13 * time.Hour)
}

func (t *teller) updatePartition() {
	t.title("滚动")
	t.run(`kubectl patch sts satefulset -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":4}}}}'`)
	t.run("kubectl describe sts satefulset")
	t.curlAll()
	t.title("更新partition")
	t.run(`kubectl patch sts satefulset -p '{"spec":{"template":{"spec":{"containers[0]":{"image":"marksugar/nginx:1.14.b"}}}}}'`)
	t.run("kubectl get sts -o wide")
	t.watching("kubectl get pods -o wide -w", func() {
		t.run("kubectl set image sts/satefulset satefulset=marksugar/nginx:1.14.b")
		t.run("kubectl get sts -o wide")
		t.settle()
	})
	t.run(`kubectl get pods satefulset-4 -o yaml|grep image`)
	t.run("kubectl get controllerrevisions")
	t.wait(11 * time.Minute)
}

func (t *teller) updateAll() {
	t.watching("kubectl get pods -w", func() {
		t.run(`kubectl patch sts satefulset -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`)
		t.settle()
	})
	t.run("kubectl rollout status sts/satefulset")
	t.curlAll()
	t.run("kubectl get pods -o wide")
	t.run("kubectl get sts -o wide")
}

// curlAll fetches the page of every pod, by the address that it has now.
func (t *teller) curlAll() {
	for i := range t.large {
		pod, err := sim.Get[*corev1.Pod](t.cluster, "default", fmt.Sprintf("satefulset-%d", i))
		if err != nil {
			t.fail(err)
			return
		}
		t.run(fmt.Sprintf("curl http://%s/linuxea.html", pod.Status.PodIP))
	}
}

const prompt = "[root@linuxea ~]# "

func (t *teller) title(text string) { t.print("\n── " + text + "\n\n") }

// run types a command and prints what it answers.
func (t *teller) run(line string) {
	if t.err != nil {
		return
	}
	t.print(prompt + line + "\n")
	t.print(t.shell.Run(line).Text)
}

// watching does something while a watch runs in a second terminal, and shows
// that terminal afterwards.
func (t *teller) watching(line string, do func()) {
	if t.err != nil {
		return
	}
	watch, out := t.shell.Watch(line)
	if out.Code != 0 {
		t.fail(fmt.Errorf("%s: %s", line, out.Text))
		return
	}
	do()
	watch.Close()
	t.print(prompt + line + "\n" + watch.Read())
}

func (t *teller) wait(d time.Duration) { t.fail(t.cluster.Run(d)) }

func (t *teller) settle() {
	settled, err := t.cluster.Settle()
	if err == nil && len(settled.Waiting) > 0 {
		err = &sim.StuckError{Reason: "the cluster has come to rest, unfinished", Waiting: settled.Waiting}
	}
	t.fail(err)
}

func (t *teller) print(text string) {
	if t.err != nil {
		return
	}
	_, err := io.WriteString(t.out, strings.TrimSuffix(text, "\n")+suffix(text))
	t.fail(err)
}

// suffix ends what a command printed with a line break, if it printed anything.
func suffix(text string) string {
	if text == "" {
		return ""
	}
	return "\n"
}

func (t *teller) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}
