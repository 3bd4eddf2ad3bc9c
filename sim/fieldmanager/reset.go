package fieldmanager

import (
	"reflect"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// subresources are those of a kind whose writes have managed fields; "" is the object.
func subresources(kind apiserver.Kind) []string {
	subs := []string{""}
	if reflect.ValueOf(kind.New()).Elem().FieldByName("Status").IsValid() {
		subs = append(subs, "status")
	}
	if kind == apiserver.Namespace {
		subs = append(subs, "finalize")
	}
	return subs
}

// resetFields are what a write does not change, whatever it says, and what its
// writer therefore never owns (the strategies' GetResetFields): the status, or, for
// the status, the spec and what `more` says.
func resetFields(p path) map[fieldpath.APIVersion]fieldpath.Filter {
	var fields []string
	switch {
	case p.subresource == "scale", !hasStatus(p.kind):
		return nil
	case p.subresource == "status":
		fields = append([]string{"spec"}, more[p.kind.String()]...)
	default:
		fields = []string{"status"}
		if p.kind.String() == "CertificateSigningRequest" {
			fields = append(fields, "spec")
		}
	}
	set := fieldpath.NewSet()
	for _, f := range fields {
		var parts []any
		for part := range strings.SplitSeq(f, ".") {
			parts = append(parts, part)
		}
		set.Insert(fieldpath.MakePathOrDie(parts...))
	}
	sets := map[fieldpath.APIVersion]*fieldpath.Set{}
	for _, kind := range apiserver.Served() {
		if kind.Stored() == p.kind.Stored() {
			sets[fieldpath.APIVersion(kind.APIVersion())] = set
		}
	}
	return fieldpath.NewExcludeFilterSetMap(sets)
}

func hasStatus(kind apiserver.Kind) bool { return len(subresources(kind)) > 1 }

// more is what a write of the status does not change beside the spec.
var more = map[string][]string{
	"Deployment":                 {"metadata.labels"},
	"Pod":                        {"metadata.deletionTimestamp", "metadata.ownerReferences"},
	"CertificateSigningRequest":  {"status.conditions"},
	"PodCertificateRequest":      {"metadata"},
	"ValidatingAdmissionPolicy":  {"metadata"},
	"FlowSchema":                 {"metadata"},
	"PriorityLevelConfiguration": {"metadata"},
	"ServiceCIDR":                {"metadata"},
	"DeviceTaintRule":            {"metadata"},
	"ResourceClaim":              {"metadata"},
	"VolumeAttachment":           {"metadata"},
	"StorageVersionMigration":    {"metadata"},
}
