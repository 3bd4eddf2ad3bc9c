package shell

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/statefulsim/statefulsim/sim"
)

// flagsText lists the commands of kubectl v1.37.2, each with its line of usage
// and its flags, as `kubectl COMMAND --help` has them; the first one, options,
// holds those that all commands have.
//
//go:embed flags.txt
var flagsText string

// spec is what kubectl says of one of its commands.
type spec struct {
	name  string // "rollout status"
	usage string
	flags []flagSpec
	subs  []string // the words of its subcommands
}

// flagSpec is a flag with its default value, whose form tells its type.
type flagSpec struct{ short, name, value string }

// specs are all commands by name.
var specs = readSpecs()

func readSpecs() map[string]*spec {
	all := map[string]*spec{"": {}}
	var cmd *spec
	for line := range strings.Lines(flagsText) {
		text := strings.TrimSpace(line)
		switch indented := line[0] == ' '; {
		case !indented:
			cmd = &spec{name: text}
			all[text] = cmd
			parent, word := "", text
			if i := strings.LastIndexByte(text, ' '); i >= 0 {
				parent, word = text[:i], text[i+1:]
			}
			if text != "options" {
				all[parent].subs = append(all[parent].subs, word)
			}
		case cmd.usage == "":
			cmd.usage = text
		default:
			cmd.flags = append(cmd.flags, parseFlag(text))
		}
	}
	return all
}

// parseFlag reads "-A --all-namespaces=false".
func parseFlag(text string) flagSpec {
	var f flagSpec
	if rest, ok := strings.CutPrefix(text, "--"); ok {
		text = rest
	} else {
		f.short, text = text[1:2], strings.TrimPrefix(text[2:], " --")
	}
	f.name, f.value, _ = strings.Cut(text, "=")
	return f
}

// bareValue is what a flag means that may stand without a value.
var bareValue = map[string]string{"cascade": "background", "dry-run": "unchanged", "validate": "strict"}

// define adds the flag to a set, with the type that its default has.
func (f flagSpec) define(set *pflag.FlagSet) {
	unquoted := strings.Trim(f.value, "'")
	switch {
	case f.name == "for" || f.name == "from-literal":
		set.StringArrayP(f.name, f.short, nil, "")
	case f.value == "true" || f.value == "false":
		set.BoolP(f.name, f.short, f.value == "true", "")
	case f.value == "[]":
		set.StringSliceP(f.name, f.short, nil, "")
	case unquoted != f.value || f.value == "":
		set.StringP(f.name, f.short, unquoted, "")
	default:
		if n, err := strconv.ParseInt(f.value, 10, 64); err == nil {
			set.Int64P(f.name, f.short, n, "")
		} else if d, err := time.ParseDuration(f.value); err == nil {
			set.DurationP(f.name, f.short, d, "")
		} else {
			set.StringP(f.name, f.short, f.value, "")
		}
	}
	if bare, ok := bareValue[f.name]; ok {
		set.Lookup(f.name).NoOptDefVal = bare
	}
}

// flagSet returns all flags that a command takes, its own and the global ones.
func (c *spec) flagSet() *pflag.FlagSet {
	set := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	set.Usage = func() {}
	set.SortFlags = false
	for _, f := range slices.Concat(c.flags, specs["options"].flags) {
		if set.Lookup(f.name) == nil && (f.short == "" || set.ShorthandLookup(f.short) == nil) {
			f.define(set)
		}
	}
	set.BoolP("help", "h", false, "")
	return set
}

// call is one command of kubectl that runs.
type call struct {
	*Shell
	Output
	// cluster is the shell's, or a copy of it that is thrown away.
	cluster   *sim.Cluster
	spec      *spec
	flags     *pflag.FlagSet
	args      []string
	namespace string
	// suffix follows every answer: " (server dry run)".
	suffix string
	errs   []error
}

func (c *call) on(flag string) bool            { v, _ := c.flags.GetBool(flag); return v }
func (c *call) text(flag string) string        { v, _ := c.flags.GetString(flag); return v }
func (c *call) list(flag string) []string      { v, _ := c.flags.GetStringSlice(flag); return v }
func (c *call) array(flag string) []string     { v, _ := c.flags.GetStringArray(flag); return v }
func (c *call) number(flag string) int64       { v, _ := c.flags.GetInt64(flag); return v }
func (c *call) span(flag string) time.Duration { v, _ := c.flags.GetDuration(flag); return v }

// fail remembers an error: kubectl goes on with the other objects and tells all
// errors at the end.
func (c *call) fail(err error) { c.errs = append(c.errs, err) }

// wrong is an error of the command line in kubectl's words.
func (c *call) wrong(format string, args ...any) { c.fail(fmt.Errorf(format, args...)) }

// misused is wrong with the hint at the help that kubectl adds.
func (c *call) misused(format string, args ...any) {
	c.wrong("%s\nSee 'kubectl %s -h' for help and examples", fmt.Sprintf(format, args...), c.spec.name)
}
