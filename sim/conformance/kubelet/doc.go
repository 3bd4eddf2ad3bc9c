// Package kubelet holds what our kubelets decide against the code of Kubernetes.
//
// What a sync of a pod does (computePodActions) is compared for random pods (init
// containers, sidecars, restart policies of pods and containers, rules for exit
// codes, probes) in random states of the runtime. When a container that died
// starts again (doBackOff) is compared over random histories of runs that end by
// themselves or are killed by a probe, of all lengths: ours are lived by a whole
// cluster, upstream's back-off is asked at the moments at which its pod worker
// would ask.
//
// Both are unexported methods of kuberuntime's manager, which its own constructor
// for tests makes on a runtime that does nothing (go:linkname).
//
// Left out: the status (generateAPIPodStatus, getPhase), the status manager, the
// volume manager and the prober, which need a whole Kubelet. The recordings of
// real kubelets in sim/shell hold those, row by row.
package kubelet
