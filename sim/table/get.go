package table

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Options are the flags of kubectl get. The zero value is kubectl's default.
type Options struct {
	Wide          bool // -o wide
	AllNamespaces bool // -A: a column NAMESPACE, unless the kind has none
	NoHeaders     bool // --no-headers
	ShowKind      bool // --show-kind; several kinds show it always
	ShowLabels    bool // --show-labels
	// LabelColumns are the keys of labels that get a column each (-L).
	LabelColumns []string
	// WatchEvents adds the column EVENT (--output-watch-events). For a Watcher
	// alone.
	WatchEvents bool
	// Namespace is named when nothing was found; empty means "default".
	Namespace string
}

// Group is what one resource argument of kubectl get finds: objects of a kind,
// perhaps none.
type Group struct {
	Kind    apiserver.Kind
	Objects []apiserver.Object
}

// Get returns what kubectl get prints of the groups at now: each kind's table
// fitted to all its rows, kinds that have rows parted by an empty line, and
// names with their kind if several kinds were asked for. Groups of one kind
// that follow each other (`kubectl get pod/a pod/b`) are one table. If there
// are no rows, stdout is empty and stderr says so.
func Get(groups []Group, now time.Time, opt Options) (stdout, stderr string) {
	opt.WatchEvents = false
	severalKinds := hasSeveralKinds(groups)
	namespacedOnly := !opt.AllNamespaces
	var out strings.Builder
	for i := 0; i < len(groups); {
		kind := groups[i].Kind
		objs := groups[i].Objects
		for i++; i < len(groups) && groups[i].Kind == kind; i++ {
			objs = append(objs[:len(objs):len(objs)], groups[i].Objects...)
		}
		namespacedOnly = namespacedOnly && kind.Namespaced()
		p := newPrinter(kind, opt)
		p.withKind = p.withKind || severalKinds
		p.withNamespace = p.withNamespace && kind.Namespaced()
		text := p.print(New(kind, objs, now).Rows, "")
		if text != "" && out.Len() > 0 && !opt.NoHeaders {
			out.WriteByte('\n')
		}
		out.WriteString(text)
	}
	if out.Len() > 0 {
		return out.String(), ""
	}
	if !namespacedOnly {
		return "", "No resources found\n"
	}
	namespace := opt.Namespace
	if namespace == "" {
		namespace = "default"
	}
	return "", fmt.Sprintf("No resources found in %s namespace.\n", namespace)
}

func hasSeveralKinds(groups []Group) bool {
	for i := range groups {
		if groups[i].Kind != groups[0].Kind {
			return true
		}
	}
	return false
}

// printer lays out rows of one kind, the heading before the first.
type printer struct {
	kind          apiserver.Kind
	opt           Options
	withKind      bool
	withNamespace bool
	headed        bool
	widths        widths
}

func newPrinter(kind apiserver.Kind, opt Options) printer {
	return printer{kind: kind, opt: opt, withKind: opt.ShowKind, withNamespace: opt.AllNamespaces}
}

// chunk is how many objects kubectl asks for at a time (--chunk-size). It fits
// the columns to each chunk: a longer cell after so many rows shifts only the
// rows of its own chunk and those after it.
const chunk = 500

// print returns the lines of rows, with the heading if it was not printed yet.
// No rows print nothing, not even the heading. Event is the cell EVENT.
func (p *printer) print(rows []Row, event string) string {
	var out strings.Builder
	for part := range slices.Chunk(rows, chunk) {
		var heading []string
		if !p.headed && !p.opt.NoHeaders {
			heading = p.heading()
		}
		p.headed = true
		lines := make([][]string, len(part))
		for i := range part {
			lines[i] = p.line(&part[i], event)
		}
		p.widths.write(&out, heading, lines)
	}
	return out.String()
}

func (p *printer) heading() []string {
	var h []string
	if p.opt.WatchEvents {
		h = append(h, "EVENT")
	}
	if p.withNamespace {
		h = append(h, "NAMESPACE")
	}
	for _, c := range Columns(p.kind) {
		if !c.Wide || p.opt.Wide {
			h = append(h, strings.ToUpper(c.Name))
		}
	}
	for _, key := range p.opt.LabelColumns {
		h = append(h, strings.ToUpper(key[strings.LastIndexByte(key, '/')+1:]))
	}
	if p.opt.ShowLabels {
		h = append(h, "LABELS")
	}
	return h
}

func (p *printer) line(row *Row, event string) []string {
	columns := Columns(p.kind)
	line := make([]string, 0, len(columns)+4)
	if p.opt.WatchEvents {
		line = append(line, fmt.Sprintf("%-8s", event))
	}
	if p.withNamespace {
		line = append(line, row.Object.GetNamespace())
	}
	for i, c := range columns {
		switch {
		case c.Wide && !p.opt.Wide:
		case c.named && p.withKind:
			line = append(line, p.kind.Qualified()+"/"+row.Cells[i])
		default:
			line = append(line, row.Cells[i])
		}
	}
	for _, key := range p.opt.LabelColumns {
		line = append(line, row.Object.GetLabels()[key])
	}
	if p.opt.ShowLabels {
		line = append(line, labels.FormatLabels(row.Object.GetLabels()))
	}
	return line
}
