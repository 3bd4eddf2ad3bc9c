// Package rootca is the controller that publishes the cluster's certificate
// authority (pkg/controller/certificates/rootcacertpublisher): it gives every
// namespace the ConfigMap "kube-root-ca.crt", which a pod's token volume mounts,
// makes it again when it is deleted, and puts it right when it is changed.
package rootca
