package kubelet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// What the kubelet checks before it starts a container, in upstream's words; the
// place in pkg/kubelet of v1.37.2 is said for each.
func TestContainerIsNotStarted(t *testing.T) {
	for name, test := range map[string]struct {
		spec   string // of the pod
		status string
		waits  string // why
		note   string // an Event
	}{
		"a name that is none (images/image_manager.go, EnsureImageExists)": {
			spec: `containers: [{name: c, image: 'Nginx:Latest'}]`, status: "0/1 InvalidImageName",
			waits: `Failed to apply default image tag "Nginx:Latest": couldn't parse image name "Nginx:Latest": invalid reference format: repository name (library/Nginx) must be lowercase`,
			note:  `Warning InspectFailed Failed to apply default image tag "Nginx:Latest": couldn't parse image name "Nginx:Latest": invalid reference format: repository name (library/Nginx) must be lowercase`,
		},
		"another (images/image_manager.go)": {
			spec: `containers: [{name: c, image: 'nginx:'}]`, status: "0/1 InvalidImageName",
			waits: `Failed to apply default image tag "nginx:": couldn't parse image name "nginx:": invalid reference format`,
			note:  "Warning Failed Error: InvalidImageName",
		},
		"no value in a path (container/helpers.go, ExpandContainerVolumeMounts)": {
			spec: `volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: s, env: [{name: P, valueFrom: {fieldRef: {fieldPath: metadata.name}}}],
			  volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(P)/$(NOPE)/$(ALSO)}]}]`,
			status: "0/1 CreateContainerConfigError", waits: "missing value for ALSO, NOPE", note: "Warning Failed Error: missing value for ALSO, NOPE",
		},
		"a path that leads out (kubelet_pods.go, makeMounts)": {
			spec: `volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: s, env: [{name: P, value: ..}],
			  volumeMounts: [{name: v, mountPath: /v, subPathExpr: a/$(P)}]}]`,
			status: "0/1 CreateContainerConfigError", waits: "unable to provision SubPath `a/..`: must not contain '..'", note: "",
		},
		"an absolute path (kubelet_pods.go, makeMounts)": {
			spec: `volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: s, env: [{name: P, value: /x}],
			  volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(P)}]}]`,
			status: "0/1 CreateContainerConfigError", waits: "error SubPath `/x` must not be an absolute path", note: "",
		},
		"root by number (kuberuntime/security_context_others.go, verifyRunAsNonRoot)": {
			spec:   `securityContext: {runAsNonRoot: true}, containers: [{name: c, image: s, securityContext: {runAsUser: 0}}]`,
			status: "0/1 CreateContainerConfigError", waits: `container's runAsUser breaks non-root policy (pod: "p_default(`, note: "",
		},
		"root by image (kuberuntime/security_context_others.go)": {
			spec:   `securityContext: {runAsNonRoot: true}, containers: [{name: c, image: root}]`,
			status: "0/1 CreateContainerConfigError", waits: `container has runAsNonRoot and image will run as root (pod: "p_default(`, note: "",
		},
		"a user by name (kuberuntime/security_context_others.go)": {
			spec:   `containers: [{name: c, image: named, securityContext: {runAsNonRoot: true}}]`,
			status: "0/1 CreateContainerConfigError", waits: `container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root (pod: "p_default(`, note: "",
		},
		"no ConfigMap (kubelet_pods.go, makeEnvironmentVariables)": {
			spec:   `containers: [{name: c, image: s, envFrom: [{configMapRef: {name: nope}}]}]`,
			status: "0/1 CreateContainerConfigError", waits: `configmap "nope" not found`, note: `Warning Failed Error: configmap "nope" not found`,
		},
		"a key that is binary (kubelet_pods.go, makeEnvironmentVariables)": {
			spec:   `containers: [{name: c, image: s, env: [{name: A, valueFrom: {configMapKeyRef: {name: cm, key: bin}}}]}]`,
			status: "0/1 CreateContainerConfigError", waits: `couldn't find key bin in ConfigMap default/cm`, note: "",
		},
	} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: kubelet.WorldConfig{Workloads: map[string]kubelet.Workload{
			"root": {User: "0"}, "named": {User: "web"},
		}}})
		l.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: cm}, data: {a: b}, binaryData: {bin: AAAA}}`)
		l.create(`{metadata: {name: p}, spec: {` + test.spec + `}}`)
		l.run(5 * time.Second)
		assert.Equal(t, test.status, status(l.pod("p")), name)
		assert.Contains(t, l.waiting(), test.waits, name)
		assert.Contains(t, l.takeNotes(), test.note, name)
		assert.Empty(t, l.processes(), name)
	}
}

// Who need not be root may run: by its own number, or by an image of which nothing
// is known.
func TestNonRoot(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("root", kubelet.Workload{User: "root"})})
	l.create(`{metadata: {name: p}, spec: {securityContext: {runAsNonRoot: true, runAsUser: 0}, containers: [{name: c, image: root, securityContext: {runAsUser: 5}},
	  {name: d, image: s, securityContext: {runAsNonRoot: false}}]}}`)
	l.create(`{metadata: {name: q}, spec: {securityContext: {runAsNonRoot: true}, containers: [{name: c, image: other}]}}`)
	l.run(5 * time.Second)
	assert.Equal(t, "p/c p/d q/c", l.processes())
}

// A pod that the node does not admit (sysctl/allowlist.go, lifecycle/predicate.go).
func TestNodeRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		`securityContext: {sysctls: [{name: net.core.somaxconn, value: "1"}]}`:      `SysctlForbidden Pod was rejected: forbidden sysctl: "net.core.somaxconn" not allowlisted`,
		`securityContext: {sysctls: [{name: net/core/somaxconn, value: "1"}]}`:      `SysctlForbidden Pod was rejected: forbidden sysctl: "net.core.somaxconn" not allowlisted`,
		`securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: "1"}]}`: ` `,
		`os: {name: windows}`: `PodOSNotSupported Pod was rejected: Failed to admit pod as the OS field doesn't match node OS`,
	} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
		l.create(`{metadata: {name: p}, spec: {` + spec + `, containers: [{name: c, image: s}]}}`)
		l.run(5 * time.Second)
		st := l.pod("p").Status
		assert.Equal(t, want, st.Reason+" "+st.Message, spec)
		assert.Equal(t, st.Reason != "", st.Phase == corev1.PodFailed)
	}
}

