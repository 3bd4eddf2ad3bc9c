package defaults

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// limitRange is SetDefaults_LimitRangeItem for its items, and their quantities.
func limitRange(l *corev1.LimitRange) {
	each(&l.Spec.Limits, limitItem)
}

func limitItem(item *corev1.LimitRangeItem) *corev1.LimitRangeItem {
	next := *item
	if next.Type == corev1.LimitTypeContainer {
		next.Default = filled(next.Default, next.Max)
		next.DefaultRequest = filled(filled(next.DefaultRequest, next.Default), next.Min)
	}
	for _, list := range []*corev1.ResourceList{&next.Max, &next.Min, &next.Default, &next.DefaultRequest, &next.MaxLimitRequestRatio} {
		resourceList(list)
	}
	return &next
}

// filled returns a list with what it has not from another.
func filled(list, from corev1.ResourceList) corev1.ResourceList {
	next := maps.Clone(list)
	if next == nil {
		next = corev1.ResourceList{}
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, has := next[name]; !has {
			next[name] = from[name].DeepCopy()
		}
	}
	return next
}
