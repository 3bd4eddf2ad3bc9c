// Package client gives real clients a simulated cluster without a port: a
// rest.Config whose transport never leaves the process. A clientset, the dynamic
// client, informers and leader election of client-go, and all that is built on
// them, work on it unchanged.
//
//	synctest.Test(t, func(t *testing.T) {
//		cl := client.New(sim.New(sim.Config{}))
//		defer cl.Close()
//		set := kubernetes.NewForConfigOrDie(cl.Config())
//		…
//	})
//
// In a bubble of testing/synctest the bubble's clock and the cluster's are one: as
// long as any goroutine works, both stand still; when all wait, both go on to
// what comes first, a timer of a client or an event of the cluster. An hour that
// an operator waits costs nothing. Outside a bubble the cluster goes on to its
// next event when no client has asked for anything for a moment (serve.Eager);
// what clients wait for by the machine's clock takes its time.
//
// # What is deterministic
//
// The cluster is: the same requests at the same times give the same history. In a
// bubble the times of requests are exact; of several goroutines that work at one
// time any can be first, and Go chooses anew in each run. Outside a bubble the
// times are the machine's affair, too.
//
// Deviation: client-side throttling is off (rest.Config.QPS is -1).
package client
