// Package credentialprovider finds, in a pod's pull secrets, what a registry may be
// told about who asks for an image: upstream's package of the same name, as far as
// Secrets go. Its types have upstream's names because the errors of a Secret that
// makes no sense name them, and such an error becomes the reason of a wait.
//
// Left out: the plugins that a node may have, and its own configuration of a
// registry.
package credentialprovider
