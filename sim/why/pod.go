package why

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// pod explains a pod that is not ready, or does not go.
func (x *explainer) pod(pod *corev1.Pod) Reason {
	switch {
	case pod.DeletionTimestamp != nil:
		return x.terminating(pod)
	case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
		return x.ended(pod)
	case pod.Spec.NodeName == "":
		return x.unscheduled(pod)
	case isReady(pod) && x.reported(apiserver.Pod, apiserver.KeyOf(pod)) == "ContainerCreating":
		// Its node was down for less time than it takes to be missed.
		return Reason{Text: x.nameOf(pod) + " is shown Ready, and is not", Because: []Reason{{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod),
			Text: "its node has just come back and starts its containers again", Rules: []string{"N6"}}}}
	case isReady(pod):
		return Reason{}
	}
	r := Reason{Text: x.nameOf(pod) + " is not Ready", Because: x.unready(pod)}
	if len(r.Because) == 0 {
		said := x.reported(apiserver.Pod, apiserver.KeyOf(pod))
		if said == "" || said == "ContainerCreating" {
			said = "its node mounts its volumes, pulls its images and starts its containers"
		}
		r.Because = []Reason{{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: said, Rules: []string{"K22"}}}
	}
	return x.stuck(pod, r)
}

// terminating explains a pod that is being deleted.
func (x *explainer) terminating(pod *corev1.Pod) Reason {
	r := Reason{Text: x.nameOf(pod) + " is Terminating"}
	if away := x.away(pod.Spec.NodeName); away != nil {
		away.Rules = append(away.Rules, "N5", "N6")
		away.Ends = fmt.Sprintf("bring %s back; or delete its Node; or taint it node.kubernetes.io/out-of-service; or kubectl delete pod %s --force (its process may still run)", pod.Spec.NodeName, x.nameOf(pod))
		r.Because = []Reason{*away}
		return r
	}
	if running(pod) {
		end := pod.DeletionTimestamp.Time
		r.Rules = []string{"K16"}
		r.Because = []Reason{{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Rules: r.Rules,
			Text: "its containers are being stopped and have until " + x.clock(end)}}
		return r
	}
	if len(pod.Finalizers) > 0 {
		return x.finalized(pod)
	}
	r.Because = []Reason{{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: "its node takes down what is left of it", Rules: []string{"K14"}}}
	return r
}

func running(pod *corev1.Pod) bool {
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running != nil {
			return true
		}
	}
	return false
}

// away says why nobody acts on a node, or returns nil.
func (x *explainer) away(name string) *Reason {
	if name == "" {
		return nil
	}
	key := apiserver.Key{Name: name}
	node, _ := x.c.Get(apiserver.Node, key).(*corev1.Node)
	switch {
	case node == nil:
		return &Reason{Kind: apiserver.Node, Key: key, Text: "there is no node " + name + " any more", Rules: []string{"N6"}}
	case x.c.IsDown(name):
		return &Reason{Kind: apiserver.Node, Key: key, Text: "the kubelet of node " + name + " does not run"}
	}
	if c := condition(node, corev1.NodeReady); c != nil && c.Status == corev1.ConditionUnknown {
		return &Reason{Kind: apiserver.Node, Key: key, Rules: []string{"N1"},
			Text: fmt.Sprintf("node %s has not been heard of (NotReady since %s)", name, x.clock(c.LastTransitionTime.Time))}
	}
	return nil
}

