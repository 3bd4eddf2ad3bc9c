package table_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// TestErrorText compares with kubectl's words in recordings/api.json.
func TestErrorText(t *testing.T) {
	sets := apiserver.StatefulSet.GroupResource()
	require.Equal(t, `Error from server (NotFound): statefulsets.apps "web" not found`,
		table.ErrorText(apierrors.NewNotFound(sets, "web")))
	kind := schema.GroupKind{Group: "", Kind: "Service"}
	port := field.NewPath("spec", "ports").Index(0).Child("port")
	one := field.Invalid(port, 0, "must be between 1 and 65535, inclusive")
	require.Equal(t, `The Service "web" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`,
		table.ErrorText(apierrors.NewInvalid(kind, "web", field.ErrorList{one, one})))
	require.Equal(t, "The Service \"web\" is invalid: \n"+
		"* spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive\n* spec.ports[0].port: Required value",
		table.ErrorText(apierrors.NewInvalid(kind, "web", field.ErrorList{one, field.Required(port, "")})))
	require.Equal(t, "error: no", table.ErrorText(errors.New("no")))
}
