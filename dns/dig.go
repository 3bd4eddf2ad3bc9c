package dns

import (
	"fmt"
	"net"
	"strings"
	"time"

	miekg "github.com/miekg/dns"
)

// Query returns the query that dig sends: recursion desired, and EDNS with a
// buffer of 4096 bytes.
func Query(id uint16, name string, qtype uint16) *miekg.Msg {
	q := new(miekg.Msg).SetQuestion(miekg.Fqdn(name), qtype)
	q.Id = id
	return q.SetEdns0(4096, false)
}

// DigOptions say what dig prints around a reply.
type DigOptions struct {
	// Command is the command line after "dig".
	Command string
	// Version is dig's own; empty means the seed article's.
	Version string
	// Server is the name server's address; empty means "10.96.0.10".
	Server string
	// When is the time of the reply, in the zone to be printed.
	When time.Time
	// Elapsed is how long the reply took.
	Elapsed time.Duration
}

// Dig prints a reply as DiG 9 does. Where a name is too long for the columns,
// fields are one space apart.
func Dig(m *miekg.Msg, o DigOptions) string {
	if o.Version == "" {
		o.Version = "9.9.4-RedHat-9.9.4-61.el7"
	}
	if o.Server == "" {
		o.Server = "10.96.0.10"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n; <<>> DiG %s <<>> %s\n", o.Version, o.Command)
	b.WriteString(";; global options: +cmd\n;; Got answer:\n")
	writeHeader(&b, m)
	if opt := m.IsEdns0(); opt != nil {
		b.WriteString("\n;; OPT PSEUDOSECTION:\n")
		flags := ""
		if opt.Do() {
			flags = " do"
		}
		fmt.Fprintf(&b, "; EDNS: version: %d, flags:%s; udp: %d\n", opt.Version(), flags, opt.UDPSize())
	} else {
		b.WriteByte('\n')
	}
	if len(m.Question) > 0 {
		b.WriteString(";; QUESTION SECTION:\n")
		for _, q := range m.Question {
			b.WriteString(";" + columns(q.Name, "", miekg.ClassToString[q.Qclass], miekg.TypeToString[q.Qtype], "") + "\n")
		}
	}
	writeSection(&b, "ANSWER", m.Answer)
	writeSection(&b, "AUTHORITY", m.Ns)
	writeSection(&b, "ADDITIONAL", m.Extra)
	fmt.Fprintf(&b, "\n;; Query time: %d msec\n", o.Elapsed.Milliseconds())
	fmt.Fprintf(&b, ";; SERVER: %s(%s)\n", strings.Replace(net.JoinHostPort(o.Server, "53"), ":53", "#53", 1), o.Server)
	fmt.Fprintf(&b, ";; WHEN: %s\n", o.When.Format("Mon Jan 02 15:04:05 MST 2006"))
	fmt.Fprintf(&b, ";; MSG SIZE  rcvd: %d\n\n", m.Len())
	return b.String()
}

// writeHeader prints the header and the flags.
func writeHeader(b *strings.Builder, m *miekg.Msg) {
	fmt.Fprintf(b, ";; ->>HEADER<<- opcode: %s, status: %s, id: %d\n",
		miekg.OpcodeToString[m.Opcode], miekg.RcodeToString[m.Rcode], m.Id)
	var flags strings.Builder
	for _, f := range []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"},
	} {
		if f.set {
			flags.WriteString(" " + f.name)
		}
	}
	fmt.Fprintf(b, ";; flags:%s; QUERY: %d, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n",
		flags.String(), len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra))
	if m.RecursionDesired && !m.RecursionAvailable {
		b.WriteString(";; WARNING: recursion requested but not available\n")
	}
}

// writeSection prints the records of a section, if it has any beside the OPT
// record, after an empty line.
func writeSection(b *strings.Builder, title string, records []miekg.RR) {
	first := true
	for _, rr := range records {
		h := rr.Header()
		if h.Rrtype == miekg.TypeOPT {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n;; %s SECTION:\n", title)
			first = false
		}
		data := strings.TrimPrefix(rr.String(), h.String())
		b.WriteString(columns(h.Name, fmt.Sprint(h.Ttl), miekg.ClassToString[h.Class], miekg.TypeToString[h.Rrtype], data) + "\n")
	}
}

// columns sets the fields of a record at dig's tab stops: 24, 32, 40, 48. Empty
// fields are left out.
func columns(name, ttl, class, typ, data string) string {
	var b strings.Builder
	b.WriteString(name)
	at := len(name)
	for _, f := range []struct {
		stop int
		text string
	}{{24, ttl}, {32, class}, {40, typ}, {48, data}} {
		if f.text == "" {
			continue
		}
		if at >= f.stop {
			b.WriteByte(' ')
			at++
		} else {
			for at < f.stop {
				b.WriteByte('\t')
				at += 8 - at%8
			}
		}
		b.WriteString(f.text)
		at += len(f.text)
	}
	return b.String()
}
