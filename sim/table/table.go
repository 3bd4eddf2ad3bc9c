package table

import (
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Table is a list of objects as rows of text. The zero Table is empty.
type Table struct {
	// Columns are shared by all tables of a kind and must not be changed.
	Columns []Column
	Rows    []Row
}

// Column heads a column.
type Column struct {
	// Name is spelt as the API server spells it, "Nominated Node"; kubectl
	// prints it in capitals.
	Name string
	// Wide columns are printed with -o wide alone.
	Wide bool
	// named marks the column that gets the kind as a prefix when several kinds
	// are printed.
	named bool
}

// IsName reports whether the column has the names of objects, which get their
// kind in front of them where several kinds are printed.
func (c Column) IsName() bool { return c.named }

// Row is one object: a cell for each column, wide ones included.
type Row struct {
	Cells  []string
	Object apiserver.Object
}

// New returns the table of objs, which are all of the given kind, as seen at
// now, in the order of objs (the API lists by namespace, then name). It knows
// Pod, StatefulSet, Deployment, ReplicaSet, ControllerRevision, PersistentVolume,
// PersistentVolumeClaim, StorageClass, Service, EndpointSlice, Node,
// PodDisruptionBudget, Event, Namespace, PriorityClass, ConfigMap, Secret,
// ResourceQuota, LimitRange, Lease, VolumeAttachment, CSINode, CSIDriver,
// DaemonSet and HorizontalPodAutoscaler; other kinds have a name and an age. Of storage classes the one used as
// default is marked, as in a list; kubectl leaves it unmarked when it gets a
// class by name.
func New(kind apiserver.Kind, objs []apiserver.Object, now time.Time) Table {
	t := Table{Columns: Columns(kind), Rows: make([]Row, len(objs))}
	for i, obj := range objs {
		t.Rows[i] = Row{Cells: cells(obj, now), Object: obj}
	}
	markDefaultClass(t.Rows)
	return t
}

// Columns returns the columns of a kind (K24–K26). They must not be changed.
func Columns(kind apiserver.Kind) []Column {
	switch kind {
	case apiserver.Pod:
		return podColumns
	case apiserver.StatefulSet:
		return statefulSetColumns
	case apiserver.Deployment:
		return deploymentColumns
	case apiserver.ReplicaSet:
		return replicaSetColumns
	case apiserver.ControllerRevision:
		return revisionColumns
	case apiserver.PersistentVolume:
		return volumeColumns
	case apiserver.PersistentVolumeClaim:
		return claimColumns
	case apiserver.StorageClass:
		return storageClassColumns
	case apiserver.Service:
		return serviceColumns
	case apiserver.EndpointSlice:
		return endpointSliceColumns
	case apiserver.Node:
		return nodeColumns
	case apiserver.PodDisruptionBudget:
		return budgetColumns
	case apiserver.Event:
		return eventColumns
	case apiserver.Namespace:
		return namespaceColumns
	case apiserver.PriorityClass:
		return priorityClassColumns
	case apiserver.VolumeAttachment:
		return attachmentColumns
	case apiserver.CSINode:
		return csiNodeColumns
	case apiserver.CSIDriver:
		return csiDriverColumns
	case apiserver.ResourceQuota:
		return quotaColumns
	case apiserver.DaemonSet:
		return daemonSetColumns
	case apiserver.HorizontalPodAutoscaler:
		return autoscalerColumns
	case apiserver.CronJob:
		return cronJobColumns
	case apiserver.Job:
		return jobColumns
	}
	switch gvk := kind.GroupVersionKind(); {
	case gvk.Group == "" && gvk.Kind == "ConfigMap":
		return configMapColumns
	case gvk.Group == "" && gvk.Kind == "Secret":
		return secretColumns
	case gvk.Group == "" && gvk.Kind == "LimitRange":
		return limitRangeColumns
	case gvk.Group == coordinationv1.GroupName && gvk.Kind == "Lease":
		return leaseColumns
	}
	return plainColumns
}

// cells returns the cells of one object.
func cells(obj apiserver.Object, now time.Time) []string {
	switch o := obj.(type) {
	case *corev1.Pod:
		return podCells(o, now)
	case *appsv1.StatefulSet:
		return statefulSetCells(o, now)
	case *appsv1.Deployment:
		return deploymentCells(o, now)
	case *appsv1.ReplicaSet:
		return replicaSetCells(o, now)
	case *appsv1.ControllerRevision:
		return revisionCells(o, now)
	case *corev1.PersistentVolume:
		return volumeCells(o, now)
	case *corev1.PersistentVolumeClaim:
		return claimCells(o, now)
	case *storagev1.StorageClass:
		return storageClassCells(o, now)
	case *corev1.Service:
		return serviceCells(o, now)
	case *discoveryv1.EndpointSlice:
		return endpointSliceCells(o, now)
	case *corev1.Node:
		return nodeCells(o, now)
	case *policyv1.PodDisruptionBudget:
		return budgetCells(o, now)
	case *corev1.Event:
		return eventCells(o, now)
	case *corev1.Namespace:
		return []string{o.Name, string(o.Status.Phase), age(o.CreationTimestamp, now)}
	case *schedulingv1.PriorityClass:
		return priorityClassCells(o, now)
	case *storagev1.VolumeAttachment:
		return attachmentCells(o, now)
	case *storagev1.CSINode:
		return []string{o.Name, strconv.Itoa(len(o.Spec.Drivers)), age(o.CreationTimestamp, now)}
	case *storagev1.CSIDriver:
		return csiDriverCells(o, now)
	case *corev1.ResourceQuota:
		return quotaCells(o, now)
	case *appsv1.DaemonSet:
		return daemonSetCells(o, now)
	case *autoscalingv2.HorizontalPodAutoscaler:
		return autoscalerCells(o, now)
	case *batchv1.CronJob:
		return cronJobCells(o, now)
	case *batchv1.Job:
		return jobCells(o, now)
	case *corev1.LimitRange:
		return limitRangeCells(o)
	case *corev1.ConfigMap:
		return []string{o.Name, strconv.Itoa(len(o.Data) + len(o.BinaryData)), age(o.CreationTimestamp, now)}
	case *corev1.Secret:
		return []string{o.Name, string(o.Type), strconv.Itoa(len(o.Data)), age(o.CreationTimestamp, now)}
	case *coordinationv1.Lease:
		holder := ""
		if o.Spec.HolderIdentity != nil {
			holder = *o.Spec.HolderIdentity
		}
		return []string{o.Name, holder, age(o.CreationTimestamp, now)}
	}
	return []string{obj.GetName(), age(obj.GetCreationTimestamp(), now)}
}

var (
	plainColumns         = columns("*Name Age")
	namespaceColumns     = columns("*Name Status Age")
	configMapColumns     = columns("*Name Data Age")
	secretColumns        = columns("*Name Type Data Age")
	leaseColumns         = columns("*Name Holder Age")
	priorityClassColumns = columns("*Name Value Global-Default Age PreemptionPolicy")
)

// columns reads a line of column names: "*" before the column of the name, "+"
// before a wide one, "_" for a space in a name.
func columns(line string) []Column {
	var list []Column
	for _, name := range strings.Fields(line) {
		var c Column
		if rest, ok := strings.CutPrefix(name, "+"); ok {
			c.Wide, name = true, rest
		}
		if rest, ok := strings.CutPrefix(name, "*"); ok {
			c.named, name = true, rest
		}
		c.Name = strings.ReplaceAll(name, "_", " ")
		list = append(list, c)
	}
	return list
}

func priorityClassCells(c *schedulingv1.PriorityClass, now time.Time) []string {
	policy := ""
	if c.PreemptionPolicy != nil {
		policy = string(*c.PreemptionPolicy)
	}
	return []string{
		c.Name, strconv.Itoa(int(c.Value)), strconv.FormatBool(c.GlobalDefault),
		age(c.CreationTimestamp, now), policy,
	}
}
