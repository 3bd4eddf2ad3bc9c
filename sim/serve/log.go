package serve

import (
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"strconv"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// logOptions is what a client asks of a log.
type logOptions struct {
	container        string
	follow, previous bool
	tail, limit      int64 // -1 means all
}

func (c *call) logOptions() (o logOptions, err error) {
	q := c.r.URL.Query()
	o = logOptions{container: q.Get("container"), follow: q.Get("follow") == "true", previous: q.Get("previous") == "true", tail: -1, limit: -1}
	for name, to := range map[string]*int64{"tailLines": &o.tail, "limitBytes": &o.limit} { // each for itself
		text := q.Get(name)
		if text == "" {
			continue
		}
		if *to, err = strconv.ParseInt(text, 10, 64); err != nil || *to < 0 {
			return o, apierrors.NewBadRequest(fmt.Sprintf("%s: %s is no number of 0 or more", name, safe(text)))
		}
	}
	for _, name := range []string{"timestamps", "sinceSeconds", "sinceTime"} {
		if text := q.Get(name); text != "" && text != "false" {
			return o, apierrors.NewBadRequest(name + ": when a line was printed is not modelled here")
		}
	}
	return o, nil
}

// log answers GET …/log with the lines of the container's Workload.
func (c *call) log(t *target) {
	if c.r.Method != http.MethodGet {
		c.notAllowed()
		return
	}
	o, err := c.logOptions()
	var lines []string
	var pod *corev1.Pod
	var cur *cursor
	if err == nil {
		c.look(func(cl *sim.Cluster) {
			if pod, err = sim.Get[*corev1.Pod](cl, t.namespace, t.name); err != nil {
				return
			}
			if err = pickContainer(pod, &o.container); err != nil {
				return
			}
			if lines, err = cl.Logs(t.namespace, t.name, o.container, o.previous); err == nil && o.follow {
				cur, err = c.journal.from(&target{kind: apiserver.Pod}, cl.Version())
			}
		})
	}
	if err != nil {
		if _, known := err.(apierrors.APIStatus); !known {
			err = apierrors.NewInternalError(err)
		}
		c.fail(err)
		return
	}
	if o.tail >= 0 && int64(len(lines)) > o.tail {
		lines = lines[int64(len(lines))-o.tail:]
	}
	text := strings.Join(lines, "\n")
	if len(lines) > 0 {
		text += "\n"
	}
	if o.limit >= 0 && int64(len(text)) > o.limit {
		text = text[:o.limit]
	}
	plain(c.w, http.StatusOK, text)
	if cur != nil {
		defer cur.close()
		c.leave()
		c.untilEnded(pod, o.container, cur)
	}
}

// pickContainer fills in a pod's only container (LogLocation,
// podutil.GetContainer).
func pickContainer(pod *corev1.Pod, name *string) error {
	if *name != "" {
		return nil
	}
	if len(pod.Spec.Containers) == 1 {
		*name = pod.Spec.Containers[0].Name
		return nil
	}
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	return apierrors.NewBadRequest(fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(names, " ")))
}

// untilEnded waits until a container has ended, whose log is followed: no more
// lines come, since its Workload prints all of them at its start.
func (c *call) untilEnded(pod *corev1.Pod, container string, cur *cursor) {
	if f, ok := c.w.(http.Flusher); ok {
		f.Flush()
	}
	for {
		recs, told, err := cur.read()
		if err != nil {
			return
		}
		for _, rec := range recs {
			if rec.Key == apiserver.KeyOf(pod) && (rec.Object.GetUID() != pod.UID || !runs(rec.Object.(*corev1.Pod), container)) {
				return
			}
		}
		if len(recs) > 0 {
			continue
		}
		select {
		case <-told:
		case <-c.r.Context().Done():
			return
		case <-c.ending:
			return
		}
	}
}

// runs reports whether a container of a pod runs, as its status says.
func runs(pod *corev1.Pod, container string) bool {
	for _, s := range pod.Status.ContainerStatuses {
		if s.Name == container {
			return s.State.Running != nil
		}
	}
	return false
}
