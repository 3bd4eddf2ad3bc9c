package table

import (
	"strconv"
	"strings"
	"time"

	storagev1 "k8s.io/api/storage/v1"
)

var (
	attachmentColumns = columns("*Name Attacher PV Node Attached Age")
	csiNodeColumns    = columns("*Name Drivers Age")
	csiDriverColumns  = columns("*Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age")
)

// attachmentCells is printVolumeAttachment.
func attachmentCells(a *storagev1.VolumeAttachment, now time.Time) []string {
	volume := ""
	if a.Spec.Source.PersistentVolumeName != nil {
		volume = *a.Spec.Source.PersistentVolumeName
	}
	return []string{a.Name, a.Spec.Attacher, volume, a.Spec.NodeName, strconv.FormatBool(a.Status.Attached), age(a.CreationTimestamp, now)}
}

// csiDriverCells is printCSIDriver.
func csiDriverCells(d *storagev1.CSIDriver, now time.Time) []string {
	or := func(b *bool, otherwise bool) string {
		if b != nil {
			otherwise = *b
		}
		return strconv.FormatBool(otherwise)
	}
	modes, audiences := make([]string, len(d.Spec.VolumeLifecycleModes)), make([]string, len(d.Spec.TokenRequests))
	for i, m := range d.Spec.VolumeLifecycleModes {
		modes[i] = string(m)
	}
	for i := range d.Spec.TokenRequests {
		audiences[i] = d.Spec.TokenRequests[i].Audience
	}
	tokens := unset
	if d.Spec.TokenRequests != nil {
		tokens = strings.Join(audiences, ",")
	}
	return []string{
		d.Name, or(d.Spec.AttachRequired, true), or(d.Spec.PodInfoOnMount, false), or(d.Spec.StorageCapacity, false),
		tokens, or(d.Spec.RequiresRepublish, false), orNone(strings.Join(modes, ",")), age(d.CreationTimestamp, now),
	}
}
