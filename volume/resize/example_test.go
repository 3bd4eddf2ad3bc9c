package resize_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/volume/resize"
)

// A claim grows from one to two gibibytes.
func Example() {
	claim := &corev1.PersistentVolumeClaim{}
	claim.Status.Capacity = corev1.ResourceList{"storage": resource.MustParse("1Gi")}
	show := func(c *corev1.PersistentVolumeClaim) {
		fmt.Printf("%s %q", c.Status.Capacity.Storage(), resize.Status(c))
		for _, cond := range c.Status.Conditions {
			fmt.Print(" ", cond.Type)
		}
		fmt.Println()
	}
	size := resource.MustParse("2Gi")
	claim = resize.InProgress(claim, size, metav1.Time{})
	show(claim)
	claim = resize.AwaitNode(claim, metav1.Time{})
	show(claim)
	show(resize.OnNode(claim))
	show(resize.Finished(claim, size))
	// Output:
	// 1Gi "ControllerResizeInProgress" Resizing
	// 1Gi "NodeResizePending" Resizing FileSystemResizePending
	// 1Gi "NodeResizeInProgress" Resizing FileSystemResizePending
	// 2Gi ""
}
