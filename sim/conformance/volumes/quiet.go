package volumes

import (
	"flag"
	"io"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

// init keeps upstream's log out of the tests' output, and takes away its global
// brake on errors, which sleeps until a time of the last bubble's clock.
func init() {
	utilruntime.ErrorHandlers = nil
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	for _, arg := range []string{"logtostderr=false", "stderrthreshold=FATAL"} {
		if err := flags.Parse([]string{"-" + arg}); err != nil {
			panic(err)
		}
	}
	klog.SetOutput(io.Discard)
}
