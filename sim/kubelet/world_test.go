package kubelet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// Addresses go up, and start again at the end of the range; none is used twice.
func TestAddressesAreSequential(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, kubelet: kubelet.Config{PodCIDR: "172.16.5.0/29", FirstIP: "172.16.5.4"}})
	for i, want := range []string{"172.16.5.4", "172.16.5.5", "172.16.5.6", "172.16.5.2", "172.16.5.3"} {
		name := fmt.Sprintf("p-%d", i)
		l.create(fmt.Sprintf(`{metadata: {name: %s}, spec: {containers: [{name: c, image: s}]}}`, name))
		l.run(time.Second)
		assert.Equal(t, want, l.pod(name).Status.PodIP)
	}
	assert.Len(t, l.world.IPs(), 5)
	l.takeNotes()
	l.create(`{metadata: {name: q}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Second)
	assert.Contains(t, l.takeNotes(), "Warning FailedCreatePodSandBox Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available in range set: 172.16.5.0/29")
	l.delete("p-1", nil)
	l.run(11 * time.Second)
	assert.Equal(t, "172.16.5.5", l.pod("q").Status.PodIP)
	l.create(`{metadata: {name: h}, spec: {hostNetwork: true, containers: [{name: c, image: s}]}}`)
	l.run(time.Second)
	assert.Equal(t, "10.0.1.63", l.pod("h").Status.PodIP)
}

// Requests reach whoever listens at an address, or fail in curl's words.
func TestHTTP(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("marksugar/nginx", kubelet.Workload{
		StartAfter: 5 * time.Second,
		HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
			body, err := r.Files.Read("/data/wwwroot" + r.Path)
			if err != nil {
				return kubelet.HTTPResponse{Status: 404, Body: r.Files.Hostname}
			}
			return kubelet.HTTPResponse{Body: body}
		},
	})})
	l.create(`{metadata: {name: web-0}, spec: {containers: [{name: c, image: "marksugar/nginx:1.14.a", ports: [{containerPort: 80}]}]}}`)
	l.run(time.Second)
	now := func() engine.Time { return l.host.Engine().Now() }
	_, err := l.world.HTTP(now(), "172.16.5.2", 80, "/x")
	assert.EqualError(t, err, "curl: (7) Failed to connect to 172.16.5.2 port 80: Connection refused")
	l.run(5 * time.Second)
	_, err = l.world.HTTP(now(), "172.16.5.2", 81, "/x")
	assert.EqualError(t, err, "curl: (7) Failed to connect to 172.16.5.2 port 81: Connection refused")
	_, err = l.world.HTTP(now(), "172.16.5.9", 80, "/x")
	assert.EqualError(t, err, "curl: (7) Failed to connect to 172.16.5.9 port 80: No route to host")
	res, err := l.world.HTTP(now(), "172.16.5.2", 80, "/x")
	assert.NoError(t, err)
	assert.Equal(t, kubelet.HTTPResponse{Status: 404, Body: "web-0"}, res)
	require.NoError(t, l.world.WriteFile(key("web-0"), "c", "/data/wwwroot/x", "linuxea"))
	res, _ = l.world.HTTP(now(), "172.16.5.2", 80, "/x")
	assert.Equal(t, kubelet.HTTPResponse{Status: 200, Body: "linuxea"}, res)
}

// D9: resolv.conf and /etc/hosts.
func TestNetworkFiles(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(web0)
	l.run(time.Second)
	assert.Equal(t, "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", l.world.ResolvConf(key("web-0")))
	assert.Contains(t, l.world.Hosts(key("web-0")), "\n172.16.5.2\tweb-0.web.default.svc.cluster.local\tweb-0\n")
	got, err := l.world.ReadFile(key("web-0"), "nginx", "/etc/hostname")
	assert.NoError(t, err)
	assert.Equal(t, "web-0\n", got)
}

// M1: two pods may use one export at a time, whatever the access mode.
func TestExportIsShared(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	for _, name := range []string{"p", "q"} {
		l.create(fmt.Sprintf(`{metadata: {name: %s}, spec: {volumes: [{name: v, nfs: {server: nfs, path: /a}}], containers: [{name: c, image: s, volumeMounts: [{name: v, mountPath: /v}]}]}}`, name))
	}
	l.run(time.Second)
	require.NoError(t, l.world.WriteFile(key("p"), "c", "/v/x", "1"))
	f, err := l.world.Files(key("q"), "c")
	require.NoError(t, err)
	assert.Equal(t, []string{"/v/x"}, f.List("/v"))
}
