package autoscaling

import (
	"errors"
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// The defaults of kube-controller-manager's flags.
const (
	tolerance         = 0.1
	cpuInitialization = 5 * time.Minute
	initialReadiness  = 30 * time.Second
)

// tolerances are how far usage may be from its target, down and up.
type tolerances struct{ down, up float64 }

func (t tolerances) isWithin(ratio float64) bool { return 1-t.down <= ratio && ratio <= 1+t.up }

// calculator computes the replicas that a metric asks for (ReplicaCalculator).
type calculator struct {
	pods    []*corev1.Pod // that the target's selector matches
	current int32         // spec.replicas of the target
	status  int32         // its status.replicas
	tolerances
	now time.Time
}

var (
	errNoPods    = errors.New("no pods returned by selector while calculating replica count")
	errNoSamples = errors.New("did not receive metrics for targeted pods (pods might be unready)")
)

// groups are the pods as far as they have to be told apart.
type groups struct {
	ready            int
	unready, missing []string
}

// group tells the pods apart, and takes the samples out that do not count
// (groupPods).
func (c *calculator) group(samples map[string]sample, resource corev1.ResourceName) (g groups) {
	for _, pod := range c.pods {
		s, found := samples[pod.Name]
		switch {
		case pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed:
			delete(samples, pod.Name)
		case pod.Status.Phase == corev1.PodPending:
			g.unready = append(g.unready, pod.Name)
			delete(samples, pod.Name)
		case !found:
			g.missing = append(g.missing, pod.Name)
		case resource == corev1.ResourceCPU && c.isUnready(pod, s):
			g.unready = append(g.unready, pod.Name)
			delete(samples, pod.Name)
		default:
			g.ready++
		}
	}
	return g
}

// isUnready reports whether the CPU that a pod uses is that of its beginning.
func (c *calculator) isUnready(pod *corev1.Pod, s sample) bool {
	for i := range pod.Status.Conditions {
		cond := &pod.Status.Conditions[i]
		if cond.Type != corev1.PodReady {
			continue
		}
		start := pod.Status.StartTime
		switch {
		case start == nil:
			return true
		case start.Add(cpuInitialization).After(c.now):
			return cond.Status == corev1.ConditionFalse || s.at.Before(cond.LastTransitionTime.Add(s.window))
		}
		return cond.Status == corev1.ConditionFalse && start.Add(initialReadiness).After(cond.LastTransitionTime.Time)
	}
	return true
}

// usage is what samples come to: a ratio to the target, and what is shown.
type usage struct {
	ratio       float64
	utilization int32
	average     int64
}

// weigh decides by what all samples come to, and in doubt once more with those that
// are missing or not ready filled in (W14). fill is what a missing pod is
// taken to use when the others use little.
func (c *calculator) weigh(samples map[string]sample, g groups, fill func(pod string) int64, measure func(map[string]sample) (usage, error)) (int32, usage, error) {
	u, err := measure(samples)
	if err != nil {
		return 0, usage{}, err
	}
	upWithUnready := len(g.unready) > 0 && u.ratio > 1
	if !upWithUnready && len(g.missing) == 0 {
		if c.isWithin(u.ratio) {
			return c.current, u, nil
		}
		return int32(math.Ceil(u.ratio * float64(g.ready))), u, nil
	}
	for _, name := range g.missing {
		switch {
		case u.ratio < 1:
			samples[name] = sample{value: fill(name)}
		case u.ratio > 1:
			samples[name] = sample{}
		}
	}
	if upWithUnready {
		for _, name := range g.unready {
			samples[name] = sample{}
		}
	}
	again, err := measure(samples)
	if err != nil {
		return 0, u, err
	}
	if c.isWithin(again.ratio) || u.ratio < 1 && again.ratio > 1 || u.ratio > 1 && again.ratio < 1 {
		return c.current, u, nil
	}
	n := int32(math.Ceil(again.ratio * float64(len(samples))))
	if again.ratio < 1 && n > c.current || again.ratio > 1 && n < c.current {
		return c.current, u, nil // it would go the other way
	}
	return n, u, nil
}

// utilization is what the pods' use of a resource in percent of their requests asks
// for (GetResourceReplicas).
func (c *calculator) utilization(samples map[string]sample, target int32, name corev1.ResourceName, container string) (int32, usage, error) {
	if len(c.pods) == 0 {
		return 0, usage{}, errNoPods
	}
	g := c.group(samples, name)
	if len(samples) == 0 {
		return 0, usage{}, errNoSamples
	}
	requests := map[string]int64{}
	for _, pod := range c.pods {
		request, err := requestOf(pod, name, container)
		if err != nil {
			return 0, usage{}, err
		}
		requests[pod.Name] = request
	}
	fill := func(pod string) int64 { return requests[pod] * int64(max(100, target)) / 100 }
	return c.weigh(samples, g, fill, func(samples map[string]sample) (usage, error) {
		var used, asked, n int64
		for name, s := range samples { // sums
			if request, known := requests[name]; known {
				used, asked, n = used+s.value, asked+request, n+1
			}
		}
		if asked == 0 {
			return usage{}, errors.New("no metrics returned matched known pods")
		}
		u := usage{utilization: int32(used * 100 / asked), average: used / n}
		u.ratio = float64(u.utilization) / float64(target)
		return u, nil
	})
}

// plain is what the average of a metric over the pods asks for
// (calcPlainMetricReplicas). resource is "" if it is none.
func (c *calculator) plain(samples map[string]sample, target int64, resource corev1.ResourceName) (int32, usage, error) {
	if len(c.pods) == 0 {
		return 0, usage{}, errNoPods
	}
	g := c.group(samples, resource)
	if len(samples) == 0 {
		return 0, usage{}, errNoSamples
	}
	return c.weigh(samples, g, func(string) int64 { return target }, func(samples map[string]sample) (usage, error) {
		var used int64
		for _, s := range samples { // sums
			used += s.value
		}
		u := usage{average: used / int64(len(samples))}
		u.ratio = float64(u.average) / float64(target)
		return u, nil
	})
}

// whole is what a metric that is not of pods asks for
// (getUsageRatioReplicaCount).
func (c *calculator) whole(used, target int64) (int32, error) {
	ratio := float64(used) / float64(target)
	if c.current == 0 {
		return int32(math.Ceil(ratio)), nil
	}
	if c.isWithin(ratio) {
		return c.current, nil
	}
	if len(c.pods) == 0 {
		return 0, fmt.Errorf("unable to calculate ready pods: %w", errNoPods)
	}
	ready := 0
	for _, pod := range c.pods {
		if pod.Status.Phase == corev1.PodRunning && podcontrol.IsReady(pod) {
			ready++
		}
	}
	return ceiling(ratio * float64(ready)), nil
}

// perPod is what a metric that is not of pods asks for when each has a share of it
// (GetExternalPerPodMetricReplicas), and the share that it has.
func (c *calculator) perPod(used, target int64) (int32, int64) {
	n := c.status
	if !c.isWithin(float64(used) / (float64(target) * float64(n))) {
		n = ceiling(float64(used) / float64(target))
	}
	if float64(used) >= math.MaxInt64 {
		return n, math.MaxInt64
	}
	return n, int64(math.Ceil(float64(used) / float64(c.status)))
}

func ceiling(x float64) int32 {
	if x > math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(math.Ceil(x))
}

// total is the sum of samples, as far as one can count.
func total(list []Sample) (sum int64) {
	for i := range list {
		v := list[i].Value.MilliValue()
		if v > 0 && sum > math.MaxInt64-v {
			return math.MaxInt64
		}
		sum += v
	}
	return sum
}

// requestOf returns what a pod, or one container of it, requests
// (calculateRequests).
func requestOf(pod *corev1.Pod, name corev1.ResourceName, container string) (int64, error) {
	if container == "" && resourcehelper.IsPodLevelRequestsSet(pod) {
		q, ok := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})[name]
		if !ok {
			return 0, fmt.Errorf("missing pod-level request for %s in Pod %s", name, pod.Name)
		}
		return q.MilliValue(), nil
	}
	var sum int64
	add := func(c *corev1.Container) (last bool, err error) {
		if container != "" && container != c.Name {
			return false, nil
		}
		q, ok := c.Resources.Requests[name]
		if !ok {
			return true, fmt.Errorf("missing request for %s in container %s of Pod %s", name, c.Name, pod.Name)
		}
		sum += q.MilliValue()
		return container == c.Name, nil
	}
	for i := range pod.Spec.Containers {
		if last, err := add(&pod.Spec.Containers[i]); last {
			return sum, err
		}
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			continue
		}
		if last, err := add(c); last {
			return sum, err
		}
	}
	if container != "" {
		return 0, fmt.Errorf("container %s not found in Pod %s", container, pod.Name)
	}
	return sum, nil
}
