package serve

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/statefulsim/statefulsim/sim"
)

// portForward answers …/portforward over SPDY, on which kubectl falls back. What goes
// through is HTTP: a GET is answered by the pod's workload.
func (c *call) portForward(t *target) {
	var pod *corev1.Pod
	var err error
	c.look(func(cl *sim.Cluster) { pod, err = sim.Get[*corev1.Pod](cl, t.namespace, t.name) })
	switch {
	case err != nil:
		c.fail(err)
		return
	case pod.Status.Phase != corev1.PodRunning:
		c.fail(apierrors.NewBadRequest(fmt.Sprintf("unable to forward port because pod is not running. Current status=%v", pod.Status.Phase)))
		return
	case wsstream.IsWebSocketRequest(c.r), !httpstream.IsUpgradeRequest(c.r):
		c.fail(apierrors.NewBadRequest("Upgrade request required: ports are forwarded over SPDY alone here"))
		return
	}
	conn, news := c.upgrade("portforward.k8s.io")
	if conn == nil {
		return
	}
	defer conn.Close()
	c.leave()
	errs := map[string]opened{} // by request
	for {
		select {
		case o := <-news:
			<-o.replied
			id := o.Headers().Get(corev1.PortForwardRequestIDHeader)
			if o.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				errs[id] = o
				continue
			}
			go c.forward(pod, o, errs[id]) // the client opens the stream of errors first
			delete(errs, id)
		case <-conn.CloseChan():
			return
		case <-c.ending:
			return
		}
	}
}

// forward answers what comes through a stream, and says on the other one why not.
func (c *call) forward(pod *corev1.Pod, data, errs opened) {
	defer data.Close()
	if errs.Stream != nil {
		defer errs.Close()
	}
	port := data.Headers().Get(corev1.PortHeader)
	in := bufio.NewReader(data)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			if err != io.EOF && errs.Stream != nil {
				fmt.Fprintf(errs, "an error occurred forwarding port %s: what is no HTTP is not modelled: %v", port, err)
			}
			return
		}
		res := c.ask(pod, port, req)
		if res == nil { // nobody listens
			if errs.Stream != nil {
				fmt.Fprintf(errs, "an error occurred forwarding %s -> %s: error forwarding port %s to pod %s, uid : connect: connection refused", port, port, port, pod.Name)
			}
			return
		}
		if res.Write(data) != nil || req.Close {
			return
		}
	}
}

// ask has a pod answer a request.
func (c *call) ask(pod *corev1.Pod, port string, req *http.Request) *http.Response {
	status, body, err := http.StatusNotImplemented, "of HTTP only GET is modelled here\n", error(nil)
	if req.Method == http.MethodGet {
		c.own(func(cl *sim.Cluster) {
			status, body, err = cl.HTTP("http://" + pod.Status.PodIP + ":" + port + req.URL.RequestURI())
		})
	}
	if err != nil {
		return nil
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: io.NopCloser(strings.NewReader(body))}
}
