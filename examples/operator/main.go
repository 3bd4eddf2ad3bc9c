// Command operator is a small operator as people write them, with controller-runtime:
// of a custom resource Database it makes a StatefulSet with its Service, keeps the
// status, and takes a backup every hour. It knows nothing of the simulator:
//
//	go run ./examples/serve -speed 60 -f examples/operator/crd.yaml
//	go run ./examples/operator -kubeconfig FILE
//
// Its test is what this example is about: in a bubble of testing/synctest the operator
// runs against a simulated cluster in the same process; a node crashes, the image
// changes, hours pass, and all that takes a moment.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// definition is the CustomResourceDefinition of Databases.
//
//go:embed crd.yaml
var definition string

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	f := flag.NewFlagSet("operator", flag.ContinueOnError)
	f.SetOutput(stderr)
	file := f.String("kubeconfig", os.Getenv("KUBECONFIG"), "`FILE` that says where the cluster is")
	if err := f.Parse(args); err != nil {
		return 2
	}
	config, err := clientcmd.BuildConfigFromFlags("", *file)
	if err == nil {
		var m ctrl.Manager
		if m, err = operator(config); err == nil {
			err = m.Start(ctrl.SetupSignalHandler())
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

// operator returns a manager with the reconciler.
func operator(config *rest.Config) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, addToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	m, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		return nil, err
	}
	return m, (&reconciler{m.GetClient()}).start(m)
}
