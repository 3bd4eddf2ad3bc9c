package sim

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// ExitContainer has a container's process end by itself, with an exit code and a
// reason: "OOMKilled", say; empty means Completed or Error, by the code. An empty
// container name means the pod's first.
func (c *Cluster) ExitContainer(namespace, pod, container string, code int32, reason string) error {
	return c.onPod("ExitContainer", namespace, pod, func(k *kubelet.Kubelet, env *controller.Env, obj *corev1.Pod) error {
		return k.Exit(env, apiserver.KeyOf(obj), container, code, reason)
	})
}

// FailProbe has a probe of a container fail from now on, whatever its Workload
// says; without fails, the Workload answers again. The probe is then that of this
// pod alone: its successor is asked anew.
func (c *Cluster) FailProbe(namespace, pod, container string, probe kubelet.Probe, fails bool) error {
	return c.onPod("FailProbe", namespace, pod, func(k *kubelet.Kubelet, env *controller.Env, obj *corev1.Pod) error {
		return k.FailProbe(env, apiserver.KeyOf(obj), container, probe, fails)
	})
}

// SetImageMissing takes an image away from the registry, or puts it back. Nodes
// that have it keep it. The error says why the image's name is none.
func (c *Cluster) SetImageMissing(image string, missing bool) error {
	c.drive("SetImageMissing")
	defer c.done()
	if err := kubelet.CheckImage(image); err != nil {
		return err
	}
	c.host.World().(*kubelet.World).SetImageMissing(image, missing)
	return nil
}

// onPod does something to a pod on its node.
func (c *Cluster) onPod(call, namespace, name string, do func(*kubelet.Kubelet, *controller.Env, *corev1.Pod) error) error {
	c.drive(call)
	defer c.done()
	obj, err := c.read(apiserver.Pod, namespace, name)
	if err != nil {
		return err
	}
	pod := obj.(*corev1.Pod)
	id, ok := (*c.kubelets.Read())[pod.Spec.NodeName]
	if !ok {
		if pod.Spec.NodeName == "" {
			return fmt.Errorf("pod %s/%s is not bound to a node", namespace, name)
		}
		return fmt.Errorf("pod %s/%s is on node %q, which is no machine of this cluster", namespace, name, pod.Spec.NodeName)
	}
	err = do(c.host.Change(id).(*kubelet.Kubelet), c.host.Env(id), pod)
	c.collect()
	return err
}
