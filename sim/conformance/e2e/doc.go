// Package e2e has Kubernetes' own end-to-end suite judge the simulator: test/e2e of
// v1.37.2, built from its module, with the real kubectl, against a cluster that
// package serve serves on loopback, its clock faster than the machine's.
//
//	go test -vet=off -timeout 1h -parallel 16 ./e2e -e2e
//
// testdata lists the tests of [sig-apps] StatefulSet: those that pass must go on to,
// and for each other one there is the reason. Each runs in a process of its own against
// a cluster of its own, and mostly waits by the machine's clock: many at a time take no
// longer than the longest. A few take the cluster's clock for the machine's: for them
// it goes no faster ("real"). Building takes about five minutes on two idle cores:
// without the flag -e2e only the tables are looked at. Running takes three.
//
// What the suite's pods do is given to them: its image serves files, answers the
// probes that the tests break, and runs the lines of a shell that they send
// (agnhost_test.go).
package e2e
