// Mutate changes our controller's decisions, one at a time, and reports whether
// the comparison with the real controller notices; or, with -rules, breaks one
// rule after the other, and reports whether the tests that name it notice; or, with
// -tenants, changes the controllers of accounts, certificates, ephemeral volumes and
// quotas, or with -nodes those of nodes, and reports whether the comparison with the
// real ones notices.
//
//	cd sim/conformance && go run ./mutate
//	cd sim/conformance && go run ./mutate -rules
//	cd sim/conformance && go run ./mutate -tenants
//	cd sim/conformance && go run ./mutate -nodes
//
// Nothing on disk is changed: each mutant is compiled through go's -overlay. The
// program exits with 1 if a mutant survives.
package main
