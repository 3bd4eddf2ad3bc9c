package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
)

// Operation is one thing that somebody does to a cluster, or that befalls it: plain
// data, which prints as one line and is parsed from it. An argument with spaces,
// quotes or nothing in it is quoted as in Go.
type Operation struct {
	Do   string
	Args []string
}

// String returns the operation as a line.
func (o Operation) String() string {
	words := []string{o.Do}
	for _, a := range o.Args {
		if a == "" || strings.ContainsAny(a, " \t\n\"\\#") {
			a = strconv.Quote(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// words cuts a line at spaces, but for those in quotes.
func words(line string) (list []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			list, line = append(list, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("%s: a quote is not closed", line)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quoted, err)
		}
		list, line = append(list, word), line[len(quoted):]
	}
	return list, nil
}

// Command is a kind of operation: something that can be drawn, printed, parsed, done
// again and made simpler. Users add their own to those of this package.
type Command struct {
	Name string
	// Args are what it is given. Those from Least on may be left out.
	Args  []Argument
	Least int
	// Weight is how often it is drawn, compared with others; 0 means 1, and a negative
	// number never.
	Weight int
	// When, if not nil, is a precondition: where it is false the operation does nothing.
	When func(c *sim.Cluster, args []string) bool
	// Do does it. An error of the API is the cluster's answer and no failure of the
	// search; so is ErrSkipped. Any other error ends it.
	Do func(c *sim.Cluster, args []string) error
	// Fault says that it is a misfortune, not something that a user does: it is taken
	// out of a counterexample after the commands, and is what Check.Faults can name.
	Fault bool
}

// Argument is what an operation is given.
type Argument struct {
	Name string
	// Some are what is drawn, the simplest first: a counterexample has the first of
	// them with which it fails. An argument without any makes its command one that is
	// written but not drawn, or is left out where it may be.
	Some []string
	// Check, if not nil, says what is wrong with an argument that is written.
	Check func(string) error
}

// Vocabulary are commands by their names.
type Vocabulary []Command

// Find returns a command by its name, or nil.
func (v Vocabulary) Find(name string) *Command {
	i := slices.IndexFunc(v, func(k Command) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return &v[i]
}

// Names lists the names of the commands.
func (v Vocabulary) Names() []string {
	names := make([]string, len(v))
	for i := range v {
		names[i] = v[i].Name
	}
	return names
}

// Without returns the commands but those with such names.
func (v Vocabulary) Without(names ...string) Vocabulary {
	return slices.DeleteFunc(slices.Clone(v), func(k Command) bool { return slices.Contains(names, k.Name) })
}

// Only returns the commands with such names.
func (v Vocabulary) Only(names ...string) Vocabulary {
	return slices.DeleteFunc(slices.Clone(v), func(k Command) bool { return !slices.Contains(names, k.Name) })
}

// Parse reads an operation from a line.
func (v Vocabulary) Parse(line string) (Operation, error) {
	list, err := words(line)
	if err != nil {
		return Operation{}, err
	}
	if len(list) == 0 {
		return Operation{}, fmt.Errorf("no operation in %q", line)
	}
	k := v.Find(list[0])
	if k == nil {
		return Operation{}, fmt.Errorf("unknown operation %q; there are %s", list[0], strings.Join(v.Names(), ", "))
	}
	o := Operation{Do: list[0]}
	if len(list) > 1 {
		o.Args = list[1:]
	}
	if n := len(o.Args); n < k.Least || n > len(k.Args) {
		return Operation{}, fmt.Errorf("%q: want %s", line, k.Usage())
	}
	for i, arg := range o.Args {
		if check := k.Args[i].Check; check != nil {
			if err := check(arg); err != nil {
				return Operation{}, fmt.Errorf("%q: %s: %w", line, k.Args[i].Name, err)
			}
		}
	}
	return o, nil
}

// Usage is "scale SET REPLICAS".
func (k *Command) Usage() string {
	list := []string{k.Name}
	for i, a := range k.Args {
		if i >= k.Least {
			a.Name = "[" + a.Name + "]"
		}
		list = append(list, a.Name)
	}
	return strings.Join(list, " ")
}

// Do does an operation. The error is the cluster's answer, or ErrSkipped, or says that
// there is no such command.
func (v Vocabulary) Do(c *sim.Cluster, o Operation) error {
	k := v.Find(o.Do)
	if k == nil {
		return fmt.Errorf("unknown operation %q", o.Do)
	}
	if k.When != nil && !k.When(c, o.Args) {
		return ErrSkipped
	}
	return k.Do(c, o.Args)
}

// Drawable reports whether a command can be drawn: every argument that it needs has
// something to be drawn from.
func (k *Command) Drawable() bool {
	return k.Weight >= 0 && !slices.ContainsFunc(k.Args[:k.Least], func(a Argument) bool { return len(a.Some) == 0 })
}

// Draw makes an operation of this kind; pick returns a number below n.
func (k *Command) Draw(pick func(what string, n int) int) Operation {
	o := Operation{Do: k.Name}
	for i, a := range k.Args {
		if i >= k.Least && (len(a.Some) == 0 || pick("with "+a.Name, 2) == 0) {
			break
		}
		o.Args = append(o.Args, a.Some[pick(k.Name+" "+a.Name, len(a.Some))])
	}
	return o
}
