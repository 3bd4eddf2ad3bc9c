// Package tenants holds what a namespace is given and what it may take against the
// real ones, whole: the service account controller, the publisher of the root
// certificate, the ephemeral volume controller and the resource quota controller of
// kube-controller-manager, and the admission plugin ResourceQuota.
//
// A script is requests of a user with spans between them, and controllers whose
// next writes fail. It is played twice, with a server of ours each time: to our
// controllers, and to upstream's in a bubble of testing/synctest, where they run as
// in the controller manager, with informers, queues and monitors. At every rest all
// that is stored has to be the same: accounts, ConfigMaps, claims, the status of
// quotas, and Events.
//
// The plugin is compared request by request: with upstream's CheckRequest and
// evaluators, which get the object as a server without the plugin stores it.
//
// The external-resizer, which volume/resize follows, is not part of k8s.io/kubernetes
// and cannot be had here; its steps are held to the API's own validation of claims
// by package registry, and to the kubelet's part by package kubelet.
package tenants
