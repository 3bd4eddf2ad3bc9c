// Package model is what searches look at: a world, what can be done to it and go wrong
// with it, and the properties that it is held to. Packages simtest and explore share it:
// what one finds the other can replay.
//
// A [World] is the user's own: manifests, files, or a function that builds a cluster.
//
// An [Operation] is a line of text, "scale statefulset/web 3". What can stand there are
// [Command]s, of which a [Vocabulary] is a list: those of [Builtin], which know the world's
// sets, pods, claims and nodes, and work on any object that is written as kind/name,
// kind/namespace/name or kind[selector]; and the user's own, which are drawn, printed,
// parsed, replayed and made smaller like these:
//
//	scale SET REPLICAS · image SET IMAGE · partition SET ORDINAL · max-unavailable SET PODS ·
//	strategy SET STRATEGY · min-ready SET SECONDS · patch OBJECT MERGE-PATCH ·
//	delete OBJECT [force|background|foreground|orphan] · delete-pod POD [force] ·
//	delete-claim CLAIM · delete-set SET [background|foreground|orphan] · evict POD · apply ·
//	cordon NODE · uncordon NODE · drain NODE · wait SPAN · settle
//
// and of misfortune:
//
//	crash NODE · restart NODE · stop-kubelet NODE · cut-off NODE · reconnect NODE ·
//	late NODE SPAN · restart-controller COMPONENT · hold COMPONENT:KIND SPAN · lose-answer COMPONENT:VERB:KIND ·
//	fail COMPONENT:VERB:KIND COUNT ERROR · exit POD CODE · fail-probe POD PROBE ·
//	mend-probe POD PROBE · image-missing IMAGE · image-back IMAGE · heal
//
// A [Property] is a function over the cluster: [Always], [Step], [Eventually], [LeadsTo],
// [Sometimes], [Each]. The named ones, [Promises], state what Kubernetes promises about
// StatefulSets, each with the sentence and where it stands. What Kubernetes breaks itself,
// in v1.37.2, they find: that is their purpose, and TestKnownTrouble of package explore
// shows it. What it does not promise is in Property.Unpromised.
//
// The orders bind the StatefulSet controller by what it may know: it decides from caches
// (S1), so a pod that has stopped being ready counts as ready until the controller has
// seen that, and for the second that a sync can take after it.
package model
