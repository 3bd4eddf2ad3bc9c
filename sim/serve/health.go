package serve

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/version"

	"github.com/statefulsim/statefulsim/sim"
)

// version answers GET /version.
func (c *call) version() {
	v := strings.TrimPrefix(sim.KubernetesVersion, "v")
	parts := strings.Split(v, ".")
	c.encodeJSON(http.StatusOK, version.Info{Major: parts[0], Minor: parts[1], GitVersion: sim.KubernetesVersion, GitTreeState: "clean",
		GoVersion: runtime.Version(), Compiler: runtime.Compiler, Platform: runtime.GOOS + "/" + runtime.GOARCH})
}

// healthy answers GET /livez and /readyz: ok, or why the clock stands still.
func (c *call) healthy(path string) {
	var err error
	c.mu.Lock()
	err = c.clock.fault
	c.mu.Unlock()
	if err != nil && strings.HasPrefix(path, "readyz") {
		plain(c.w, http.StatusInternalServerError, fmt.Sprintf("the cluster's clock stands still: %v\n", err))
		return
	}
	plain(c.w, http.StatusOK, "ok")
}

// paths answers GET /.
func (c *call) paths() {
	paths := []string{"/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"}
	for _, g := range c.groupNames() {
		paths = append(paths, "/apis/"+g)
	}
	for _, o := range c.offers() {
		if o.Group != "" {
			paths = append(paths, "/apis/"+o.String())
		}
	}
	slices.Sort(paths)
	c.encodeJSON(http.StatusOK, map[string][]string{"paths": paths})
}

// knows reports whether a client may ask for the server by this name.
func (s *Server) knows(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(strings.ToLower(host), "[]")
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || slices.Contains(s.cfg.Hosts, "*") || slices.Contains(s.cfg.Hosts, host)
}
