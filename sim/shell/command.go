package shell

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// command is a command of kubectl that runs here.
type command struct {
	// flags are those that are modelled, parted by spaces, beside --namespace,
	// --help and --request-timeout. Each other flag of kubectl is told.
	flags string
	run   func(*call)
}

// resourceFlags choose objects, for most commands that change them.
const resourceFlags = "filename recursive selector all all-namespaces field-selector "

// commands are the modelled commands. Those of kubectl that are missing here
// are told, with the reason in unmodelled.
var commands map[string]command

func init() {
	commands = map[string]command{
		"annotate":         {resourceFlags + "overwrite list dry-run output", (*call).annotate},
		"api-resources":    {"namespaced no-headers output", (*call).apiResources},
		"api-versions":     {"", (*call).apiVersions},
		"apply":            {"filename recursive server-side force-conflicts field-manager show-managed-fields dry-run output", (*call).apply},
		"cluster-info":     {"", (*call).clusterInfo},
		"cordon":           {"selector dry-run", (*call).cordon},
		"create":           {"filename recursive save-config dry-run output", (*call).create},
		"create configmap": {"from-literal save-config dry-run output", (*call).createConfigMap},
		"create namespace": {"save-config dry-run output", (*call).createNamespace},
		"delete":           {resourceFlags + "cascade wait grace-period force now ignore-not-found timeout output dry-run", (*call).delete},
		"describe":         {"filename recursive selector all-namespaces", (*call).describe},
		"drain":            {"force grace-period ignore-daemonsets delete-emptydir-data disable-eviction timeout pod-selector skip-wait-for-delete-timeout selector", (*call).drain},
		"events":           {"all-namespaces for types no-headers", (*call).events},
		"exec":             {"stdin tty container quiet", (*call).exec},
		"get": {"filename recursive selector all-namespaces field-selector output no-headers show-kind show-labels label-columns sort-by ignore-not-found " +
			"template allow-missing-template-keys show-managed-fields watch watch-only output-watch-events", (*call).get},
		"label":           {resourceFlags + "overwrite list dry-run output", (*call).label},
		"logs":            {"container previous tail all-containers prefix selector", (*call).logs},
		"patch":           {"filename recursive patch type subresource dry-run output", (*call).patch},
		"replace":         {"filename recursive force cascade grace-period wait timeout save-config dry-run output", (*call).replace},
		"rollout history": {"filename recursive selector revision", (*call).rolloutHistory},
		"rollout pause":   {"filename recursive selector", (*call).rolloutPause},
		"rollout restart": {"filename recursive selector output", (*call).rolloutRestart},
		"rollout resume":  {"filename recursive selector", (*call).rolloutPause},
		"rollout status":  {"filename recursive selector timeout watch revision", (*call).rolloutStatus},
		"rollout undo":    {"filename recursive selector to-revision dry-run", (*call).rolloutUndo},
		"scale":           {"filename recursive selector all replicas current-replicas resource-version dry-run output timeout", (*call).scale},
		"set image":       {"filename recursive selector all dry-run output", (*call).setImage},
		"taint":           {"all selector overwrite dry-run output", (*call).taint},
		"top node":        {"", (*call).top},
		"top pod":         {"", (*call).top},
		"uncordon":        {"selector dry-run", (*call).uncordon},
		"version":         {"client output", (*call).version},
		"wait":            {"filename recursive selector all all-namespaces field-selector for timeout", (*call).wait},
	}
}

// unmodelled says why a command of kubectl does not run here; others have no
// particular reason.
var unmodelled = map[string]string{
	"attach": "what containers print is not modelled", "cp": "read and write files with kubectl exec",
	"edit": "there is no editor; use kubectl patch", "explain": "there are no OpenAPI schemas",
	"auth": "authorisation is not modelled", "config": "there is one cluster", "proxy": "the API is not served",
	"port-forward": "use curl with the pod's address", "run": "create the pod from a file", "diff": "use --dry-run=server -o yaml",
	"set": "use kubectl patch", "autoscale": "use kubectl apply", "debug": "ephemeral containers are not modelled",
}

