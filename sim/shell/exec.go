package shell

import (
	"slices"
	"strings"

	"github.com/mattn/go-shellwords"
	miekg "github.com/miekg/dns"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim"
)

// exec: kubectl exec [-it] POD [-c CONTAINER] -- COMMAND, with the commands
// nslookup NAME, cat FILE …, hostname and sh -c "echo TEXT > FILE".
func (s *Shell) exec(args []string) Output {
	f, ns := newFlags("exec")
	f.BoolP("stdin", "i", false, "")
	f.BoolP("tty", "t", false, "")
	container := f.StringP("container", "c", "", "")
	if err := f.Parse(args); err != nil {
		return usage("exec", err)
	}
	dash := f.ArgsLenAtDash()
	rest := f.Args()
	switch {
	case dash < 0 && len(rest) > 1:
		return failure("error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples")
	case dash != 1 || len(rest) < 2:
		return failure("error: you must specify at least one command for the container")
	}
	in := place{s, *ns, strings.TrimPrefix(rest[0], "pod/"), *container}
	return in.run(rest[1:])
}

// place is a container in which commands run.
type place struct {
	shell                     *Shell
	namespace, pod, container string
}

func (p place) run(command []string) Output {
	var out Output
	switch name, args := command[0], command[1:]; {
	case name == "nslookup" && len(args) == 1:
		out = p.nslookup(args[0])
	case name == "cat":
		out = p.cat(args)
	case name == "hostname":
		out = p.cat([]string{"/etc/hostname"})
	case name == "sh" && len(args) == 2 && args[0] == "-c":
		out = p.script(args[1])
	default:
		return failure("error: Internal error occurred: error executing command in container: exec: %q: executable file not found in $PATH", name)
	}
	if out.Code != 0 {
		out.Text += "command terminated with exit code 1\n"
	}
	return out
}

func (p place) nslookup(name string) Output {
	text, found, err := p.shell.cluster.Nslookup(p.namespace, p.pod, name)
	if err != nil {
		return failed(err)
	}
	out := Output{Text: text}
	if !found {
		out.Code = 1
	}
	return out
}

func (p place) cat(paths []string) Output {
	var out Output
	for _, path := range paths {
		text, err := p.shell.cluster.ReadFile(p.namespace, p.pod, p.container, path)
		if err != nil {
			out.Text += "cat: can't open '" + path + "': No such file or directory\n"
			out.Code = 1
			continue
		}
		out.Text += text
	}
	return out
}

// script runs "echo TEXT > FILE".
func (p place) script(line string) Output {
	text, file, redirected := strings.Cut(line, ">")
	words, err := shellwords.Parse(text)
	if err != nil || len(words) == 0 || words[0] != "echo" {
		return failure("sh: not supported here: %q", line)
	}
	content := strings.Join(words[1:], " ") + "\n"
	if !redirected {
		return Output{Text: content}
	}
	if err := p.shell.cluster.WriteFile(p.namespace, p.pod, p.container, strings.TrimSpace(file), content); err != nil {
		return failure("sh: can't create %s: %v", strings.TrimSpace(file), err)
	}
	return Output{}
}

// dig: dig [-t TYPE] NAME [TYPE] [@SERVER]
func (s *Shell) dig(args []string) Output {
	qtype, name, server := uint16(miekg.TypeA), "", sim.DNSAddress
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "-t" && i+1 < len(args) {
			i++
			arg = args[i]
		}
		typ, isType := miekg.StringToType[strings.ToUpper(arg)]
		switch {
		case strings.HasPrefix(arg, "@"):
			server = arg[1:]
		case isType:
			qtype = typ
		default:
			name = arg
		}
	}
	if server != sim.DNSAddress {
		return failure(";; connection timed out; no servers could be reached")
	}
	s.queries++
	now := s.cluster.Now()
	id := uint16(now.UnixNano()>>20) + uint16(s.queries)
	reply := s.cluster.DNS().Answer(dns.Query(id, name, qtype))
	command := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "@") })
	return Output{Text: dns.Dig(reply, dns.DigOptions{Command: strings.Join(command, " "), Server: server, When: now})}
}

// curl: curl URL
func (s *Shell) curl(args []string) Output {
	if len(args) != 1 {
		return Output{Text: "curl: try 'curl --help' for more information\n", Code: 2}
	}
	_, body, err := s.cluster.HTTP(args[0])
	if err != nil {
		return failure("%v", err)
	}
	return Output{Text: body}
}