// A probe that has no port to go to is no answer: readiness never comes, and
// liveness never fails (prober/worker.go throws an error away).
func TestProbeWithoutPort(t *testing.T) {
	for _, probe := range []string{"httpGet: {port: nope, path: /}", "tcpSocket: {port: nope}"} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
		l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, readinessProbe: {` + probe + `}}]}}`)
		l.create(`{metadata: {name: q}, spec: {containers: [{name: c, image: s, livenessProbe: {` + probe + `}}]}}`)
		l.create(`{metadata: {name: r}, spec: {containers: [{name: c, image: s, startupProbe: {` + probe + `}}]}}`)
		l.run(10 * time.Minute)
		assert.Equal(t, "0/1 Running", status(l.pod("p")))
		assert.Equal(t, "1/1 Running", status(l.pod("q")))
		assert.Equal(t, "0/1 Running", status(l.pod("r")))
		notes := l.takeNotes()
		for _, kind := range []string{"Readiness", "Liveness", "Startup"} {
			assert.Contains(t, notes, `Warning Unhealthy `+kind+` probe errored and resulted in unknown state: port "nope" not found`)
		}
	}
}

// Over HTTP a container is asked as the probe says.
func TestProbeSchemesAndHeaders(t *testing.T) {
	const probe = `readinessProbe: {httpGet: {port: 80, path: /ok, host: 10.0.0.9, httpHeaders: [{name: X, value: why}]`
	for name, test := range map[string]struct {
		tls        bool
		spec, note string
	}{
		"plain":           {spec: probe + `}}`},
		"TLS asked plain": {tls: true, spec: probe + `}}`, note: "HTTP probe failed with statuscode: 400"},
		"plain asked TLS": {spec: probe + `, scheme: HTTPS}}`, note: `Get "https://10.0.0.9:80/ok": http: server gave HTTP response to HTTPS client`},
		"TLS":             {tls: true, spec: probe + `, scheme: HTTPS}}`},
		"another port":    {spec: probe + `}}, ports: [{containerPort: 81}]`, note: `Get "http://10.0.0.9:80/ok": dial tcp 10.0.0.9:80: connect: connection refused`},
	} {
		l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{
			ProbeHTTP: true, TLS: test.tls,
			HTTP: func(r kubelet.HTTPRequest) kubelet.HTTPResponse {
				if len(r.Headers) != 1 || r.Headers[0].Value != "why" || r.Host != "10.0.0.9" || r.Path != "/ok" {
					return kubelet.HTTPResponse{Status: 500}
				}
				return kubelet.HTTPResponse{}
			},
		})})
		l.create(`{metadata: {name: p}, spec: {containers: [{name: c, image: s, ` + test.spec + `}]}}`)
		l.run(15 * time.Second)
		want := "1/1 Running"
		if test.note != "" {
			want = "0/1 Running"
			assert.Contains(t, l.takeNotes(), "Readiness probe failed: "+test.note, name)
		}
		assert.Equal(t, want, status(l.pod("p")), name)
	}
}

// A path of the machine has to be of the type that the pod says
// (volume/hostpath/host_path.go, checkTypeInternal).
func TestHostPathTypes(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, kubelet: kubelet.Config{HostPaths: []string{"/data/fast/"}}})
	run := func(path, kind string) string {
		l.takeNotes()
		l.create(`{metadata: {name: p}, spec: {volumes: [{name: v, hostPath: {path: ` + path + `, type: ` + kind + `}}], containers: [{name: c, image: s, volumeMounts: [{name: v, mountPath: /v}]}]}}`)
		l.run(time.Second)
		st, notes := status(l.pod("p")), l.takeNotes()
		zero := int64(0)
		l.delete("p", &zero)
		l.run(time.Minute)
		if st == "1/1 Running" {
			return ""
		}
		return strings.TrimPrefix(strings.Split(notes, "\n")[0], `Warning FailedMount MountVolume.SetUp failed for volume "v" : `)
	}
	assert.Empty(t, run("/data/fast", "Directory"))
	assert.Empty(t, run("/data", "Directory"))
	assert.Empty(t, run("/var/run/containerd/containerd.sock", "Socket"))
	assert.Equal(t, `hostPath type check failed, /data/slow is not a directory, unable to determine its type: path "/data/slow" does not exist`, run("/data/slow", "Directory"))
	assert.Equal(t, `hostPath type check failed: /dev/null is not a directory, it's a CharDevice`, run("/dev/null", "Directory"))
	assert.Empty(t, run("/made/file", "FileOrCreate"))
	assert.Empty(t, run("/made/file", "File"))
	assert.Equal(t, `hostPath type check failed: /made/file is not a directory, it's a File`, run("/made/file", "DirectoryOrCreate"))
	assert.Empty(t, run("/made/dir", "DirectoryOrCreate"))
	assert.Empty(t, run("/made", "Directory"))
	assert.Empty(t, run("/any", `""`))
	assert.Empty(t, run("/any", "Directory"))
}