// aliases are further names of commands.
var aliases = map[string]string{
	"create cm": "create configmap", "create ns": "create namespace", "top pods": "top pod", "top po": "top pod",
	"top nodes": "top node", "top no": "top node",
}

// kubectl runs a command line without its first word.
func (s *Shell) kubectl(args []string) Output {
	cmd, rest, out := find(args)
	if cmd == nil {
		return out
	}
	c := &call{Shell: s, cluster: s.cluster, spec: cmd, flags: cmd.flagSet()}
	if err := c.flags.Parse(rest); err != nil {
		return usage(cmd.name, err)
	}
	c.args = c.flags.Args()
	c.namespace = c.text("namespace")
	run, ok := commands[cmd.name]
	switch {
	case c.on("help"):
		return Output{}.printed(help(cmd))
	case !ok && len(cmd.subs) > 0 && cmd.name != "create":
		return group(cmd, c.args)
	case !ok:
		return refused(cmd.name)
	}
	if c.namespace == "" {
		c.namespace = "default"
	}
	if err := c.check(run); err != nil {
		return failed(err)
	}
	run.run(c)
	c.tell()
	return c.Output
}

// tell prints the errors: one alone in full, several as one line each
// (cmdutil.checkErr, MultipleErrors).
func (c *call) tell() {
	if len(c.errs) == 1 {
		if more, ok := c.errs[0].(several); ok {
			c.errs = more
		}
	}
	if len(c.errs) == 1 {
		c.add(failed(c.errs[0]))
		return
	}
	for _, err := range c.errs {
		var status *apierrors.StatusError
		if errors.As(err, &status) {
			c.add(failure("Error from server (%s): %s", status.ErrStatus.Reason, status.ErrStatus.Message))
			continue
		}
		c.add(failure("%v", err))
	}
}

// check refuses what is known to kubectl and not modelled, and prepares a dry
// run: it runs on a copy of the cluster.
func (c *call) check(run command) error {
	modelled := append(strings.Fields(run.flags), "namespace", "help", "request-timeout")
	var err error
	c.flags.Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(modelled, f.Name) {
			err = fmt.Errorf("kubectl's --%s is not modelled here", f.Name)
		}
	})
	if err != nil || c.flags.Lookup("dry-run") == nil {
		return err
	}
	switch how := c.text("dry-run"); how {
	case "none":
	case "server":
		c.cluster, c.suffix = c.cluster.Fork(), " (server dry run)"
	case "client":
		return errors.New("--dry-run=client is not modelled here; --dry-run=server is")
	default:
		return fmt.Errorf("Invalid dry-run value (%s). Must be \"none\", \"server\", or \"client\".", how)
	}
	return nil
}

// find returns the command that a line means and the line without its words;
// flags may stand between them. Without a command the Output is the answer.
func find(args []string) (*spec, []string, Output) {
	cmd := specs[""]
	var flags []string
	for {
		if len(cmd.subs) == 0 {
			return cmd, append(flags, args...), Output{}
		}
		set := cmd.flagSet()
		set.SetInterspersed(false)
		if err := set.Parse(args); err != nil {
			return nil, nil, usage(cmd.name, err)
		}
		rest := set.Args()
		flags = append(flags, args[:len(args)-len(rest)]...)
		args = rest
		if len(args) == 0 || args[0] == "" {
			break
		}
		name := strings.TrimSpace(cmd.name + " " + args[0])
		if alias, ok := aliases[name]; ok {
			name = alias
		}
		next := specs[name]
		switch {
		case next == nil && cmd.name == "":
			return nil, nil, unknown(args[0], cmd.subs)
		case next == nil:
			return cmd, append(flags, args...), Output{}
		}
		cmd, args = next, args[1:]
	}
	if cmd.name == "" {
		return nil, nil, Output{}.printed(overview())
	}
	return cmd, flags, Output{}
}

