package dns

import (
	"fmt"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// world is an index with the objects that were put into it.
type world struct {
	*Index
	stored map[apiserver.Kind]map[apiserver.Key]apiserver.Object
}

func newWorld(cfg Config) *world {
	return &world{NewIndex(cfg), map[apiserver.Kind]map[apiserver.Key]apiserver.Object{}}
}

// put stores an object.
func (w *world) put(objs ...apiserver.Object) {
	for _, obj := range objs {
		kind, key := apiserver.KindOf(obj), apiserver.KeyOf(obj)
		if w.stored[kind] == nil {
			w.stored[kind] = map[apiserver.Key]apiserver.Object{}
		}
		rec := &apiserver.Record{Type: watch.Added, Kind: kind, Key: key, Object: obj}
		if old := w.stored[kind][key]; old != nil {
			rec.Type, rec.Old = watch.Modified, old
		}
		w.stored[kind][key] = obj
		w.Apply(rec)
	}
}

// remove deletes an object.
func (w *world) remove(obj apiserver.Object) {
	kind, key := apiserver.KindOf(obj), apiserver.KeyOf(obj)
	old := w.stored[kind][key]
	delete(w.stored[kind], key)
	w.Apply(&apiserver.Record{Type: watch.Deleted, Kind: kind, Key: key, Object: old, Old: old})
}

func service(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: ip, ClusterIPs: []string{ip}, Ports: ports},
	}
}

func port(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number, Protocol: corev1.ProtocolTCP}
}

// slice builds an EndpointSlice of a Service from endpoints written
// "hostname=address", or "=address" without a hostname; a final "!" means not
// ready.
func slice(service, name string, port int32, endpoints ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	if port > 0 {
		proto := corev1.ProtocolTCP
		s.Ports = []discoveryv1.EndpointPort{{Name: new("http"), Port: &port, Protocol: &proto}}
	}
	for _, text := range endpoints {
		text, unready := strings.CutSuffix(text, "!")
		host, ip, _ := strings.Cut(text, "=")
		ep := discoveryv1.Endpoint{Addresses: []string{ip}, Conditions: discoveryv1.EndpointConditions{Ready: new(!unready)}}
		if host != "" {
			ep.Hostname = &host
		}
		s.Endpoints = append(s.Endpoints, ep)
	}
	return s
}

// web is a headless Service with two ready pods and one that is not.
func web() *world {
	w := newWorld(Config{})
	w.put(service("web", "None", port("http", 80)),
		slice("web", "web-a", 80, "web-0=10.0.0.1", "web-1=10.0.0.2", "web-2=10.0.0.3!"))
	return w
}

// ask sends a query and returns the response code and the records, one a line
// with single spaces.
func ask(t *testing.T, a Answerer, name string, qtype uint16) (string, []string) {
	t.Helper()
	m := a.Answer(new(miekg.Msg).SetQuestion(name, qtype))
	_, err := m.Pack()
	require.NoError(t, err)
	require.True(t, m.Response)
	return miekg.RcodeToString[m.Rcode], lines(m.Answer)
}

func lines(records []miekg.RR) []string {
	var list []string
	for _, rr := range records {
		list = append(list, strings.Join(strings.Fields(rr.String()), " "))
	}
	return list
}

// isNoData reports whether a reply says that the name exists without such a
// record, or that it does not exist, with the SOA.
func negative(t *testing.T, a Answerer, name string, qtype uint16) string {
	t.Helper()
	m := a.Answer(new(miekg.Msg).SetQuestion(name, qtype))
	require.Empty(t, m.Answer, "%s", name)
	require.Len(t, m.Ns, 1, "%s", name)
	require.Equal(t, "SOA", miekg.TypeToString[m.Ns[0].Header().Rrtype])
	if m.Rcode == miekg.RcodeSuccess {
		return "NODATA"
	}
	return miekg.RcodeToString[m.Rcode]
}

func pod(name string, edit func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{Hostname: name, Subdomain: "web"},
		Status:     corev1.PodStatus{PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}}},
	}
	if edit != nil {
		edit(p)
	}
	return p
}

func at(n int) string { return fmt.Sprintf("10.1.%d.%d", n/250, n%250+1) }
