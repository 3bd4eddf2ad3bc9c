package dns_test

import (
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/endpointslice"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

const web0 = "web-0.web.default.svc.cluster.local"

// cluster runs the EndpointSlice controller and the name service, and has one
// pod that is ready.
func cluster(t *testing.T) (*controller.Host, controller.ActorID) {
	e := engine.New(engine.Strategy{})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	host.Add(endpointslice.New())
	id := host.Add(dns.New(dns.Config{}))
	for _, obj := range []apiserver.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec: corev1.ServiceSpec{
				ClusterIP: "None", IPFamilies: []corev1.IPFamily{"IPv4"}, Selector: map[string]string{"app": "web"},
				Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}},
			},
		},
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0", Labels: map[string]string{"app": "web"}},
			Spec: corev1.PodSpec{
				NodeName: "n1", Hostname: "web-0", Subdomain: "web",
				Containers: []corev1.Container{{Name: "nginx", Image: "nginx"}},
			},
		},
	} {
		res := host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj})
		require.NoError(t, res.Err)
	}
	setReady(t, host, corev1.ConditionTrue)
	return host, id
}

func setReady(t *testing.T, host *controller.Host, status corev1.ConditionStatus) {
	key := apiserver.Key{Namespace: "default", Name: "web-0"}
	pod := host.Server().Get(apiserver.Pod, key).(*corev1.Pod).DeepCopy()
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "10.0.0.7", PodIPs: []corev1.PodIP{{IP: "10.0.0.7"}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
	}
	require.NoError(t, host.Do("kubelet", apiserver.Request{
		Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.Pod, Key: key, Object: pod,
	}).Err)
}

func settle(host *controller.Host) {
	for host.Engine().Pending(engine.Progress) > 0 {
		host.Step()
	}
}

func rcode(s *dns.Server) string {
	return miekg.RcodeToString[s.Answer(dns.Query(1, web0, miekg.TypeA)).Rcode]
}

// From a pod's readiness to its name: D1 through the EndpointSlice, and D4 when
// the endpoint is not ready any more.
func TestServerFollowsTheWatch(t *testing.T) {
	host, id := cluster(t)
	server := host.Actor(id).(*dns.Server)
	assert.Equal(t, "NXDOMAIN", rcode(server), "nothing has been delivered yet")
	settle(host)
	reply := server.Answer(dns.Query(1, web0, miekg.TypeA))
	require.Len(t, reply.Answer, 1)
	assert.Equal(t, "10.0.0.7", reply.Answer[0].(*miekg.A).A.String())

	setReady(t, host, corev1.ConditionFalse)
	settle(host)
	assert.Equal(t, "NXDOMAIN", rcode(server))
	assert.Empty(t, server.Waiting(nil))
}

func TestServerIsAsLateAsItsWatch(t *testing.T) {
	host, id := cluster(t)
	settle(host)
	server := host.Actor(id).(*dns.Server)
	host.Hold(id, apiserver.EndpointSlice, host.Engine().Now().Add(time.Minute))
	setReady(t, host, corev1.ConditionFalse)
	for end := host.Engine().Now().Add(30 * time.Second); ; {
		if ev, ok := host.Engine().Peek(); !ok || ev.At > end {
			break
		}
		host.Step()
	}
	assert.Equal(t, "NOERROR", rcode(server), "it still believes in the endpoint")
	settle(host)
	assert.Equal(t, "NXDOMAIN", rcode(server))
}

func TestServerForks(t *testing.T) {
	host, id := cluster(t)
	settle(host)
	fork := state.Copy(nil, host.Actor(id).(*dns.Server))
	setReady(t, host, corev1.ConditionFalse)
	settle(host)
	assert.Equal(t, "NOERROR", rcode(fork))
	res, err := fork.Resolver().Lookup(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "x"}}, "web-0.web")
	require.NoError(t, err)
	assert.Equal(t, web0, res.Canonical)
}
