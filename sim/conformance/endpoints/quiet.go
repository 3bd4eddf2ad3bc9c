package endpoints

import utilruntime "k8s.io/apimachinery/pkg/util/runtime"

// init takes away upstream's global brake on errors, which sleeps until a time
// of the last bubble's clock.
func init() { utilruntime.ErrorHandlers = nil }
