package kubelet

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Workload is what the containers of an image do. It is configuration: it must
// not change while a cluster uses it, and its functions must be pure but for
// what they do to the Files handed to them. The zero Workload is a well-behaved
// server: it is up at once, ready, runs until SIGTERM, exits 0, and answers
// nothing over HTTP. As an init container that is no sidecar it is done at once
// instead: its image is often that of a server, run with another command.
//
// Spans count from the start of the container.
type Workload struct {
	// StartAfter is when the process begins to listen: probes fail before.
	StartAfter time.Duration
	// ReadyAfter is when its readiness probe begins to succeed.
	ReadyAfter time.Duration
	// ExitAfter is when the process exits by itself with ExitCode. Zero means
	// never, unless Exits is set or it is an init container.
	ExitAfter time.Duration
	// Exits has the process exit by itself even with a zero ExitAfter: at
	// once.
	Exits    bool
	ExitCode int32

	// IgnoreSIGTERM has the process run until SIGKILL.
	IgnoreSIGTERM bool
	// StopAfter is how long the process takes to end after SIGTERM, and
	// StopCode its exit code then.
	StopAfter time.Duration
	StopCode  int32
	// PostStart and PreStop are how long those hooks take if they are commands
	// or requests (a sleep takes its own time); PostStartFails has the former
	// fail.
	PostStart, PreStop time.Duration
	PostStartFails     bool

	// Unready and Unhealthy are when the readiness probe fails, and when every
	// probe fails.
	Unready, Unhealthy []Window
	// ProbeOutput is what a failing exec probe prints.
	ProbeOutput string

	// HTTP answers requests on the container's ports (any port if the container
	// declares none). Nil means nobody listens.
	HTTP func(HTTPRequest) HTTPResponse
	// TLS has the container answer over HTTPS alone.
	TLS bool
	// ProbeHTTP has httpGet probes ask HTTP, at every period. Otherwise probes
	// are answered from the fields above, and a probe whose answer cannot
	// change costs nothing.
	ProbeHTTP bool
	// ProbeExec answers exec probes, at every period: what the command prints, and
	// whether it succeeds. Nil has them answered from the fields above.
	ProbeExec func(command []string, files *Files) (output string, ok bool)
	// OnStart runs when the process starts, with the container's files.
	OnStart func(*Files)

	// CreateError is why the runtime cannot create the container, in its words, and
	// StartError why it cannot start the one that it has created: "exec: \"server\":
	// executable file not found in $PATH", say. Empty means that it can.
	CreateError, StartError string

	// User is whom the image runs as: a number or a name. Empty means somebody
	// other than root, by number, as runAsNonRoot demands.
	User string

	// Log is what the process prints when it starts, line by line. Nil means
	// that it is not known; an empty list, that it prints nothing.
	Log []string

	// ImageSize is in bytes, for the event of a pull. Zero means a size made
	// up from the name.
	ImageSize int64
}

// Window is a span of a container's life, To not included. A zero To means for
// ever.
type Window struct{ From, To time.Duration }

// HTTPRequest is what a container is asked.
type HTTPRequest struct {
	Method, Path string
	Port         int
	// Scheme is "http" or "https". Host and Headers are what a probe sets of them.
	Scheme, Host string
	Headers      []corev1.HTTPHeader
	// Age is how long the container has run.
	Age time.Duration
	// Files are the container's, with what it knows of itself.
	Files *Files
}

// HTTPResponse is what it answers. A zero Status means 200.
type HTTPResponse struct {
	Status int
	Body   string
}

// Container is what a container knows of itself.
type Container struct {
	PodName, Namespace string
	// Ordinal is the number at the end of the pod's name, or -1.
	Ordinal  int
	Hostname string
	Name     string
	ID       string // 64 hexadecimal digits
	Image    string
	IP       string
	NodeName string
	// Env is in the order of the manifest, references resolved.
	Env []corev1.EnvVar
	// Mounts are the container's volume mounts. Shared: not to be changed.
	Mounts []corev1.VolumeMount
}

// Getenv returns the value of an environment variable, or "". The last one of
// a name counts.
func (c *Container) Getenv(name string) string {
	for i := len(c.Env) - 1; i >= 0; i-- {
		if c.Env[i].Name == name {
			return c.Env[i].Value
		}
	}
	return ""
}

// Log returns what the containers of an image print; false if that is not known.
func (w *World) Log(image string) ([]string, bool) {
	lines := w.workload(image).Log
	return lines, lines != nil
}

// exits reports whether and when the process ends by itself.
func (w *Workload) exits() (time.Duration, bool) { return w.ExitAfter, w.ExitAfter > 0 || w.Exits }

// health is what the probes find at an age, and until when that holds: forever
// if until is 0.
type health struct {
	listening, ok bool
	until         time.Duration
}

// probed tells how a probe of a type fares at an age, from the data alone (K20).
func (w *Workload) probed(t probeType, age time.Duration, extra []Window) health {
	h := health{listening: true, ok: true}
	fail := func(from, to time.Duration) bool {
		if age >= from && (age < to || to == 0) {
			h.ok = false
			if to != 0 && (h.until == 0 || to < h.until) {
				h.until = to
			}
			return true
		}
		if age < from && (h.until == 0 || from < h.until) {
			h.until = from
		}
		return false
	}
	if w.StartAfter > 0 && fail(0, w.StartAfter) {
		h.listening = false
	}
	if t == readiness && w.ReadyAfter > 0 {
		fail(0, w.ReadyAfter)
	}
	lists := [3][]Window{w.Unhealthy, extra}
	if t == readiness {
		lists[2] = w.Unready
	}
	for _, ws := range lists {
		for _, win := range ws {
			fail(win.From, win.To)
		}
	}
	return h
}

// repository returns an image's name without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image
}

// tagged returns an image's name with the default tag, as the registry is
// asked for it.
func tagged(image string) string {
	if strings.Contains(image, "@") || repository(image) != image {
		return image
	}
	return image + ":latest"
}

// qualified returns an image's full name, as containerd writes it.
func qualified(image string) string {
	image = tagged(image)
	host, _, found := strings.Cut(image, "/")
	switch {
	case !found:
		return "docker.io/library/" + image
	case host == "localhost" || strings.ContainsAny(host, ".:"):
		return image
	}
	return "docker.io/" + image
}