// printed returns a successful Output of a text.
func (o Output) printed(text string) Output {
	o.print("%s", text)
	return o
}

// unknown is kubectl's answer to a word that is no command.
func unknown(word string, known []string) Output {
	var near []string
	for _, name := range known {
		if distance(word, name) <= 2 || strings.HasPrefix(name, strings.ToLower(word)) {
			near = append(near, name)
		}
	}
	text := fmt.Sprintf("error: unknown command %q for \"kubectl\"", word)
	if len(near) > 0 {
		slices.Sort(near)
		text += "\n\nDid you mean this?\n\t" + strings.Join(near, "\n\t")
	}
	return failure("%s", text)
}

// distance is the Levenshtein distance, by which cobra finds what was meant.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1]|0x20 != b[j-1]|0x20 { // commands are lower-case letters
				cost++
			}
			diagonal, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// usage is how kubectl answers a flag that it does not know.
func usage(command string, err error) Output {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		prefix, _, _ := strings.Cut(err.Error(), " flag: ")
		err = fmt.Errorf("%s flag: %w", prefix, invalidValue(invalid))
	}
	return failure("error: %v\nSee '%s --help' for usage.", err, strings.TrimSpace("kubectl "+command))
}

// invalidValue is why a flag does not take a value, in the words of the release
// of pflag that kubectl is built with.
func invalidValue(e *pflag.InvalidValueError) error {
	var err error
	switch e.GetFlag().Value.Type() {
	case "bool":
		_, err = strconv.ParseBool(e.GetValue())
	case "int64":
		_, err = strconv.ParseInt(e.GetValue(), 0, 64)
	case "duration":
		_, err = time.ParseDuration(e.GetValue())
	}
	if err == nil {
		err = e.Unwrap()
	}
	return err
}

// group answers a command that only has subcommands.
func group(cmd *spec, args []string) Output {
	if len(args) > 0 {
		return failure("error: unknown command %q\nSee 'kubectl %s -h' for help and examples", args[0], cmd.name)
	}
	out := failure("%s", strings.TrimSuffix(help(cmd), "\n"))
	return out
}

// refused tells that a command of kubectl is not modelled.
func refused(name string) Output {
	word, _, _ := strings.Cut(name, " ")
	why, ok := unmodelled[name]
	if !ok {
		why, ok = unmodelled[word]
	}
	if ok {
		why = ": " + why
	}
	return failure("error: kubectl %s is not modelled here%s", name, why)
}

// overview lists the commands.
func overview() string {
	var b strings.Builder
	b.WriteString("kubectl controls the Kubernetes cluster manager.\n\nModelled here:\n")
	for _, name := range sortedNames(commands) {
		fmt.Fprintf(&b, "  %s\n", name)
	}
	b.WriteString("\nUse \"kubectl <command> --help\" for more information about a given command.\n")
	return b.String()
}

// help describes a command: how it is used, and which flags of kubectl's are
// modelled.
func help(cmd *spec) string {
	var b strings.Builder
	modelled := strings.Fields(commands[cmd.name].flags)
	section := func(title string, pick func(flagSpec) bool) {
		first := true
		for _, f := range cmd.flags {
			if !pick(f) {
				continue
			}
			if first {
				fmt.Fprintf(&b, "%s:\n", title)
				first = false
			}
			short := "    "
			if f.short != "" {
				short = "-" + f.short + ", "
			}
			fmt.Fprintf(&b, "    %s--%s=%s\n", short, f.name, f.value)
		}
		if !first {
			b.WriteByte('\n')
		}
	}
	if len(cmd.subs) > 0 {
		b.WriteString("Available Commands:\n")
		for _, sub := range cmd.subs {
			fmt.Fprintf(&b, "  %s\n", sub)
		}
		b.WriteByte('\n')
	}
	section("Options", func(f flagSpec) bool { return slices.Contains(modelled, f.name) })
	section("Options of kubectl that are not modelled here", func(f flagSpec) bool { return !slices.Contains(modelled, f.name) })
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.usage)
	return b.String()
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m { // sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
