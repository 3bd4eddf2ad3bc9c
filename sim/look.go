package sim

import (
	"fmt"
	"net/url"
	"strconv"

	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/volume/nfs"
)

// DNS returns the cluster's name server. It answers from what it has been told
// by its watch; a Fork of its Index is a snapshot that can be served.
func (c *Cluster) DNS() *dns.Server {
	defer c.end(c.look("DNS"))
	return c.nameServer()
}

func (c *Cluster) nameServer() *dns.Server { return c.host.Actor(c.dns).(*dns.Server) }

// Domain returns the zone of the cluster's DNS names, "cluster.local".
func (c *Cluster) Domain() string { return c.cfg.domain() }

// Query asks the cluster's name server, as `dig NAME TYPE @10.96.0.10` does.
func (c *Cluster) Query(name string, qtype uint16) *miekg.Msg {
	defer c.end(c.look("Query"))
	return c.nameServer().Answer(dns.Query(0, name, qtype))
}

// Lookup resolves a name as a program in a running pod would: by the pod's
// hosts file, then along its search path. The error is a *dns.LookupError if
// the name has no address.
func (c *Cluster) Lookup(namespace, pod, name string) (dns.Resolution, error) {
	defer c.end(c.look("Lookup"))
	p, err := c.runningPod(namespace, pod)
	if err != nil {
		return dns.Resolution{}, err
	}
	return c.nameServer().Resolver().Lookup(p, name)
}

// Nslookup returns what busybox nslookup prints in a running pod, and whether
// the name was found.
func (c *Cluster) Nslookup(namespace, pod, name string) (string, bool, error) {
	defer c.end(c.look("Nslookup"))
	p, err := c.runningPod(namespace, pod)
	if err != nil {
		return "", false, err
	}
	text, found := dns.Nslookup(c.nameServer().Resolver(), p, name)
	return text, found, nil
}

// HTTP fetches a URL, whose host is a pod's address or any name that the
// cluster's DNS knows in full, and returns status and body. If nobody answers,
// the error has curl's words.
func (c *Cluster) HTTP(rawURL string) (status int, body string, err error) {
	defer c.end(c.look("HTTP"))
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		if u, err = url.Parse("http://" + rawURL); err != nil {
			return 0, "", fmt.Errorf("curl: (3) URL rejected: %q", rawURL)
		}
	}
	port := 80
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return 0, "", fmt.Errorf("curl: (3) URL rejected: Port number was not a decimal number")
		}
	}
	host := u.Hostname()
	for _, rr := range c.nameServer().Answer(dns.Query(0, host, miekg.TypeA)).Answer {
		if a, ok := rr.(*miekg.A); ok {
			host = a.A.String()
			break
		}
	}
	outer := c.guard.inside
	c.guard.inside = "a Workload's HTTP"
	res, err := c.world().HTTP(c.host.Engine().Now(), host, port, u.RequestURI())
	c.guard.inside = outer
	return res.Status, res.Body, err
}

// ReadFile returns the content of a file as a container of a running pod sees
// it; an empty container means the first.
func (c *Cluster) ReadFile(namespace, pod, container, path string) (string, error) {
	defer c.end(c.look("ReadFile"))
	return c.readWorld().ReadFile(keyFor(apiserver.Pod, namespace, pod), c.container(namespace, pod, container), path)
}

// WriteFile writes a file as a container of a running pod; an empty container
// means the first. Files on a volume outlive the pod.
func (c *Cluster) WriteFile(namespace, pod, container, path, content string) error {
	c.drive("WriteFile")
	defer c.done()
	return c.world().WriteFile(keyFor(apiserver.Pod, namespace, pod), c.container(namespace, pod, container), path, content)
}

// container returns a container's name, or that of the pod's first.
func (c *Cluster) container(namespace, pod, container string) string {
	if container != "" {
		return container
	}
	p, err := c.runningPod(namespace, pod)
	if err != nil {
		return ""
	}
	return p.Spec.Containers[0].Name
}

// Processes returns the containers that run on the nodes, whatever the API
// says: the ground truth.
func (c *Cluster) Processes() []kubelet.Process {
	defer c.end(c.look("Processes"))
	return c.readWorld().Processes()
}

// NFS returns the file servers on the network.
func (c *Cluster) NFS() *nfs.Network {
	defer c.end(c.look("NFS"))
	return c.world().NFS
}

// runningPod returns a pod that has an address.
func (c *Cluster) runningPod(namespace, name string) (*corev1.Pod, error) {
	obj, err := c.read(apiserver.Pod, namespace, name)
	if err != nil {
		return nil, err
	}
	pod := obj.(*corev1.Pod)
	if pod.Status.PodIP == "" || pod.Status.Phase != corev1.PodRunning {
		return nil, fmt.Errorf("pod %s/%s is not running", pod.Namespace, name)
	}
	return pod, nil
}
