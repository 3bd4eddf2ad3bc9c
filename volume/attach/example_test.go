package attach_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// Two pods on two nodes share a volume that can be on one of them.
func Example() {
	r := newRig(new(testing.B), controller.Realistic())
	r.disk("data", corev1.ReadWriteOnce)
	r.pod("a", "node-1", "data")
	r.run(10 * time.Second)
	r.pod("b", "node-2", "data")
	r.run(10 * time.Second)
	for _, line := range r.told() {
		fmt.Println(strings.TrimSpace(line))
	}
	// Output:
	// 0 ADDED data→node-1 attached=false
	// 0 MODIFIED data→node-1 attached=false
	// 1 MODIFIED data→node-1 attached=true
	// 1 a: SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "data"
	// 1 node-1 has data
	// 10 b: FailedAttachVolume Waiting for detach for volume "data" Volume is already used by pod(s) a
}