func condition(node *corev1.Node, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == t {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

// ended explains a pod that has run to its end.
func (x *explainer) ended(pod *corev1.Pod) Reason {
	r := Reason{Text: fmt.Sprintf("%s has %s", x.nameOf(pod), map[corev1.PodPhase]string{corev1.PodFailed: "failed", corev1.PodSucceeded: "ended"}[pod.Status.Phase])}
	switch {
	case pod.Status.Message != "":
		r.Text += ": " + strings.TrimSuffix(pod.Status.Reason+": "+pod.Status.Message, ".")
	case pod.Status.Reason != "":
		r.Text += ": " + pod.Status.Reason
	}
	if len(pod.OwnerReferences) > 0 {
		r.Rules = []string{"S15"}
	}
	return r
}

// unready lists why a pod on a node is not ready, the nearest first.
func (x *explainer) unready(pod *corev1.Pod) []Reason {
	if away := x.away(pod.Spec.NodeName); away != nil {
		away.Ends = "bring the node back"
		return []Reason{*away}
	}
	if rs := x.references(pod); len(rs) > 0 {
		return rs
	}
	if r := x.mounting(pod); r != nil {
		return []Reason{*r}
	}
	if rs := x.containers(pod); len(rs) > 0 {
		return rs
	}
	return x.conditions(pod)
}

// references are the ConfigMaps and Secrets that a pod cannot do without and
// that do not exist.
func (x *explainer) references(pod *corev1.Pod) []Reason {
	if running(pod) {
		return nil
	}
	var rs []Reason
	need := func(kind, name string, optional *bool) {
		k := apiserver.KindNamed(kind)
		key := apiserver.Key{Namespace: pod.Namespace, Name: name}
		if name == "" || optional != nil && *optional || x.c.Get(k, key) != nil {
			return
		}
		rs = append(rs, Reason{Kind: k, Key: key, Text: fmt.Sprintf("the %s %s does not exist", k, x.name(key)), Rules: []string{"M4"}, Ends: "create it"})
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		switch {
		case !mounted(pod, v.Name): // nobody waits for it
		case v.Secret != nil:
			need("secret", v.Secret.SecretName, v.Secret.Optional)
		case v.ConfigMap != nil:
			need("configmap", v.ConfigMap.Name, v.ConfigMap.Optional)
		case v.Projected != nil:
			for _, s := range v.Projected.Sources {
				if s.Secret != nil {
					need("secret", s.Secret.Name, s.Secret.Optional)
				}
				if s.ConfigMap != nil {
					need("configmap", s.ConfigMap.Name, s.ConfigMap.Optional)
				}
			}
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, e := range list[i].EnvFrom {
				if e.SecretRef != nil {
					need("secret", e.SecretRef.Name, e.SecretRef.Optional)
				}
				if e.ConfigMapRef != nil {
					need("configmap", e.ConfigMapRef.Name, e.ConfigMapRef.Optional)
				}
			}
			for _, e := range list[i].Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					need("secret", e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Optional)
				}
				if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
					need("configmap", e.ValueFrom.ConfigMapKeyRef.Name, e.ValueFrom.ConfigMapKeyRef.Optional)
				}
			}
		}
	}
	return rs
}

// mounted reports whether a container mounts a volume.
func mounted(pod *corev1.Pod, volume string) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, m := range list[i].VolumeMounts {
				if m.Name == volume {
					return true
				}
			}
		}
	}
	return false
}

// mounting explains a pod whose containers have not begun because a volume
// cannot be had.
func (x *explainer) mounting(pod *corev1.Pod) *Reason {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range list {
			if w := s.State.Waiting; w == nil || w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
				return nil
			}
		}
	}
	if r := x.attaching(pod); r != nil {
		return r
	}
	e := x.warning(pod, "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")
	if e == nil {
		return nil
	}
	return &Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: e.Message, Rules: []string{"M4"},
		Ends: "mend what the message names; the kubelet tries again by itself"}
}

