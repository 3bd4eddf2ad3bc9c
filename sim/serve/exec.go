package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/statefulsim/statefulsim/sim"
)

// Exec runs a command in a container: what it prints, and its exit code. The
// error is for what is not modelled.
type Exec func(c *sim.Cluster, namespace, pod, container string, command []string, stdin string) (stdout, stderr string, code int, err error)

// exec answers …/exec over WebSocket, which kubectl asks for first, or SPDY. The standard input is read to its end before the
// command runs: commands of the simulator take no time.
func (c *call) exec(t *target) {
	q := c.r.URL.Query()
	command, container := q["command"], q.Get("container")
	switch {
	case c.cfg.Exec == nil:
		c.fail(apierrors.NewBadRequest("running a command in a container is not modelled here"))
		return
	case len(command) == 0:
		c.fail(apierrors.NewBadRequest("you must specify at least 1 command for the container"))
		return
	}
	var err error
	c.look(func(cl *sim.Cluster) {
		var pod *corev1.Pod
		if pod, err = sim.Get[*corev1.Pod](cl, t.namespace, t.name); err != nil {
			return
		}
		if err = pickContainer(pod, &container); err == nil && pod.Spec.NodeName == "" {
			err = apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", t.name))
		}
	})
	if err != nil {
		c.fail(err)
		return
	}
	var streams *streams
	switch {
	case wsstream.IsWebSocketRequest(c.r):
		streams = c.overWebSocket()
	case httpstream.IsUpgradeRequest(c.r):
		streams = c.overSPDY()
	default:
		c.fail(apierrors.NewBadRequest("Upgrade request required"))
		return
	}
	if streams == nil {
		return // the answer has been given
	}
	defer streams.close()
	c.leave()
	stdin := ""
	if streams.stdin != nil {
		data, err := readLimited(streams.stdin, 3<<20)
		if err != nil && !errors.Is(err, io.EOF) {
			return
		}
		stdin = string(data)
	}
	var stdout, stderr string
	code := 0
	c.own(func(cl *sim.Cluster) {
		stdout, stderr, code, err = c.cfg.Exec(cl, t.namespace, t.name, container, command, stdin)
	})
	if streams.stdout != nil {
		io.WriteString(streams.stdout, stdout)
	}
	if streams.stderr != nil {
		io.WriteString(streams.stderr, stderr)
	}
	st := metav1.Status{Status: metav1.StatusSuccess}
	switch {
	case err != nil:
		st = metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonInternalError, Code: http.StatusInternalServerError, Message: err.Error()}
	case code != 0: // remotecommand's v4 protocol, NonZeroExitCodeReason
		st = metav1.Status{Status: metav1.StatusFailure, Reason: "NonZeroExitCode", Message: fmt.Sprintf("command terminated with non-zero exit code: exit status %d", code),
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: "ExitCode", Message: fmt.Sprint(code)}}}}
	}
	writeStatus(streams.status, st)
}

// writeStatus says how a command has ended.
func writeStatus(w io.Writer, st metav1.Status) {
	data, err := json.Marshal(st)
	if err == nil {
		w.Write(data)
	}
}
