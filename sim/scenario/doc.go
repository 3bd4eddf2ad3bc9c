// Package scenario plays scenarios: text files that hold manifests, a script of
// shell lines as one would type them, directives for time, misfortune and
// expectations, and what each of them prints.
//
// A file is a txtar archive. The script comes first, the files that it uses
// follow, each after a line with its name:
//
//	# A pod is created when the one before it is ready.
//	> provision
//	$ kubectl apply -f web.yaml
//	service/web created
//	statefulset.apps/web created
//	> settle
//	> expect pod/web-2 Ready
//	$ kubectl get pods -o name
//	pod/web-0
//	pod/web-1
//	pod/web-2
//
//	-- web.yaml --
//	apiVersion: v1
//	…
//
// Lines that begin with "# " are prose, with "$ " commands for package shell,
// with "> " directives. What stands below a command or a directive is what it is
// expected to print; a line "..." there stands for any lines. A line of output
// that would be read as something else has a backslash before it. Spaces at the
// ends of lines and empty lines after an output do not count. A command goes on
// in the next line after a backslash, reads a here-document (<<EOF) if it has one,
// and $(command) in it is replaced by what that prints.
//
// [Run] plays files in a test and compares; with -scenario.update it rewrites
// what they expect. [Scenario.Play] plays one anywhere: on the file's seed, or on
// another, which is another legal history. [Scenario.Start] hands it out: a [Session]
// goes on step by step, takes lines of one's own between, and forks. [Scenario.Diff] tells what that does
// otherwise and which choice made the difference.
//
// [Directives] lists the directives. Those that describe the cluster come first:
//
//	seed N · nodes N · node NAME LABEL=VALUE … · provision · workload IMAGE {…} ·
//	private-images NAME [USER PASSWORD] · gate NAME=BOOL · disable-admission PLUGIN · domain NAME · nfs-strict · no-latency
//
// Time and other terminals:
//
//	run SPAN · settle · step [N] · until TYPE/NAME STATE … · watch LINE · watched ·
//	volumes N
//
// Misfortune, which is every method of sim.Cluster that has something go wrong:
//
//	crash NODE · stop-kubelet NODE · restart NODE · partition NODE · reconnect NODE ·
//	restart-controller COMPONENT · hold COMPONENT KIND SPAN ·
//	fail COMPONENT VERB KIND N ERROR · lose-answers COMPONENT VERB KIND N · exit POD CODE [REASON] · fail-probe POD PROBE ·
//	mend-probe POD PROBE · image-missing IMAGE · image-back IMAGE · nfs … · evict POD ·
//	heal
//
// Questions:
//
//	expect TYPE/NAME STATE … · why TYPE/NAME · waiting · processes · rows TYPE/NAME
//
// What happens next? A reader answers before the cluster does:
//
//	ask QUESTION · option TEXT [if TYPE/NAME STATE …] · answer
//
// One option whose expectation holds when it comes to answer is what the cluster
// says, and answer prints it; the option without an expectation is right if no other
// is. No right option is an error, and so are several.
//
// A STATE is what kubectl shows: a word of the column STATUS, "Ready", "NotReady",
// the name of a condition that is True, "exists", "gone", COLUMN=VALUE, or
// {JSONPATH}=VALUE. An expectation that does not hold is an error whatever the
// file expects to be printed, and so is a directive that cannot be done; a
// command that fails prints what it says.
//
// Left out: pipes but for grep, and everything else that package shell does not
// have.
package scenario
