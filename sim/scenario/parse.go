package scenario

import (
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// Kind says what a step of a script is.
type Kind uint8

// The kinds of steps.
const (
	// Prose explains: lines that begin with "#".
	Prose Kind = iota + 1
	// Shell is a line as one would type it in a terminal: "$ kubectl get pods".
	Shell
	// Directive is what a terminal cannot do: "> run 5m".
	Directive
)

// Step is one step of a script.
type Step struct {
	// Line is its number in the file, from 1.
	Line int
	Kind Kind
	// Text is what the step says, without its mark. Prose may have several
	// lines.
	Text string
	// Stdin is what a Shell line reads: its here-document.
	Stdin string
	// Want is what it is expected to print: lines with their breaks, or "".
	Want string

	head  []string // its lines as they stand in the file
	blank int      // empty lines after it
	do    action   // of a Directive
	set   setting  // of a Directive that describes the cluster
}

// Scenario is a script with the files that it uses. It is not changed by being
// played.
type Scenario struct {
	// Name is that of the file, as errors name it.
	Name string
	// Steps is the script.
	Steps []Step
	// Files are those of the archive.
	Files fs.FS

	lead int    // empty lines before the first step
	rest []byte // the archive's files, as they stand in it
}

// Error is what is wrong with a step.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Parse reads a scenario. The name is for errors, which are of type *Error: the
// first one is returned.
func Parse(name string, data []byte) (*Scenario, error) {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	archive := txtar.Parse([]byte(text))
	s := &Scenario{Name: name, rest: []byte(text)[min(len(text), len(archive.Comment)):]} // txtar may add a line break
	if err := s.readFiles(archive); err != nil {
		return nil, err
	}
	r := reader{s: s, lines: strings.Split(strings.TrimSuffix(string(archive.Comment), "\n"), "\n")}
	if err := r.read(); err != nil {
		return nil, err
	}
	return s, s.check()
}

// readFiles takes the files of an archive.
func (s *Scenario) readFiles(archive *txtar.Archive) error {
	files := fstest.MapFS{}
	line := 1 + strings.Count(string(archive.Comment), "\n")
	for _, f := range archive.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." {
			return s.errorf(line, "%q is no name of a file here: it is relative, without . and ..", f.Name)
		}
		if files[f.Name] != nil {
			return s.errorf(line, "there is a second file %q", f.Name)
		}
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		line += 1 + strings.Count(string(f.Data), "\n")
	}
	s.Files = files
	return nil
}

func (s *Scenario) errorf(line int, format string, args ...any) error {
	return &Error{File: s.Name, Line: line, Err: fmt.Errorf(format, args...)}
}

// check refuses what describes the cluster where the cluster exists already.
func (s *Scenario) check() error {
	began := 0
	for i := range s.Steps {
		step := &s.Steps[i]
		switch {
		case step.Kind == Prose:
		case step.set == nil && began == 0:
			began = step.Line
		case step.set != nil && began > 0:
			word, _, _ := strings.Cut(step.Text, " ")
			return s.errorf(step.Line, "%s describes the cluster, and has to stand before line %d, which uses it", word, began)
		case step.set != nil && step.Want != "":
			return s.errorf(step.Line+len(step.head), "%q prints nothing", step.head[0])
		}
	}
	if err := s.checkQuestions(); err != nil {
		return err
	}
	if began == 0 {
		return s.errorf(1, "there is nothing to do: a line of a script begins with %q for a command, %q for a directive, or %q for prose", "$ ", "> ", "# ")
	}
	return nil
}

// reader reads a script.
type reader struct {
	s     *Scenario
	lines []string
	at    int // the next line
}

func (r *reader) read() error {
	for r.at < len(r.lines) {
		line := r.lines[r.at]
		var err error
		switch {
		case line == "#" || strings.HasPrefix(line, "# "):
			r.prose()
		case strings.HasPrefix(line, "$ "):
			err = r.shell()
		case strings.HasPrefix(line, "> "):
			err = r.directive()
		default:
			err = r.output()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) add(step Step) {
	step.head = r.lines[step.Line-1 : r.at]
	r.s.Steps = append(r.s.Steps, step)
}

// prose reads lines that explain, up to the next that does not.
func (r *reader) prose() {
	step := Step{Line: r.at + 1, Kind: Prose}
	var lines []string
	for ; r.at < len(r.lines) && (r.lines[r.at] == "#" || strings.HasPrefix(r.lines[r.at], "# ")); r.at++ {
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(r.lines[r.at], "#"), " "))
	}
	step.Text = strings.Join(lines, "\n")
	r.add(step)
}

