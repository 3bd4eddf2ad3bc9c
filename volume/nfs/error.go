package nfs

import "fmt"

// MountError is why a path could not be mounted; its text is what mount.nfs
// prints.
type MountError struct {
	Server, Path string
	// Missing is set if the server answered, but does not export the path.
	Missing bool
}

func (e *MountError) Error() string {
	if e.Missing {
		return fmt.Sprintf("mount.nfs: mounting %s:%s failed, reason given by server: No such file or directory", e.Server, e.Path)
	}
	return "mount.nfs: Connection refused"
}
