// Package shell is a terminal on a cluster: it runs command lines of kubectl,
// dig, curl and cat as a person would type them, and returns what they print
// and their exit code.
//
//	sh := shell.New(cluster, os.DirFS("manifests"))
//	fmt.Print(sh.Run("kubectl apply -f web.yaml").Text)
//	fmt.Print(sh.Run("kubectl get pods -o wide").Text)
//
// It is kubectl v1.37.2, or says that it is not. Every command and every flag
// of kubectl is known, by the list in flags.txt, which is kubectl's own help:
// what is modelled does what kubectl does and prints what it prints, what is not
// is refused in words with exit code 1, and what kubectl does not know is its
// error. Nothing is passed over. `kubectl COMMAND --help` lists both kinds of
// flags. Package table renders objects.
//
// A command that waits in a real terminal (delete, drain, wait, rollout status)
// lets virtual time pass until it is done or its --timeout is over. `kubectl get
// -w` is for [Shell.Watch], or ends by `timeout 10 kubectl get … -w`.
//
// `why pod/web-2` is no command of a real terminal: it says what an object waits
// for, to the root, and what would end it (package why).
//
// --dry-run=server runs a command on a fork of the cluster and throws it away.
//
// Deviations:
//
//   - Deviation: kubectl's goroutines take turns here: drain evicts pods in the
//     order of their names.
//   - Deviation: a wait without --timeout ends with an error that names what is
//     unfinished when nothing is left to happen; kubectl would hang.
//   - Deviation: a map that JSONPath ranges over comes in the order of its keys;
//     kubectl's comes in any.
//   - Deviation: an error in a JSONPath template does not print the whole object.
//   - Deviation: a container runs cat, echo, env, printenv, hostname, ls,
//     nslookup, true, false and sh -c with quotes, variables, ";", "&&", "||"
//     and redirection; files that an image brings are not modelled.
//   - Deviation: of logs there is what a Workload's Log says, all at the start of
//     a container.
//   - Deviation: dig answers for the cluster's name server alone.
package shell
