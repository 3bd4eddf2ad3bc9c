package shell

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// exec: kubectl exec [-it] POD [-c CONTAINER] -- COMMAND …
func (c *call) exec() {
	dash := c.flags.ArgsLenAtDash()
	name, command := "", []string(nil)
	if len(c.args) > 0 && dash != 0 {
		name = c.args[0]
	}
	switch {
	case dash >= 0:
		command = c.args[dash:]
	case len(c.args) > 1:
		c.misused("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead")
		return
	}
	switch {
	case name == "":
		c.wrong("pod, type/name or --filename must be specified")
		return
	case len(command) == 0:
		c.wrong("you must specify at least one command for the container")
		return
	}
	pod, err := c.podNamed(name)
	if err != nil {
		c.fail(err)
		return
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		c.wrong("cannot exec into a container in a completed pod; current phase is %s", pod.Status.Phase)
		return
	}
	container, err := c.pickContainer(pod, c.text("container"))
	if err != nil {
		c.fail(err)
		return
	}
	if pod.Spec.NodeName == "" {
		c.wrong("Error from server (BadRequest): pod %s does not have a host assigned", pod.Name)
		return
	}
	files, err := c.cluster.Files(pod.Namespace, pod.Name, container)
	if err != nil {
		c.wrong("unable to upgrade connection: container not found (%q)", container)
		return
	}
	in := &place{shell: c.Shell, pod: pod, files: files}
	if c.on("stdin") {
		in.stdin = c.stdin
	}
	out := in.run(command)
	c.add(out)
	if out.Code != 0 && out.Code != notModelled {
		c.warn("command terminated with exit code %d\n", out.Code)
	}
	if out.Code == notModelled {
		c.Code = 1
	}
}

// Exec runs a command in a container, for who is not a Shell: what it prints and
// its exit code. The error says what is not modelled. It is a serve.Exec.
func Exec(c *sim.Cluster, namespace, pod, container string, command []string, stdin string) (stdout, stderr string, code int, err error) {
	obj, err := sim.Get[*corev1.Pod](c, namespace, pod)
	if err != nil {
		return "", "", 0, err
	}
	files, err := c.Files(namespace, pod, container)
	if err != nil {
		return "", "", 0, fmt.Errorf("container not found (%q)", container)
	}
	in := &place{shell: New(c, nil), pod: obj, files: files, stdin: stdin}
	out := in.run(command)
	if out.Code == notModelled {
		return "", "", 0, errors.New(strings.TrimSpace(strings.TrimPrefix(out.Stderr, "error: ")))
	}
	return out.Stdout, out.Stderr, out.Code, nil
}

// notModelled is the exit code of a command that is not modelled: no command of
// a container can have it.
const notModelled = 1 << 8

// place is a container in which commands run.
type place struct {
	shell *Shell
	pod   *corev1.Pod
	files *kubelet.Files
	stdin string
}

// programs are what can be run in a container: what busybox has of them.
var programs = map[string]func(*place, []string) Output{}

func init() {
	programs["cat"], programs["echo"], programs["env"], programs["printenv"] = (*place).cat, (*place).echo, (*place).env, (*place).printenv
	programs["hostname"], programs["ls"], programs["nslookup"], programs["sh"] = (*place).hostname, (*place).ls, (*place).nslookup, (*place).sh
	programs["true"] = func(*place, []string) Output { return Output{} }
	programs["false"] = func(*place, []string) Output { return Output{Code: 1} }
}

func (p *place) run(command []string) Output {
	program, ok := programs[path.Base(command[0])]
	if !ok {
		out := failure("error: running %q in a container is not modelled here; %s are", command[0], strings.Join(sortedNames(programs), ", "))
		out.Code = notModelled
		return out
	}
	return program(p, command[1:])
}

// option answers an option that a program is not known to have here.
func (p *place) option(program string, args []string, known ...string) (rest []string, out Output) {
	for i, arg := range args {
		if arg == "--" {
			return append(rest, args[i+1:]...), Output{}
		}
		if len(arg) > 1 && arg[0] == '-' && !slices.Contains(known, arg) {
			out = failure("error: %s %s in a container is not modelled here", program, arg)
			out.Code = notModelled
			return nil, out
		}
		if !slices.Contains(known, arg) {
			rest = append(rest, arg)
		}
	}
	return rest, Output{}
}