// shell reads a command: with what follows a backslash at its end, and with its
// here-document.
func (r *reader) shell() error {
	step := Step{Line: r.at + 1, Kind: Shell}
	text := strings.TrimPrefix(r.lines[r.at], "$ ")
	for r.at++; strings.HasSuffix(text, "\\"); r.at++ {
		if r.at == len(r.lines) {
			return r.s.errorf(r.at, "the command goes on after its last line")
		}
		text = strings.TrimSuffix(text, "\\") + strings.TrimLeft(r.lines[r.at], " \t")
	}
	command, word, isHere := strings.Cut(text, "<<")
	word = strings.Trim(strings.TrimSpace(word), `'"`)
	if isHere && word != "" && !strings.ContainsAny(word, " \t\"'") {
		text = strings.TrimSpace(command)
		var in strings.Builder
		for ; ; r.at++ {
			if r.at == len(r.lines) {
				return r.s.errorf(step.Line, "the here-document does not end: there is no line %q", word)
			}
			if r.lines[r.at] == word {
				break
			}
			in.WriteString(r.lines[r.at] + "\n")
		}
		r.at++
		step.Stdin = in.String()
	}
	step.Text = strings.TrimSpace(text)
	if step.Text == "" {
		return r.s.errorf(step.Line, "there is no command")
	}
	r.add(step)
	return nil
}

func (r *reader) directive() error {
	step := Step{Line: r.at + 1, Kind: Directive, Text: strings.TrimSpace(strings.TrimPrefix(r.lines[r.at], "> "))}
	r.at++
	var err error
	if step.do, step.set, err = parseDirective(step.Text); err != nil {
		return &Error{File: r.s.Name, Line: step.Line, Err: err}
	}
	r.add(step)
	return nil
}

// output reads what the last step is expected to print, and the empty lines
// after it.
func (r *reader) output() error {
	first := r.at
	var lines []string
	for ; r.at < len(r.lines) && !isMarked(r.lines[r.at]); r.at++ {
		lines = append(lines, r.lines[r.at])
	}
	n := len(lines)
	for n > 0 && strings.TrimSpace(lines[n-1]) == "" {
		n--
	}
	blank := len(lines) - n
	switch last := len(r.s.Steps) - 1; {
	case last < 0 && n == 0:
		r.s.lead = blank
	case last < 0 || r.s.Steps[last].Kind == Prose && n > 0:
		return r.s.errorf(first+1+leading(lines), "%q stands where a step has to: a command begins with %q, a directive with %q, prose with %q", lines[leading(lines)], "$ ", "> ", "# ")
	default:
		var want strings.Builder
		for _, line := range lines[:n] {
			want.WriteString(unescape(line) + "\n")
		}
		r.s.Steps[last].Want, r.s.Steps[last].blank = want.String(), blank
	}
	return nil
}

// leading counts the empty lines at the beginning.
func leading(lines []string) int {
	n := 0
	for n < len(lines)-1 && strings.TrimSpace(lines[n]) == "" {
		n++
	}
	return n
}

// isMarked reports whether a line begins a step.
func isMarked(line string) bool {
	return line == "#" || strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "$ ") || strings.HasPrefix(line, "> ")
}

// escape writes a line of output so that it is not read as anything else: a
// backslash stands before it then.
func escape(line string) string {
	if isMarked(line) || strings.HasPrefix(line, "\\") || strings.HasPrefix(line, "-- ") || line == anything {
		return "\\" + line
	}
	return line
}

// unescape is the inverse of escape. The line that stands for any lines keeps
// its meaning by having no backslash.
func unescape(line string) string {
	if line == quoted {
		return line
	}
	return strings.TrimPrefix(line, "\\")
}
