// Package csi says of a volume what everybody who has to do with its attachment
// must agree on: its driver and handle, its name in a node's status, the name of
// its VolumeAttachment, whether it may be attached to several nodes at a time and
// whether it has to be attached at all (pkg/volume/csi, pkg/volume/util). It is a
// leaf: pure functions of API objects.
//
// Deviation: volumes of the built-in plugins that CSI drivers have replaced
// (awsElasticBlockStore, gcePersistentDisk, …) are not translated, and those of
// iSCSI and Fibre Channel are not attached.
package csi
