// Package customresource has CustomResourceDefinitions serve what they define, as a
// real API server does: by the same library, k8s.io/apiextensions-apiserver.
//
//	c := sim.New(sim.Config{CustomResources: customresource.New()})
//
// A definition is checked as upstream checks it. Once it is stored, objects of its
// kind are pruned, defaulted and validated by its structural schemas, rules in CEL
// among them (x-kubernetes-validations), with upstream's ratcheting: what was wrong
// before and is not touched stays. Status and scale are subresources where the
// definition says so. Owners and finalizers of custom resources count in garbage
// collection; a deleted definition goes when its objects are gone.
//
// With package fieldmanager custom resources have managedFields and server-side apply,
// too: lists merge as the schema says (x-kubernetes-list-type).
//
// It is a value in the Config and nothing that package sim imports: the library and
// CEL take longer to build than the cluster.
//
// Deviation: conversion webhooks are refused when the definition is written; between
// versions the apiVersion changes and nothing else (strategy None). A definition is
// established at once. Who writes a scale owns its field as one who writes the object.
// Quotas do not count them. Fields that select
// (selectableFields) are metadata.name and metadata.namespace alone.
package customresource