// containers explains the containers that do not run, or run and are not ready.
func (x *explainer) containers(pod *corev1.Pod) []Reason {
	var rs []Reason
	add := func(text, rule, ends string) {
		rs = append(rs, Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: text, Rules: []string{rule}, Ends: ends})
	}
	for _, s := range pod.Status.InitContainerStatuses {
		w, t := s.State.Waiting, s.State.Terminated
		switch {
		case w != nil && w.Reason != "PodInitializing":
			text, rule, ends := x.waiting(&s)
			add("init "+text, rule, ends)
		case t != nil && t.ExitCode != 0:
			add(fmt.Sprintf("init container %s ended with exit code %d", s.Name, t.ExitCode), "K22", "")
		case s.State.Running != nil && (s.Started == nil || !*s.Started):
			add("init container "+s.Name+" has not ended yet", "K22", "")
		default:
			continue
		}
		return rs // the others wait for it
	}
	for _, s := range pod.Status.ContainerStatuses {
		switch t := s.State.Terminated; {
		case s.Ready:
		case s.State.Waiting != nil && s.State.Waiting.Reason != "ContainerCreating" && s.State.Waiting.Reason != "PodInitializing":
			add(x.waiting(&s))
		case t != nil:
			add(fmt.Sprintf("container %s has ended with exit code %d", s.Name, t.ExitCode), "K22", "")
		case s.State.Running != nil && s.Started != nil && !*s.Started:
			add("container "+s.Name+" has not passed its startup probe"+x.probed(pod, "Startup"), "K20", "")
		case s.State.Running != nil:
			add("container "+s.Name+" does not pass its readiness probe"+x.probed(pod, "Readiness"), "K20", "")
		}
	}
	return rs
}

// waiting explains a container in the state Waiting.
func (x *explainer) waiting(s *corev1.ContainerStatus) (text, rule, ends string) {
	w := s.State.Waiting
	text = fmt.Sprintf("container %s waits: %s", s.Name, w.Reason)
	if w.Message != "" {
		text += ": " + w.Message
	}
	switch w.Reason {
	case "CrashLoopBackOff":
		text = fmt.Sprintf("container %s ends again and again (%d %s)", s.Name, s.RestartCount, plural(int(s.RestartCount), "restart"))
		if t := s.LastTerminationState.Terminated; t != nil {
			text = fmt.Sprintf("container %s ends again and again, last with exit code %d at %s (%d %s)", s.Name, t.ExitCode, x.clock(t.FinishedAt.Time), s.RestartCount, plural(int(s.RestartCount), "restart"))
		}
		return text, "K19", "make the container run, or change the image or its arguments"
	case "CreateContainerError", "RunContainerError":
		return text, "K22", "change the image or its arguments"
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
		if strings.Contains(w.Message, "pull access denied") || strings.Contains(w.Message, "401 Unauthorized") {
			return text, "K18", "name a pull secret that the registry knows"
		}
		return text, "K18", "name an image that can be pulled"
	}
	return text, "K22", ""
}

// probed returns what the last failed probe said.
func (x *explainer) probed(pod *corev1.Pod, kind string) string {
	if e := x.warning(pod, "Unhealthy"); e != nil && strings.HasPrefix(e.Message, kind+" probe") {
		return " (" + e.Message + ")"
	}
	return ""
}

// conditions explains a pod whose containers are ready and which is not.
func (x *explainer) conditions(pod *corev1.Pod) []Reason {
	var rs []Reason
	for _, gate := range pod.Spec.ReadinessGates {
		status := corev1.ConditionUnknown
		for _, c := range pod.Status.Conditions {
			if c.Type == gate.ConditionType {
				status = c.Status
			}
		}
		if status != corev1.ConditionTrue {
			rs = append(rs, Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Rules: []string{"K20"},
				Text: fmt.Sprintf("its readiness gate %s is not True", gate.ConditionType), Ends: "whoever owns the gate sets the condition"})
		}
	}
	if len(rs) > 0 {
		return rs
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionFalse {
			if node, ok := x.c.Get(apiserver.Node, apiserver.Key{Name: pod.Spec.NodeName}).(*corev1.Node); ok {
				if nc := condition(node, corev1.NodeReady); nc != nil && nc.Status != corev1.ConditionTrue {
					return []Reason{{Kind: apiserver.Node, Key: apiserver.Key{Name: node.Name}, Rules: []string{"N2"},
						Text: "node " + node.Name + " is not Ready", Ends: "bring the node back"}}
				}
			}
		}
	}
	return nil
}
