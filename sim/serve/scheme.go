package serve

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// newScheme has what the API server stores, and what is only sent: reviews,
// options, Tables.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for gvk, typ := range apiserver.Scheme().AllKnownTypes() { // each for itself
		s.AddKnownTypeWithName(gvk, newOf(typ))
	}
	utilruntime.Must(authenticationv1.AddToScheme(s))
	utilruntime.Must(authorizationv1.AddToScheme(s))
	for _, v := range []string{"v1", "v1beta1"} {
		gv := schema.GroupVersion{Group: metav1.GroupName, Version: v}
		s.AddKnownTypes(gv, &metav1.Table{}, &metav1.TableOptions{}, &metav1.PartialObjectMetadata{}, &metav1.PartialObjectMetadataList{}, &metav1.DeleteOptions{})
	}
	s.AddKnownTypes(autoscalingv1.SchemeGroupVersion, &autoscalingv1.Scale{})
	return s
}
