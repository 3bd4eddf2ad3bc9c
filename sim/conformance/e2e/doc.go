// Package e2e has Kubernetes' own end-to-end suite judge the simulator: test/e2e of
// v1.37.2, built from its module, with the real kubectl, against a cluster that
// package serve serves on loopback, its clock faster than the machine's.
//
//	go test ./e2e -e2e -timeout 2h
//
// testdata lists the tests of [sig-apps] StatefulSet: those that pass must go on to,
// and for each other one there is the reason. Building takes four minutes on two idle
// cores, and the tests wait by the machine's clock: without the flag -e2e only the
// tables are looked at.
//
// What the suite's pods do is given to them: its image serves files, answers the
// probes that the tests break, and runs the lines of a shell that they send
// (agnhost_test.go).
package e2e
