// Package fieldmanager keeps metadata.managedFields and merges what is applied on
// the server's side, as a real API server does: by the same library,
// k8s.io/apimachinery/pkg/util/managedfields, over the schemas that
// k8s.io/client-go/applyconfigurations brings.
//
//	c := sim.New(sim.Config{FieldManager: fieldmanager.New()})
//
// Without it a cluster has no managedFields and refuses server-side apply in words:
// the library takes a tenth of a second to read its schemas, and more for every
// write than the cluster itself.
//
// Stamps are the cluster's virtual time: an entry that a write did not touch keeps
// its own. So one seed gives one history here, too.
//
// The schemas of custom resources are those of their definitions, if package
// customresource serves them.
//
// Components write as the processes do in which they run: "kube-controller-manager",
// "kube-scheduler", "kubelet".
//
// Deviation: CustomResourceDefinition and APIService are not among the schemas: their
// lists are owned as a whole.
package fieldmanager
