package shell

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	miekg "github.com/miekg/dns"

	"github.com/statefulsim/statefulsim/dns"
	"github.com/statefulsim/statefulsim/sim"
)

// digUsage is what dig prints after an option that it does not know.
const digUsage = `Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]

Use "dig -h" (or "dig -h | more") for complete list of options
`

// digCall is a command line of dig.
type digCall struct {
	name, server string
	qtype        uint16
	options      dns.DigOptions
	noEDNS       bool
	noRecurse    bool
}

// dig: dig [@SERVER] [-t TYPE] [-x ADDRESS] [-q NAME] NAME [TYPE] [+short] …
func (s *Shell) dig(args []string) Output {
	d, out := parseDig(args)
	if out.Code != 0 {
		return out
	}
	d.options.Command = strings.Join(args, " ")
	if d.server != sim.DNSAddress {
		out := Output{Code: 9}
		out.print("\n; <<>> DiG %s <<>> %s\n;; global options: +cmd\n;; connection timed out; no servers could be reached\n", dns.DigVersion, d.options.Command)
		return out
	}
	s.queries++
	now := s.cluster.Now()
	q := dns.Query(uint16(now.UnixNano()>>20)+uint16(s.queries), d.name, d.qtype)
	if d.noEDNS {
		q.Extra = nil
	}
	q.RecursionDesired = !d.noRecurse
	reply := s.cluster.DNS().Answer(q)
	d.options.Server, d.options.When = d.server, now
	return Output{}.printed(dns.Dig(reply, d.options))
}

func parseDig(args []string) (digCall, Output) {
	d := digCall{qtype: miekg.TypeA, server: sim.DNSAddress}
	typed := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case strings.HasPrefix(arg, "@"):
			d.server = arg[1:]
		case strings.HasPrefix(arg, "+"):
			if !d.plus(arg) {
				return d, Output{Code: 1}.printedErr("Invalid option: " + arg + "\n" + digUsage)
			}
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			flag, value := arg[:2], arg[2:]
			if flag == "-4" && value == "" {
				continue
			}
			if value == "" && strings.Contains("tqxcpb", flag[1:]) {
				if i++; i == len(args) {
					return d, Output{Code: 1}.printedErr("Invalid option: " + arg + "\n" + digUsage)
				}
				value = args[i]
			}
			out, isType := d.dash(flag, value, arg)
			if out.Code != 0 {
				return d, out
			}
			typed = typed || isType
		default:
			if typ, ok := miekg.StringToType[strings.ToUpper(arg)]; ok && !typed && !isClass(arg) {
				d.qtype, typed = typ, true
			} else if !isClass(arg) {
				d.name = arg
			}
		}
	}
	if d.name == "" {
		d.name = "."
		if !typed {
			d.qtype = miekg.TypeNS
		}
	}
	return d, Output{}
}

func isClass(arg string) bool { return strings.EqualFold(arg, "IN") }

// dash takes in an option with a value; it says whether that was the type.
func (d *digCall) dash(flag, value, arg string) (out Output, isType bool) {
	switch flag {
	case "-t":
		typ, ok := miekg.StringToType[strings.ToUpper(value)]
		if !ok {
			out.warn(";; Warning, ignoring invalid type %s\n", value)
			return out, false
		}
		d.qtype = typ
		return out, true
	case "-q":
		d.name = value
	case "-x":
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return Output{Code: 1}.printedErr(fmt.Sprintf("Invalid IP address %s\n", value)), false
		}
		d.name, _ = miekg.ReverseAddr(addr.String()) // it is an address
		d.qtype = miekg.TypePTR
		return out, true
	case "-c":
		if !isClass(value) {
			return failure("dig: class %s is not modelled here", value), false
		}
	case "-p":
		if value != "53" {
			return Output{Code: 9}.printed(";; connection timed out; no servers could be reached\n"), false
		}
	default:
		return Output{Code: 1}.printedErr("Invalid option: " + arg + "\n" + digUsage), false
	}
	return out, false
}

// plus takes in a query option, "+short" or "+noall".
func (d *digCall) plus(arg string) bool {
	name, on := strings.CutPrefix(arg[1:], "no")
	on = !on
	o := &d.options
	all := []*bool{&o.NoCommand, &o.NoComments, &o.NoQuestion, &o.NoAnswer, &o.NoAuthority, &o.NoAdditional, &o.NoStats}
	switch name {
	case "all":
		for _, part := range all {
			*part = !on
		}
	case "short":
		o.Short = on
	case "cmd":
		o.NoCommand = !on
	case "comments":
		o.NoComments = !on
	case "question":
		o.NoQuestion = !on
	case "answer":
		o.NoAnswer = !on
	case "authority":
		o.NoAuthority = !on
	case "additional":
		o.NoAdditional = !on
	case "stats":
		o.NoStats = !on
	case "edns":
		d.noEDNS = !on
	case "recurse", "rec":
		d.noRecurse = !on
	case "tcp", "vc": // the reply is the same, but for a size that no reply here reaches
	default:
		key, _, _ := strings.Cut(name, "=")
		return slices.Contains([]string{"time", "tries", "retry"}, key) // nothing is lost here
	}
	return true
}

// curl: curl [-s] [-S] [-v is not modelled] URL …
func (s *Shell) curl(args []string) Output {
	var urls []string
	silent, showErrors, fails := false, false, false
	for i, arg := range args {
		switch {
		case arg == "--":
			urls = append(urls, args[i+1:]...)
		case arg == "--silent":
			silent = true
		case arg == "--show-error":
			showErrors = true
		case arg == "--fail":
			fails = true
		case strings.HasPrefix(arg, "--"):
			return Output{Code: 2}.printedErr(fmt.Sprintf("curl: option %s: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n", arg))
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			for _, ch := range arg[1:] {
				switch ch {
				case 's':
					silent = true
				case 'S':
					showErrors = true
				case 'f':
					fails = true
				default:
					return Output{Code: 2}.printedErr(fmt.Sprintf("curl: option -%c: is not modelled here\ncurl: try 'curl --help' or 'curl --manual' for more information\n", ch))
				}
			}
		default:
			urls = append(urls, arg)
		}
	}
	if len(urls) == 0 {
		return Output{Code: 2}.printedErr("curl: try 'curl --help' or 'curl --manual' for more information\n")
	}
	var out Output
	for _, url := range urls {
		status, body, err := s.cluster.HTTP(url)
		switch {
		case err != nil:
			out.Code = curlCode(err)
			if !silent || showErrors {
				out.warn("%v\n", err)
			}
		case fails && status >= 400:
			out.Code = 22
			if !silent || showErrors {
				out.warn("curl: (22) The requested URL returned error: %d\n", status)
			}
		default:
			out.print("%s", body)
		}
	}
	return out
}

// curlCode is the number in curl's words, which is its exit code.
func curlCode(err error) int {
	code := 1
	_, _ = fmt.Sscanf(err.Error(), "curl: (%d)", &code) // 1 if there is none
	return code
}

// nslookup: nslookup outside of a pod, which has no search path here.
func (s *Shell) nslookup([]string) Output {
	return failure("nslookup: outside of a pod it is not modelled here; use dig, or kubectl exec POD -- nslookup NAME")
}
