package tenants

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	quota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
	"github.com/statefulsim/statefulsim/sim/engine"
)

var requests = flag.Int("requests", 3000, "how many requests to compare")

// TestCharges: every write is refused with upstream's words, or charges every quota
// as upstream does (Q1 to Q4, CheckRequest).
func TestCharges(t *testing.T) {
	client := fake.NewClientset()
	config, err := quotainstall.NewQuotaConfigurationForAdmission(informers.NewSharedInformerFactory(client, 0), nil)
	require.NoError(t, err)
	registry := generic.NewRegistry(config.Evaluators())
	marks := map[string]int{}
	seeded.Check(t, 1, *requests, func(rt *rapid.T) {
		with, without := newServer(engine.New(engine.Strategy{Mode: engine.First})), plain()
		quotas := drawQuotas(rt)
		for _, s := range []*apiserver.Server{with, without} {
			require.NoError(rt, s.Do(0, apiserver.User, defaultNamespace).Err)
			store(rt, s, quotas)
		}
		first := drawWrite(rt, with)
		stored := compare(rt, registry, with, without, first, first, marks)
		if stored == nil || rapid.IntRange(0, 1).Draw(rt, "second") == 0 {
			return
		}
		second := step{kind: first.Kind, namespace: "default", name: first.Key.Name, number: rapid.IntRange(0, 5).Draw(rt, "number"),
			op: map[apiserver.Kind]string{apiserver.Pod: "deadline", apiserver.PersistentVolumeClaim: "allocate", apiserver.Service: "type"}[first.Kind]}
		if second.op != "" {
			req, _ := second.request(with)
			same, _ := second.request(without) // but for the version
			compare(rt, registry, with, without, req, same, marks)
		}
	})
	for _, m := range []string{"exceeded", "must specify", "unknown", "charged", "nothing", "update charged", "status charged"} {
		t.Logf("%5d of %d requests: %s", marks[m], *requests, m)
		if *requests >= 3000 && !seeded.Replaying() && !testing.Short() && !t.Failed() {
			require.NotZero(t, marks[m], m)
		}
	}
}

// plain is a server without the plugin.
func plain() *apiserver.Server {
	return apiserver.New(engine.New(engine.Strategy{Mode: engine.First}), apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "ResourceQuota"}})
}

// drawQuotas draws quotas with what is used of them; of some nothing is known.
func drawQuotas(t *rapid.T) []*corev1.ResourceQuota {
	var quotas []*corev1.ResourceQuota
	for i := range rapid.IntRange(1, 3).Draw(t, "quotas") {
		n := rapid.IntRange(0, len(hards)-1).Draw(t, "hard")
		q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("q%d", i)}}
		q.Spec = corev1.ResourceQuotaSpec{Hard: hards[n]}
		q.Spec.ScopeSelector = drawSelector(t, n)
		q.Status = corev1.ResourceQuotaStatus{Hard: hards[n], Used: corev1.ResourceList{}}
		for name := range hards[n] { // each for itself
			q.Status.Used[name] = list("x", "0")["x"]
		}
		switch rapid.IntRange(0, 5).Draw(t, "status") {
		case 0: // all is used
			q.Status.Used = hards[n]
		case 1: // not counted yet
			q.Status.Used = nil
		case 2: // not even seen
			q.Status = corev1.ResourceQuotaStatus{}
		}
		quotas = append(quotas, q)
	}
	return quotas
}

// store creates the quotas, and then gives them their statuses.
func store(t *rapid.T, s *apiserver.Server, quotas []*corev1.ResourceQuota) {
	var stored []*corev1.ResourceQuota
	for _, q := range quotas {
		res := s.Do(0, "test", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ResourceQuota, Key: apiserver.KeyOf(q), Object: q})
		require.NoError(t, res.Err)
		stored = append(stored, res.Object.DeepCopyObject().(*corev1.ResourceQuota))
	}
	for i, next := range stored {
		next.Status = quotas[i].Status
		require.NoError(t, s.Do(0, "test", apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.ResourceQuota, Key: apiserver.KeyOf(next), Object: next}).Err)
	}
}

// drawWrite draws a creation.
func drawWrite(t *rapid.T, s *apiserver.Server) apiserver.Request {
	for {
		if st := drawStep(t); st.op == "create" && st.namespace == "default" && st.kind != apiserver.ResourceQuota {
			req, _ := st.request(s)
			return req
		}
	}
}

func quotasOf(s *apiserver.Server) []corev1.ResourceQuota {
	var quotas []corev1.ResourceQuota
	for _, o := range s.List(apiserver.ResourceQuota, "default") {
		quotas = append(quotas, *o.DeepCopyObject().(*corev1.ResourceQuota))
	}
	return quotas
}

// compare sends a write to a server with the plugin, and asks upstream's about what
// the other server stores of it. It returns what is stored, or nil.
func compare(t *rapid.T, registry quota.Registry, with, without *apiserver.Server, req, same apiserver.Request, marks map[string]int) apiserver.Object {
	old := without.Get(req.Kind, req.Key)
	before := quotasOf(with)
	ours := with.Do(0, apiserver.User, req)
	other := without.Do(0, apiserver.User, same)
	if other.Err != nil { // refused for another reason, if the plugin has let it through
		return nil
	}
	gvk := req.Kind.GroupVersionKind()
	sub := ""
	if req.Subresource == apiserver.Status {
		sub = "status"
	}
	var was runtime.Object
	op := admission.Create
	if old != nil {
		was, op = old, admission.Update
	}
	attrs := admission.NewAttributesRecord(other.Object.DeepCopyObject(), was, gvk, "default", req.Key.Name,
		gvk.GroupVersion().WithResource(req.Kind.Resource()), sub, op, nil, false, nil)
	gr := req.Kind.GroupResource()
	evaluator := registry.Get(gr)
	if evaluator == nil {
		evaluator = generic.NewObjectCountEvaluator(gr, nil, "")
	}
	after, err := plugin.CheckRequest(before, attrs, evaluator, nil)
	if err != nil {
		require.EqualError(t, ours.Err, err.Error())
		for _, m := range []string{"exceeded", "must specify", "unknown"} {
			if strings.Contains(err.Error(), m) {
				marks[m]++
			}
		}
		return nil
	}
	require.NoError(t, ours.Err)
	got := quotasOf(with)
	changed := false
	for i := range after {
		require.True(t, apiequality.Semantic.DeepEqual(after[i].Status, got[i].Status), "%s:\nupstream %+v\nours     %+v", after[i].Name, after[i].Status, got[i].Status)
		changed = changed || !apiequality.Semantic.DeepEqual(before[i].Status, got[i].Status)
	}
	switch {
	case !changed:
		marks["nothing"]++
	case sub != "":
		marks["status charged"]++
	case old != nil:
		marks["update charged"]++
	default:
		marks["charged"]++
	}
	return other.Object
}
