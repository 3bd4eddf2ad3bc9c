package dns

import (
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// article is the seed article's Service with its two pods.
func article() (*world, *corev1.Pod) {
	w := newWorld(Config{})
	w.put(service("satefulset-linuxea", "None", port("http", 80)), slice("satefulset-linuxea", "satefulset-linuxea-jxqkr", 80,
		"satefulset-0=172.16.5.117", "satefulset-1=172.16.4.12"))
	p := pod("satefulset-0", func(p *corev1.Pod) {
		p.Spec.Subdomain = "satefulset-linuxea"
		p.Status.PodIP, p.Status.PodIPs = "172.16.5.117", nil
	})
	return w, p
}

// The article's two nslookups, and what the first pod gets for the other's bare
// name, which only a search path through the Service would find.
func TestArticleNslookup(t *testing.T) {
	w, p := article()
	text, found := Nslookup(resolver(w), p, "satefulset-0")
	assert.True(t, found)
	assert.Equal(t, `nslookup: can't resolve '(null)': Name does not resolve

Name:      satefulset-0
Address 1: 172.16.5.117 satefulset-0.satefulset-linuxea.default.svc.cluster.local
`, text)
	text, found = Nslookup(resolver(w), p, "satefulset-1")
	assert.False(t, found)
	assert.Equal(t, `nslookup: can't resolve '(null)': Name does not resolve

nslookup: can't resolve 'satefulset-1': Name does not resolve
`, text)
	text, _ = Nslookup(resolver(w), p, "satefulset-1.satefulset-linuxea")
	assert.Equal(t, `nslookup: can't resolve '(null)': Name does not resolve

Name:      satefulset-1.satefulset-linuxea
Address 1: 172.16.4.12 satefulset-1.satefulset-linuxea.default.svc.cluster.local
`, text)
}

// The article's dig, to the letter and to the size of the message.
func TestArticleDig(t *testing.T) {
	w, _ := article()
	const name = "satefulset-0.satefulset-linuxea.default.svc.cluster.local"
	reply := w.Answer(Query(62089, name, miekg.TypeA))
	packed, err := reply.Pack()
	require.NoError(t, err)
	assert.Len(t, packed, 159)
	london := time.FixedZone("BST", 3600)
	assert.Equal(t, `
; <<>> DiG 9.9.4-RedHat-9.9.4-61.el7 <<>> -t A satefulset-0.satefulset-linuxea.default.svc.cluster.local @10.96.0.10
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 62089
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 4096
;; QUESTION SECTION:
;satefulset-0.satefulset-linuxea.default.svc.cluster.local. IN A

;; ANSWER SECTION:
satefulset-0.satefulset-linuxea.default.svc.cluster.local. 5 IN A 172.16.5.117

;; Query time: 0 msec
;; SERVER: 10.96.0.10#53(10.96.0.10)
;; WHEN: Sat Sep 29 15:12:16 BST 2018
;; MSG SIZE  rcvd: 159

`, Dig(reply, DigOptions{Command: "-t A " + name + " @10.96.0.10", When: time.Date(2018, 9, 29, 15, 12, 16, 0, london)}))
}

func TestDigOfANameError(t *testing.T) {
	w := newWorld(Config{NoRecursion: true})
	q := new(miekg.Msg).SetQuestion("x.svc.cluster.local.", miekg.TypeA)
	q.Id = 1
	text := Dig(w.Answer(q), DigOptions{Command: "x.svc.cluster.local", Version: "9.18.1", When: time.Unix(0, 0).UTC(), Elapsed: 2 * time.Millisecond})
	assert.Equal(t, `
; <<>> DiG 9.18.1 <<>> x.svc.cluster.local
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1
;; flags: qr aa rd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 0
;; WARNING: recursion requested but not available

;; QUESTION SECTION:
;x.svc.cluster.local.		IN	A

;; AUTHORITY SECTION:
cluster.local.		5	IN	SOA	ns.dns.cluster.local. hostmaster.cluster.local. 0 7200 1800 86400 5

;; Query time: 2 msec
;; SERVER: 10.96.0.10#53(10.96.0.10)
;; WHEN: Thu Jan 01 00:00:00 UTC 1970
;; MSG SIZE  rcvd: 130

`, text)
}
