// Package shell is a terminal on a cluster: it runs command lines of kubectl,
// dig, curl and cat as a person would type them, and returns what they print.
//
//	sh := shell.New(cluster, os.DirFS("manifests"))
//	fmt.Print(sh.Run("kubectl apply -f web.yaml").Text)
//	fmt.Print(sh.Run("kubectl get pods -o wide").Text)
//
// The commands print what kubectl v1.37 prints; package table renders it. A
// command that waits in a real terminal (delete, rollout status) lets virtual
// time pass until it is done. `kubectl get -w` is for [Shell.Watch].
//
// Deviation: the flags are those that tests and lessons need, see each command;
// any other flag is refused as kubectl refuses an unknown one.
package shell
