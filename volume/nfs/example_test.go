package nfs_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/volume/nfs"
)

func Example() {
	n := nfs.New(nfs.Options{})
	n.Write("10.0.1.61", "/data/linuxea-1", "index.html", "linuxea-1")
	n.Unexport("10.0.1.61", "/data/linuxea-2")
	fmt.Println(n.Mount("10.0.1.61", "/data/linuxea-1"))
	fmt.Println(n.Mount("10.0.1.61", "/data/linuxea-2"))
	for _, e := range n.List() {
		fmt.Println(e.Path, e.Files)
	}
	// Output:
	// <nil>
	// mount.nfs: mounting 10.0.1.61:/data/linuxea-2 failed, reason given by server: No such file or directory
	// /data/linuxea-1 1
	// /data/linuxea-2 0
}
