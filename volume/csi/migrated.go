package csi

// inTree is what the names of built-in plugins begin with.
const inTree = "kubernetes.io/"

// DriverOf returns the CSI driver that has replaced a built-in plugin, or "".
func DriverOf(plugin string) string {
	switch plugin {
	case inTree + "aws-ebs":
		return "ebs.csi.aws.com"
	case inTree + "azure-disk":
		return "disk.csi.azure.com"
	case inTree + "azure-file":
		return "file.csi.azure.com"
	case inTree + "cinder":
		return "cinder.csi.openstack.org"
	case inTree + "gce-pd":
		return "pd.csi.storage.gke.io"
	case inTree + "portworx-volume":
		return "pxd.portworx.com"
	case inTree + "vsphere-volume":
		return "csi.vsphere.vmware.com"
	}
	return ""
}
