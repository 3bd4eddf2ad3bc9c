package shell

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"

	"github.com/statefulsim/statefulsim/sim"
)

// Shell runs command lines on a cluster. Use New.
type Shell struct {
	cluster *sim.Cluster
	files   fs.FS
	stdin   string
	queries int // numbers the messages of dig
}

// New returns a shell on a cluster, whose commands read files from fsys; nil
// means that there are none.
func New(c *sim.Cluster, fsys fs.FS) *Shell { return &Shell{cluster: c, files: fsys} }

// On returns a shell that goes on like this one on another cluster: a fork of its
// own, say.
func (s *Shell) On(c *sim.Cluster) *Shell {
	on := *s
	on.cluster = c
	return &on
}

// RunWith is Run with a standard input, for "-f -".
func (s *Shell) RunWith(line, stdin string) Output {
	s.stdin = stdin
	defer func() { s.stdin = "" }()
	return s.Run(line)
}

// Run runs one command line: a command, perhaps piped into grep. It never
// panics, whatever the line.
func (s *Shell) Run(line string) Output {
	p := parser()
	args, err := p.Parse(line)
	if err != nil || len(args) == 0 {
		return failure("sh: syntax error in %q", line)
	}
	rest := ""
	if p.Position >= 0 {
		rest = line[p.Position:]
	}
	pattern, isGrep := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(rest, "|")), "grep ")
	if rest != "" && (rest[0] != '|' || !isGrep) {
		return failure("sh: not supported here: %q", rest)
	}
	out := s.run(args)
	if rest == "" {
		return out
	}
	return grep(out, strings.TrimSpace(pattern))
}

func parser() *shellwords.Parser { return shellwords.NewParser() }

// grep keeps the lines of the standard output that match; errors go past it.
func grep(in Output, pattern string) Output {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return failure("grep: %v", err)
	}
	out := Output{Code: 1}
	out.warn("%s", in.Stderr)
	for line := range strings.Lines(in.Stdout) {
		if re.MatchString(line) {
			out.print("%s", line)
			out.Code = 0
		}
	}
	return out
}

// run runs a command that was split into words.
func (s *Shell) run(args []string) Output {
	switch args[0] {
	case "kubectl":
		return s.kubectl(args[1:])
	case "dig":
		return s.dig(args[1:])
	case "curl":
		return s.curl(args[1:])
	case "cat":
		return s.cat(args[1:])
	case "timeout":
		return s.timeout(args[1:])
	case "nslookup":
		return s.nslookup(args[1:])
	case "why":
		return s.why(args[1:])
	}
	return Output{Code: 127}.printedErr(args[0] + ": command not found\n")
}

// timeout: timeout SPAN kubectl get … -w: a watch that ends. Other commands end
// by themselves, or have a --timeout of their own.
func (s *Shell) timeout(args []string) Output {
	if len(args) < 3 || args[1] != "kubectl" {
		return Output{Code: 125}.printedErr("timeout: modelled as timeout SPAN kubectl get … -w\n")
	}
	span, err := time.ParseDuration(args[0])
	if n, number := strconv.ParseFloat(args[0], 64); number == nil && n >= 0 && n < 1e9 {
		span, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || span < 0 {
		return Output{Code: 125}.printedErr(fmt.Sprintf("timeout: invalid time interval ‘%s’\n", args[0]))
	}
	t, out := s.watch(args[2:])
	if t == nil {
		return out
	}
	defer t.Close()
	if err := s.cluster.Run(span); err != nil {
		return failed(err)
	}
	out.add(Output{Code: 124}.printed(t.Read()))
	return out
}

func (s *Shell) cat(args []string) Output {
	var out Output
	for _, name := range args {
		if len(name) > 1 && name[0] == '-' {
			return Output{Code: 1}.printedErr(fmt.Sprintf("cat: invalid option -- '%s'\nTry 'cat --help' for more information.\n", name[1:]))
		}
		data, err := s.readFile(name)
		if err != nil {
			out.warn("cat: %s: No such file or directory\n", name)
			out.Code = 1
			continue
		}
		out.print("%s", data)
	}
	return out
}

func (s *Shell) readFile(name string) ([]byte, error) {
	if name == "-" {
		return []byte(s.stdin), nil
	}
	if s.files == nil {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(s.files, path.Clean(name))
}
