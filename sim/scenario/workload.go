package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// workload is a kubelet.Workload as text: the same fields, but for those that are
// code. In their place stand pages.
type workload struct {
	StartAfter, ReadyAfter, ExitAfter span
	Exits                             bool
	ExitCode                          int32
	IgnoreSIGTERM                     bool
	StopAfter                         span
	StopCode                          int32
	PostStart, PreStop                span
	PostStartFails                    bool
	Unready, Unhealthy                []window
	ProbeOutput                       string
	TLS, ProbeHTTP                    bool
	CreateError, StartError           string
	User                              string
	Log                               []string
	ImageSize                         int64
	// Pages are what it answers on HTTP, by path; other paths are not found.
	Pages map[string]string
}

type window struct{ From, To span }

// span is a time.Duration that is written as "30s"; a number counts
// nanoseconds, as in Go's own JSON.
type span time.Duration

func (s *span) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		d, err := parseSpan(text)
		*s = span(d)
		return err
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is no span of time: want \"90s\", \"5m\" or \"1h30m\"", data)
	}
	*s = span(n)
	return nil
}

// parseWorkload reads a workload.
func parseWorkload(text string) (kubelet.Workload, error) {
	var w workload
	if err := yaml.UnmarshalStrict([]byte(text), &w); err != nil {
		return kubelet.Workload{}, fmt.Errorf("%s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error unmarshaling JSON: "), "while decoding JSON: "))
	}
	out := kubelet.Workload{
		StartAfter: time.Duration(w.StartAfter), ReadyAfter: time.Duration(w.ReadyAfter), ExitAfter: time.Duration(w.ExitAfter),
		Exits: w.Exits, ExitCode: w.ExitCode, IgnoreSIGTERM: w.IgnoreSIGTERM, StopAfter: time.Duration(w.StopAfter), StopCode: w.StopCode,
		PostStart: time.Duration(w.PostStart), PreStop: time.Duration(w.PreStop), PostStartFails: w.PostStartFails,
		Unready: windows(w.Unready), Unhealthy: windows(w.Unhealthy), ProbeOutput: w.ProbeOutput, TLS: w.TLS, ProbeHTTP: w.ProbeHTTP,
		CreateError: w.CreateError, StartError: w.StartError, User: w.User, Log: w.Log, ImageSize: w.ImageSize,
	}
	if w.Pages != nil {
		out.HTTP = pages(w.Pages)
	}
	return out, out.Validate()
}

func windows(list []window) []kubelet.Window {
	var out []kubelet.Window
	for _, w := range list {
		out = append(out, kubelet.Window{From: time.Duration(w.From), To: time.Duration(w.To)})
	}
	return out
}

// pages answers requests by path. In a page ${NAME} is the container's
// environment variable NAME, or one of HOSTNAME, POD_NAME, POD_NAMESPACE, POD_IP,
// NODE_NAME and CONTAINER_ID; ${NAME:0:13} are 13 bytes of it from the first on,
// as in bash.
func pages(by map[string]string) func(kubelet.HTTPRequest) kubelet.HTTPResponse {
	return func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
		page, ok := by[r.Path]
		if !ok {
			return kubelet.HTTPResponse{Status: 404, Body: "404 Not Found\n"}
		}
		return kubelet.HTTPResponse{Body: os.Expand(page, func(name string) string { return variable(r.Files, name) })}
	}
}

func variable(f *kubelet.Files, name string) string {
	name, part, cut := strings.Cut(name, ":")
	value, ok := map[string]string{
		"HOSTNAME": f.Hostname, "POD_NAME": f.PodName, "POD_NAMESPACE": f.Namespace, "POD_IP": f.IP, "NODE_NAME": f.NodeName, "CONTAINER_ID": f.ID,
	}[name]
	if !ok {
		value = f.Getenv(name)
	}
	if !cut {
		return value
	}
	from, length, _ := strings.Cut(part, ":")
	i, _ := strconv.Atoi(from)
	value = value[min(max(i, 0), len(value)):]
	if n, err := strconv.Atoi(length); err == nil {
		value = value[:min(max(n, 0), len(value))]
	}
	return value
}
