package defaults

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// statefulSet is SetDefaults_StatefulSet (A1).
func statefulSet(set *appsv1.StatefulSet) {
	s := &set.Spec
	zero(&s.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	if s.UpdateStrategy.Type == "" {
		s.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		fill(&s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
	}
	if s.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		through(&s.UpdateStrategy.RollingUpdate, rollingUpdate)
	}
	through(&s.UpdateStrategy.RollingUpdate, partition)
	fill(&s.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	through(&s.PersistentVolumeClaimRetentionPolicy, retention)
	fill(&s.Replicas, 1)
	fill(&s.RevisionHistoryLimit, 10)
	podSpec(&s.Template.Spec)
	each(&s.VolumeClaimTemplates, claimTemplate)
}

func rollingUpdate(r *appsv1.RollingUpdateStatefulSetStrategy) *appsv1.RollingUpdateStatefulSetStrategy {
	o := own[appsv1.RollingUpdateStatefulSetStrategy]{v: r}
	if r.MaxUnavailable == nil { // §0.1; with the gate off, PrepareCreate and PrepareUpdate take it away
		fill(&o.write().MaxUnavailable, intstr.FromInt32(1))
	}
	return o.v
}

// partition is a number in upstream's internal version, whatever the strategy.
func partition(r *appsv1.RollingUpdateStatefulSetStrategy) *appsv1.RollingUpdateStatefulSetStrategy {
	o := own[appsv1.RollingUpdateStatefulSetStrategy]{v: r}
	if r.Partition == nil {
		o.write().Partition = new(int32)
	}
	return o.v
}

func retention(p *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy) *appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	o := own[appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy]{v: p}
	if p.WhenDeleted == "" {
		o.write().WhenDeleted = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	}
	if p.WhenScaled == "" {
		o.write().WhenScaled = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	}
	return o.v
}

// claimTemplate also names the template's kind, as the API server shows it
// (the conversion of volumeClaimTemplates fills it in).
func claimTemplate(c *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	o := own[corev1.PersistentVolumeClaim]{v: c}
	if c.APIVersion != "v1" || c.Kind != "PersistentVolumeClaim" {
		o.write().APIVersion, o.write().Kind = "v1", "PersistentVolumeClaim"
	}
	if s := c.Spec; claimSpec(&s) {
		o.write().Spec = s
	}
	if s := c.Status; claimStatus(&s) {
		o.write().Status = s
	}
	return o.v
}

func deployment(d *appsv1.Deployment) {
	s := &d.Spec
	fill(&s.Replicas, 1)
	zero(&s.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if s.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		var r appsv1.RollingUpdateDeployment
		if s.Strategy.RollingUpdate != nil {
			r = *s.Strategy.RollingUpdate
		}
		unavailable := fill(&r.MaxUnavailable, intstr.FromString("25%"))
		if surge := fill(&r.MaxSurge, intstr.FromString("25%")); surge || unavailable {
			s.Strategy.RollingUpdate = &r
		}
	}
	fill(&s.RevisionHistoryLimit, 10)
	fill(&s.ProgressDeadlineSeconds, 600)
	podSpec(&s.Template.Spec)
}

func daemonSet(d *appsv1.DaemonSet) {
	s := &d.Spec
	zero(&s.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
	if s.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		var r appsv1.RollingUpdateDaemonSet
		if s.UpdateStrategy.RollingUpdate != nil {
			r = *s.UpdateStrategy.RollingUpdate
		}
		unavailable := fill(&r.MaxUnavailable, intstr.FromInt32(1))
		if surge := fill(&r.MaxSurge, intstr.FromInt32(0)); surge || unavailable {
			s.UpdateStrategy.RollingUpdate = &r
		}
	}
	fill(&s.RevisionHistoryLimit, 10)
	podSpec(&s.Template.Spec)
}

func replicaSet(r *appsv1.ReplicaSet) {
	fill(&r.Spec.Replicas, 1)
	podSpec(&r.Spec.Template.Spec)
}
