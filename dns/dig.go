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

// DigVersion is the version of dig that is printed: the article's.
const DigVersion = "9.9.4-RedHat-9.9.4-61.el7"

// DigOptions say what dig prints around a reply.
type DigOptions struct {
	// Command is the command line after "dig".
	Command string
	// Version is dig's own; empty means DigVersion.
	Version string
	// Server is the name server's address; empty means "10.96.0.10".
	Server string
	// When is the time of the reply, in the zone to be printed.
	When time.Time
	// Elapsed is how long the reply took.
	Elapsed time.Duration
	// Short prints the data of the answers alone (+short).
	Short bool
	// These leave out parts: +nocmd, +nocomments, +noquestion and so on.
	NoCommand, NoComments, NoQuestion, NoAnswer, NoAuthority, NoAdditional, NoStats bool
}

// Dig prints a reply as DiG 9 does. Where a name is too long for the columns,
// fields are one space apart.
func Dig(m *miekg.Msg, o DigOptions) string {
	if o.Version == "" {
		o.Version = DigVersion
	}
	if o.Server == "" {
		o.Server = "10.96.0.10"
	}
	var b strings.Builder
	if o.Short {
		for _, rr := range m.Answer {
			b.WriteString(strings.TrimPrefix(rr.String(), rr.Header().String()) + "\n")
		}
		return b.String()
	}
	if !o.NoCommand {
		fmt.Fprintf(&b, "\n; <<>> DiG %s <<>> %s\n;; global options: +cmd\n", o.Version, o.Command)
	}
	if !o.NoComments {
		b.WriteString(";; Got answer:\n")
		writeHeader(&b, m)
		writeOPT(&b, m)
	}
	if len(m.Question) > 0 && !o.NoQuestion {
		if !o.NoComments {
			b.WriteString(";; QUESTION SECTION:\n")
		}
		for _, q := range m.Question {
			b.WriteString(";" + columns(q.Name, "", miekg.ClassToString[q.Qclass], miekg.TypeToString[q.Qtype], "") + "\n")
		}
	}
	for _, section := range []struct {
		title   string
		records []miekg.RR
		left    bool
	}{{"ANSWER", m.Answer, o.NoAnswer}, {"AUTHORITY", m.Ns, o.NoAuthority}, {"ADDITIONAL", m.Extra, o.NoAdditional}} {
		if !section.left {
			writeSection(&b, section.title, section.records, !o.NoComments)
		}
	}
	if o.NoStats {
		return b.String()
	}
	fmt.Fprintf(&b, "\n;; Query time: %d msec\n", o.Elapsed.Milliseconds())
	fmt.Fprintf(&b, ";; SERVER: %s(%s)\n", strings.Replace(net.JoinHostPort(o.Server, "53"), ":53", "#53", 1), o.Server)
	fmt.Fprintf(&b, ";; WHEN: %s\n", o.When.Format("Mon Jan 02 15:04:05 MST 2006"))
	fmt.Fprintf(&b, ";; MSG SIZE  rcvd: %d\n\n", m.Len())
	return b.String()
}

// writeOPT prints what the reply says of EDNS.
func writeOPT(b *strings.Builder, m *miekg.Msg) {
	opt := m.IsEdns0()
	if opt == nil {
		b.WriteByte('\n')
		return
	}
	b.WriteString("\n;; OPT PSEUDOSECTION:\n")
	flags := ""
	if opt.Do() {
		flags = " do"
	}
	fmt.Fprintf(b, "; EDNS: version: %d, flags:%s; udp: %d\n", opt.Version(), flags, opt.UDPSize())
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
// record, after an empty line and the title if there is to be one.
func writeSection(b *strings.Builder, title string, records []miekg.RR, titled bool) {
	first := true
	for _, rr := range records {
		h := rr.Header()
		if h.Rrtype == miekg.TypeOPT {
			continue
		}
		if first && titled {
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
