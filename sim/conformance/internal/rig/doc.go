// Package rig is what comparisons of whole controllers have in common: a server of
// ours that upstream's controllers see through client-go in a testing/synctest bubble,
// with requests that fail, and informers that list in the order of names.
package rig
