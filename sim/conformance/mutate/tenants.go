package main

import "fmt"

// tenantMutants are wrong decisions of what package tenants compares: in a file of
// the module, old becomes new.
var tenantMutants = []mutant{
	{"sim/serviceaccount/controller.go", "return rec.Type != watch.Deleted\n", "return rec.Type == watch.Modified\n", "a new namespace has no account"},
	{"sim/serviceaccount/controller.go", "return rec.Type == watch.Deleted\n", "return false\n", "an account that is deleted does not come back"},
	{"sim/rootca/controller.go", `has.Annotations[annotation] != ""`, "true", "the description is not put right"},
	{"sim/rootca/controller.go", "maps.Equal(has.Data, data)", "true", "another certificate stays"},
	{"sim/ephemeralvolume/controller.go", "ephemeral.VolumeIsForPod(m.pod, claim); err != nil", "ephemeral.VolumeIsForPod(m.pod, claim); false", "another's claim is good enough"},
	{"sim/ephemeralvolume/controller.go", "return rec.Type == watch.Deleted && len(c.users) > 0", "return false", "a claim that is deleted does not come back"},
	{"sim/resourcequota/controller.go", "if gone || rec.Old != nil", "if rec.Old != nil", "what is deleted is given back by the count of all alone"},
	{"sim/resourcequota/controller.go", "quota.Equal(old.Spec.Hard, q.Spec.Hard)", "old != nil", "other amounts wait for the count of all"},
	{"sim/resourcequota/resync.go", "resyncPeriod = 5 * time.Minute", "resyncPeriod = 50 * time.Minute", "everything is counted every fifty minutes"},
	{"sim/apiserver/quota/replenish.go", "isTerminating(was) != isTerminating(pod) ||", "", "a deadline changes nothing about the count"},
	{"sim/apiserver/quota/pod.go", "pod.Status.Phase == corev1.PodFailed ||", "", "a failed pod takes room"},
	{"sim/apiserver/quota/claim.go", "ok && got.Cmp(size) > 0 {", "ok && false {", "what is allocated to a claim does not count"},
	{"sim/apiserver/quota/resource.go", "ports = len(s.Ports)\n	case", "ports = 1\n	case", "a Service takes one node port"},
	{"sim/apiserver/quota/scope.go", "return !isTerminating(pod)", "return true", "a quota of pods without a deadline is every pod's"},
	{"sim/apiserver/admission_quota.go", "len(names) > 0 && !status {", "len(names) > 0 {", "the status of a claim is refused"},
	{"sim/apiserver/admission_quota.go", "had = before", "had, _ = nil, before", "an update pays for everything again"},
}

// judgeIn compiles one of some mutants and runs the comparison of a package.
func judgeIn(list []mutant, pkg string) func(dir string, i int) string {
	return func(dir string, i int) string {
		m := &list[i]
		line := func(verdict, detail string) string {
			return fmt.Sprintf("%-8s  %-36s  %-60s  %s", verdict, m.file, m.what, detail)
		}
		r := build(dir, fmt.Sprint(pkg, i), m.file, m.old, m.new, "sim/conformance/"+pkg)
		if r.verdict != "" {
			return line(r.verdict, r.detail)
		}
		_, took, err := r.run("-test.failfast", "-test.cpu", "1", "-rapid.shrinktime", "1ms")
		if err == nil {
			return line("SURVIVED", took.String())
		}
		return line("caught", took.String())
	}
}
