// Package kubectl holds the shell against kubectl's own code: its JSONPath is
// that of k8s.io/client-go/util/jsonpath, by templates as users write and
// misspell them.
package kubectl