func (p *place) nslookup(args []string) Output {
	names, out := p.option("nslookup", args)
	if out.Code != 0 {
		return out
	}
	if len(names) != 1 {
		out := failure("error: nslookup in a container is modelled for one name alone")
		out.Code = notModelled
		return out
	}
	text, found, err := p.shell.cluster.Nslookup(p.pod.Namespace, p.pod.Name, names[0])
	if err != nil {
		return failed(err)
	}
	out.print("%s", text)
	if !found {
		out.Code = 1
	}
	return out
}

func (p *place) cat(args []string) Output {
	paths, out := p.option("cat", args)
	if out.Code != 0 {
		return out
	}
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	for _, name := range paths {
		text, err := p.stdin, error(nil)
		if name != "-" {
			text, err = p.files.Read(p.absolute(name))
		}
		if err != nil {
			out.warn("cat: can't open '%s': No such file or directory\n", name)
			out.Code = 1
			continue
		}
		out.print("%s", text)
	}
	return out
}

// absolute is a path seen from the root, where commands run.
func (p *place) absolute(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return path.Join("/", name)
}

func (p *place) echo(args []string) Output {
	var out Output
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	out.print("%s%s", strings.Join(args, " "), end)
	return out
}

// environment is what a container's process finds: the path, its host's name and
// what the pod says.
func (p *place) environment() []corev1.EnvVar {
	vars := []corev1.EnvVar{{Name: "PATH", Value: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {Name: "HOSTNAME", Value: p.files.Hostname}}
	return append(vars, p.files.Env...)
}

func (p *place) env(args []string) Output {
	rest, out := p.option("env", args)
	if out.Code == 0 && len(rest) > 0 {
		out = failure("error: env with a command is not modelled here")
		out.Code = notModelled
	}
	if out.Code != 0 {
		return out
	}
	vars := p.environment()
	for i, v := range vars {
		if !slices.ContainsFunc(vars[i+1:], func(w corev1.EnvVar) bool { return w.Name == v.Name }) {
			out.print("%s=%s\n", v.Name, v.Value)
		}
	}
	return out
}

func (p *place) printenv(args []string) Output {
	if len(args) == 0 {
		return p.env(nil)
	}
	var out Output
	for _, name := range args {
		value, ok := p.lookup(name)
		if !ok {
			out.Code = 1
			continue
		}
		out.print("%s\n", value)
	}
	return out
}

// lookup returns a variable; the last of a name counts.
func (p *place) lookup(name string) (string, bool) {
	for _, v := range slices.Backward(p.environment()) {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

func (p *place) hostname(args []string) Output {
	rest, out := p.option("hostname", args)
	if out.Code == 0 && len(rest) > 0 {
		return Output{Code: 1}.printedErr("hostname: sethostname: Operation not permitted\n")
	}
	if out.Code == 0 {
		out.print("%s\n", p.files.Hostname)
	}
	return out
}

// printedErr returns an Output of an error text.
func (o Output) printedErr(text string) Output {
	o.warn("%s", text)
	return o
}

// ls lists the files of volumes, and others that were written or that the
// kubelet makes. What an image brings is not modelled, and said so.
func (p *place) ls(args []string) Output {
	dirs, out := p.option("ls", args, "-1", "-a", "-A")
	if out.Code != 0 {
		return out
	}
	if len(dirs) == 0 {
		dirs = []string{"/"}
	}
	for i, dir := range dirs {
		at := path.Clean(p.absolute(dir))
		names := p.entries(at)
		if _, err := p.files.Read(at); err == nil {
			out.print("%s\n", dir)
			continue
		}
		if names == nil && !p.isMounted(at) {
			out.warn("ls: %s: No such file or directory, but that the files of images are not modelled here\n", dir)
			out.Code = 1
			continue
		}
		if len(dirs) > 1 {
			out.print("%s:\n", dir)
		}
		for _, name := range names {
			out.print("%s\n", name)
		}
		if len(dirs) > 1 && i < len(dirs)-1 {
			out.print("\n")
		}
	}
	return out
}

// entries lists what a directory holds.
func (p *place) entries(dir string) []string {
	prefix := strings.TrimRight(dir, "/") + "/"
	var names []string
	add := func(file string) {
		if rest, ok := strings.CutPrefix(file, prefix); ok && rest != "" {
			name, _, _ := strings.Cut(rest, "/")
			names = append(names, name)
		}
	}
	for _, file := range p.files.List(dir) {
		add(file)
	}
	for _, m := range p.files.Mounts {
		add(path.Clean(m.MountPath))
	}
	for _, file := range []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
		add(file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *place) isMounted(dir string) bool {
	return slices.ContainsFunc(p.files.Mounts, func(m corev1.VolumeMount) bool {
		at := path.Clean(m.MountPath)
		return dir == at || strings.HasPrefix(dir, at+"/")
	})
}
