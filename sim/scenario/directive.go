package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/pflag"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// action does what a directive says, and returns what it prints. If the line is
// not empty, it is what a terminal would show in place of the directive.
type action func(*player) (line, out string, err error)

// setting is a directive that describes the cluster before it exists.
type setting func(*sim.Config) error

// directive is a kind of directive: one of set and do is not nil.
type directive struct {
	usage string // after its name
	about string
	set   func(a *arguments) (setting, error)
	do    func(a *arguments) (action, error)
}

// directives are all kinds, by name. They are listed in doc.go.
var directives map[string]directive

func init() {
	directives = map[string]directive{}
	for _, list := range []map[string]directive{settings, actions, misfortunes, questions, predictions} {
		maps.Copy(directives, list)
	}
}

// Directives lists the directives, sorted, each with its arguments and a sentence
// that says what it does: "run SPAN", "lets time pass".
func Directives() [][2]string {
	var list [][2]string
	for _, name := range slices.Sorted(maps.Keys(directives)) {
		d := directives[name]
		list = append(list, [2]string{strings.TrimSpace(name + " " + d.usage), d.about})
	}
	return list
}

// parseDirective reads a directive without its mark. Everything about it that
// does not depend on the cluster is checked here.
func parseDirective(text string) (action, setting, error) {
	name, rest, _ := strings.Cut(text, " ")
	d, ok := directives[name]
	if !ok {
		return nil, nil, fmt.Errorf("there is no directive %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(directives)), ", "))
	}
	a := &arguments{rest: strings.TrimSpace(rest)}
	var do action
	var set setting
	var err error
	if d.set != nil {
		set, err = d.set(a)
	} else {
		do, err = d.do(a)
	}
	if err == nil {
		err = a.err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w (usage: > %s)", name, err, strings.TrimSpace(name+" "+d.usage))
	}
	return do, set, nil
}

// arguments are what follows the name of a directive. Its methods take one after
// the other; the first error stays.
type arguments struct {
	rest  string
	words []string
	split bool
	err   error
}

func (a *arguments) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// divide splits the arguments into words, as a shell does.
func (a *arguments) divide() {
	if a.split {
		return
	}
	a.split = true
	p := shellwords.NewParser()
	words, err := p.Parse(a.rest)
	if err != nil || p.Position >= 0 {
		a.fail("cannot be divided into words: %q", a.rest)
		return
	}
	a.words = words
}

// flags takes the flags out of the arguments.
func (a *arguments) flags(define func(*pflag.FlagSet)) {
	a.divide()
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetInterspersed(true)
	define(f)
	if err := f.Parse(a.words); err != nil {
		a.fail("%v", err)
		return
	}
	a.words = f.Args()
}

// has reports whether there is another argument.
func (a *arguments) has() bool {
	a.divide()
	return len(a.words) > 0
}

// next takes the next argument.
func (a *arguments) next(what string) string {
	if !a.has() {
		a.fail("%s is missing", what)
		return ""
	}
	word := a.words[0]
	a.words = a.words[1:]
	return word
}

// end says that no more arguments may come.
func (a *arguments) end() {
	if a.has() {
		a.fail("%q is too much", a.words[0])
	}
}

// number takes a whole number.
func (a *arguments) number(what string, low, high int) int {
	word := a.next(what)
	n, err := strconv.Atoi(word)
	if a.err == nil && (err != nil || n < low || n > high) {
		a.fail("%s: want %d to %d, not %q", what, low, high, word)
	}
	return n
}

// span takes a duration: "1m30s", "13d", "2d12h".
func (a *arguments) span(what string) time.Duration {
	word := a.next(what)
	d, err := parseSpan(word)
	if a.err == nil && err != nil {
		a.fail("%s: %w", what, err)
	}
	return d
}

func parseSpan(word string) (time.Duration, error) {
	var days int64
	rest := word
	if number, after, ok := strings.Cut(word, "d"); ok {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > 100_000 {
			return 0, fmt.Errorf("%q is no span of time: want 90s, 5m, 1h30m or 13d", word)
		}
		days, rest = n, after
		if rest == "" {
			rest = "0s"
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no span of time: want 90s, 5m, 1h30m or 13d", word)
	}
	return time.Duration(days)*24*time.Hour + d, nil
}

// kind takes the name of a kind, in any of the forms that kubectl takes.
func (a *arguments) kind(what string) apiserver.Kind {
	word := a.next(what)
	kind := apiserver.KindNamed(word)
	if a.err == nil && kind == 0 {
		a.fail("%s: there is no kind %q", what, word)
	}
	return kind
}

// one takes one of several words.
func (a *arguments) one(what string, words ...string) string {
	word := a.next(what)
	if a.err == nil && !slices.Contains(words, word) {
		a.fail("%s: want %s, not %q", what, strings.Join(words, ", "), word)
	}
	return word
}

// object is what a directive is about: "pod/web-0", with -n its namespace.
type object struct {
	kind            apiserver.Kind
	namespace, name string
	container       string
}

// object takes an object and the flags -n and -c. If a kind is given, its name
// may be left out: "web-0".
func (a *arguments) object(only apiserver.Kind, more ...func(*pflag.FlagSet)) object {
	var o object
	a.flags(func(f *pflag.FlagSet) {
		for _, define := range more {
			define(f)
		}
		f.StringVarP(&o.namespace, "namespace", "n", "", "")
		if only == apiserver.Pod {
			f.StringVarP(&o.container, "container", "c", "", "")
		}
	})
	word := a.next("TYPE/NAME")
	kind, name, ok := strings.Cut(word, "/")
	switch {
	case a.err != nil:
		return o
	case !ok && only != 0:
		o.kind, o.name = only, word
	case !ok:
		a.fail("%q is no TYPE/NAME such as pod/web-0", word)
	default:
		o.kind, o.name = apiserver.KindNamed(kind), name
	}
	if a.err == nil && o.kind == 0 {
		a.fail("there is no kind %q", kind)
	}
	if a.err == nil && only != 0 && o.kind != only {
		a.fail("%q is no %s", word, only)
	}
	if o.namespace == "" && o.kind != 0 && o.kind.Namespaced() {
		o.namespace = sim.DefaultNamespace
	}
	return o
}

func (o object) String() string {
	text := strings.ToLower(o.kind.String()) + "/" + o.name
	if o.namespace != "" && o.namespace != sim.DefaultNamespace {
		text += " in " + o.namespace
	}
	return text
}

// silent is an action that prints nothing.
func silent(do func(c *sim.Cluster) error) (action, error) {
	return func(p *player) (string, string, error) { return "", "", do(p.cluster) }, nil
}

// IsSetting reports whether a step describes the cluster before it exists.
func (s *Step) IsSetting() bool { return s.set != nil }
