package e2e

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// agnhost is the suite's image. `agnhost test-webserver` serves its files; the tests
// break a readiness probe by moving the one that it asks for.
const agnhost, probed = "registry.k8s.io/e2e-test-images/agnhost", "/localhost.crt"

// workloads say what the suite's images do.
func workloads() map[string]kubelet.Workload {
	return map[string]kubelet.Workload{agnhost: {
		OnStart: func(f *kubelet.Files) { f.Write(probed, "certificate\n") },
		HTTP: func(req kubelet.HTTPRequest) kubelet.HTTPResponse {
			content, err := req.Files.Read(req.Path)
			if err != nil {
				return kubelet.HTTPResponse{Status: 404, Body: "404 page not found\n"}
			}
			return kubelet.HTTPResponse{Body: content}
		},
		ProbeHTTP: true,
		ProbeExec: func(command []string, f *kubelet.Files) (string, bool) {
			if len(command) == 3 && command[0] == "test" && command[1] == "-f" {
				_, err := f.Read(command[2])
				return "", err == nil
			}
			return fmt.Sprintf("%q is not modelled", command), false
		},
	}}
}

// line is a line of a shell that the suite runs in its containers.
type line struct {
	pattern *regexp.Regexp
	run     func(f *kubelet.Files, arg []string) (stdout string, code int)
}

var lines = []line{
	{regexp.MustCompile(`^mv -v (\S+) (\S*/) \|\| true$`), func(f *kubelet.Files, arg []string) (string, int) {
		to := path.Join(arg[2], path.Base(arg[1]))
		content, err := f.Read(arg[1])
		if err != nil {
			return "", 0
		}
		f.Write(to, content)
		f.Remove(arg[1])
		return fmt.Sprintf("renamed '%s' -> '%s'\n", arg[1], to), 0
	}},
	{regexp.MustCompile(`^dd if=/dev/zero of=(\S+) bs=1 count=1 conv=fsync$`), func(f *kubelet.Files, arg []string) (string, int) {
		return "", exit(f.Write(arg[1], "\x00"))
	}},
	{regexp.MustCompile(`^echo \$\(hostname\) \| dd of=(\S+) conv=fsync$`), func(f *kubelet.Files, arg []string) (string, int) {
		return "", exit(f.Write(arg[1], f.Hostname+"\n"))
	}},
	{regexp.MustCompile(`^ln -s (\S+) (\S+)$`), func(f *kubelet.Files, arg []string) (string, int) {
		content, err := f.Read(arg[1])
		if err != nil {
			return "", 1
		}
		return "", exit(f.Write(arg[2], content)) // nobody changes the file afterwards
	}},
	{regexp.MustCompile(`^if \[ "\$\(cat (\S+)\)" = "\$\(hostname\)" \]; then exit 0; else exit 1; fi$`), func(f *kubelet.Files, arg []string) (string, int) {
		content, err := f.Read(arg[1])
		if err != nil || strings.TrimSpace(content) != f.Hostname {
			return "", 1
		}
		return "", 0
	}},
	{regexp.MustCompile(`^printf \$\(hostname\)$`), func(f *kubelet.Files, _ []string) (string, int) { return f.Hostname, 0 }},
	{regexp.MustCompile(`^ls -idlh (\S+)$`), func(_ *kubelet.Files, arg []string) (string, int) {
		return "1 drwxrwxrwx 2 root root 4.0K Jan  1 00:00 " + arg[1] + "\n", 0
	}},
	{regexp.MustCompile(`^find (\S+)$`), func(f *kubelet.Files, arg []string) (string, int) {
		return strings.Join(append([]string{arg[1]}, f.List(arg[1])...), "\n") + "\n", 0
	}},
	{regexp.MustCompile(`^touch (\S+)$`), func(f *kubelet.Files, arg []string) (string, int) { return "", exit(f.Append(arg[1], "")) }},
}

func exit(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// execute is a serve.Exec: the lines above, and what the shell runs.
func execute(c *sim.Cluster, namespace, pod, container string, command []string, stdin string) (stdout, stderr string, code int, err error) {
	if len(command) > 2 && command[0] == "/bin/sh" {
		for _, l := range lines {
			if arg := l.pattern.FindStringSubmatch(command[len(command)-1]); arg != nil {
				files, err := c.Files(namespace, pod, container)
				if err != nil {
					return "", "", 0, err
				}
				stdout, code = l.run(files, arg)
				return stdout, "", code, nil
			}
		}
	}
	return shell.Exec(c, namespace, pod, container, command, stdin)
}
