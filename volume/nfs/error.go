package nfs

import "fmt"

// MountError is why a path could not be mounted; its text is what mount.nfs
// prints.
type MountError struct {
	Server, Path string
	// Missing is set if the server answered, but does not export the path.
	Missing bool
	// TimedOut is set if it has not answered for MountTimeout.
	TimedOut bool
}

func (e *MountError) Error() string {
	if e.Missing {
		return fmt.Sprintf("mount.nfs: mounting %s:%s failed, reason given by server: No such file or directory", e.Server, e.Path)
	}
	if e.TimedOut {
		return "mount.nfs: Connection timed out"
	}
	return "mount.nfs: Connection refused"
}
