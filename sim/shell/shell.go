package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/table"
)

// Shell runs command lines on a cluster. Use New.
type Shell struct {
	cluster *sim.Cluster
	files   fs.FS
	stdin   string
	queries int // numbers the messages of dig
}

// Output is what a command printed, stdout and stderr as they came, and its
// exit code.
type Output struct {
	Text string
	Code int
}

// New returns a shell on a cluster, whose commands read files from fsys; nil
// means that there are none.
func New(c *sim.Cluster, fsys fs.FS) *Shell { return &Shell{cluster: c, files: fsys} }

// RunWith is Run with a standard input, for "-f -".
func (s *Shell) RunWith(line, stdin string) Output {
	s.stdin = stdin
	defer func() { s.stdin = "" }()
	return s.Run(line)
}

// Run runs one command line: a command, perhaps piped into grep. It never
// panics, whatever the line.
func (s *Shell) Run(line string) Output {
	parser := shellwords.NewParser()
	args, err := parser.Parse(line)
	if err != nil || len(args) == 0 {
		return failure("sh: syntax error in %q", line)
	}
	out := s.run(args)
	if parser.Position < 0 {
		return out
	}
	rest := line[parser.Position:]
	pattern, isGrep := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(rest, "|")), "grep ")
	if rest == "" || rest[0] != '|' || !isGrep {
		return failure("sh: not supported here: %q", rest)
	}
	return grep(out, strings.TrimSpace(pattern))
}

// grep keeps the lines that match.
func grep(in Output, pattern string) Output {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return failure("grep: %v", err)
	}
	out := Output{Code: 1}
	for line := range strings.Lines(in.Text) {
		if re.MatchString(line) {
			out.Text += line
			out.Code = 0
		}
	}
	return out
}

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
	}
	return Output{Text: args[0] + ": command not found\n", Code: 127}
}

func (s *Shell) cat(args []string) Output {
	var out Output
	for _, name := range args {
		data, err := s.readFile(name)
		if err != nil {
			out.Text += fmt.Sprintf("cat: %s: No such file or directory\n", name)
			out.Code = 1
			continue
		}
		out.Text += string(data)
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
	return fs.ReadFile(s.files, strings.TrimPrefix(name, "./"))
}

// printed is the Output of a command that succeeded.
func printed(format string, args ...any) Output { return Output{Text: fmt.Sprintf(format, args...)} }

// failure is the Output of a command that failed, with a line break added.
func failure(format string, args ...any) Output {
	return Output{Text: fmt.Sprintf(format, args...) + "\n", Code: 1}
}

// failed prints an error as kubectl does.
func failed(err error) Output {
	var inManifest *manifest.Error
	if !errors.As(err, &inManifest) || apierrors.IsInvalid(err) {
		return failure("%s", table.ErrorText(err))
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return failure("error: %v", err)
	}
	return failure("Error from server (%s): error when applying %q: %s", status.ErrStatus.Reason, inManifest.Source, status.ErrStatus.Message)
}

// newFlags returns an empty flag set for a command, with the flags that all of
// them have.
func newFlags(name string) (*pflag.FlagSet, *string) {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.Usage = func() {}
	f.SortFlags = false
	return f, f.StringP("namespace", "n", sim.DefaultNamespace, "")
}

// usage is how kubectl answers a flag that it does not know.
func usage(command string, err error) Output {
	return failure("error: %v\nSee 'kubectl %s --help' for usage.", err, command)
}