// activeDeadlineSeconds counts from the start time (active_deadline.go).
func TestActiveDeadline(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(`{metadata: {name: p}, spec: {activeDeadlineSeconds: 30, containers: [{name: c, image: s}]}}`)
	l.run(29 * time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("p")))
	l.run(2 * time.Second)
	st := l.pod("p").Status
	assert.Equal(t, "Failed DeadlineExceeded Pod was active on the node longer than the specified deadline", string(st.Phase)+" "+st.Reason+" "+st.Message)
	assert.Contains(t, l.takeNotes(), "Normal DeadlineExceeded Pod was active on the node longer than the specified deadline")
	assert.Empty(t, l.processes())
}

// What a container wrote to its termination message path is in its status.
func TestTerminationMessage(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, world: works("s", kubelet.Workload{ExitAfter: time.Second, ExitCode: 3, OnStart: func(f *kubelet.Files) {
		for _, path := range []string{corev1.TerminationMessagePathDefault, "/other"} {
			if err := f.Write(path, path+strings.Repeat("x", 5000)); err != nil {
				panic(err)
			}
		}
	}})})
	l.create(`{metadata: {name: p}, spec: {restartPolicy: Never, containers: [{name: c, image: s}, {name: d, image: s, terminationMessagePath: /other}]}}`)
	l.run(time.Minute)
	st := l.pod("p").Status.ContainerStatuses
	for i, path := range []string{corev1.TerminationMessagePathDefault, "/other"} {
		end := st[i].State.Terminated
		require.NotNil(t, end)
		assert.Equal(t, int32(3), end.ExitCode)
		assert.Len(t, end.Message, 4096)
		assert.True(t, strings.HasPrefix(end.Message, path))
	}
}

// Pull secrets that do not exist are told when a pull fails (kubelet.go, SyncPod).
func TestMissingPullSecrets(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.world.SetImageMissing("s", true)
	l.create(`{apiVersion: v1, kind: Secret, metadata: {name: there}, type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: e30=}}`)
	l.create(`{metadata: {name: p}, spec: {imagePullSecrets: [{name: a}, {name: there}, {name: b}], containers: [{name: c, image: s}]}}`)
	l.run(time.Second)
	assert.Contains(t, l.takeNotes(), "Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (a, b); attempting to pull the image may not succeed.")
}
