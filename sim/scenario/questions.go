package scenario

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// questions are the directives that only look.
var questions = map[string]directive{
	"expect":    {usage: "TYPE/NAME [-n NAMESPACE] STATE …", about: "fails if an object is not as it is said to be; STATE is a word of its STATUS, Ready, NotReady, exists, gone, COLUMN=VALUE or {JSONPATH}=VALUE", do: doExpect},
	"why":       {usage: "TYPE/NAME [-n NAMESPACE]", about: "prints what an object waits for, to the root, and what would end it", do: doWhy},
	"waiting":   {about: "prints what the cluster has not finished", do: doWaiting},
	"processes": {about: "prints which containers run on which nodes, whatever the API says", do: doProcesses},
	"rows":      {usage: "TYPE/NAME [-n NAMESPACE]", about: "prints the rows of an object so far, as kubectl get -w would have", do: doRows},
}

func doWhy(a *arguments) (action, error) {
	o := a.object(0)
	a.end()
	return func(p *player) (string, string, error) { return "", explain(p, o), nil }, nil
}

// explain says why an object is not what it is meant to be.
func explain(p *player, o object) string {
	r := p.cluster.Why(o.kind, o.namespace, o.name)
	if r.IsZero() {
		return o.String() + " waits for nothing\n"
	}
	return strings.Join(r.Lines(), "\n") + "\n"
}

func doWaiting(a *arguments) (action, error) {
	a.end()
	return func(p *player) (string, string, error) {
		var b strings.Builder
		for _, w := range p.cluster.Waiting() {
			fmt.Fprintf(&b, "%s: %s\n", object{kind: w.Kind, namespace: w.Key.Namespace, name: w.Key.Name}, w.Reason)
		}
		if b.Len() == 0 {
			return "", "nothing waits\n", nil
		}
		return "", b.String(), nil
	}, nil
}

func doProcesses(a *arguments) (action, error) {
	a.end()
	return func(p *player) (string, string, error) {
		var b bytes.Buffer
		w := tabwriter.NewWriter(&b, 0, 8, 3, ' ', 0)
		fmt.Fprintln(w, "NODE\tNAMESPACE\tPOD\tCONTAINER\tIMAGE")
		for _, c := range p.cluster.Processes() {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Node, c.Pod.Namespace, c.Pod.Name, c.Container, c.Image)
		}
		if err := w.Flush(); err != nil {
			return "", "", err
		}
		return "", b.String(), nil
	}, nil
}

func doRows(a *arguments) (action, error) {
	o := a.object(0)
	a.end()
	return func(p *player) (string, string, error) {
		w := table.NewWatcher(o.kind, table.Options{})
		var b strings.Builder
		for _, rec := range p.cluster.History() {
			if rec.Kind == o.kind && rec.Key == (apiserver.Key{Namespace: o.namespace, Name: o.name}) {
				b.WriteString(w.Event(rec.Type, rec.Object, apiserver.WallTime(rec.Time)))
			}
		}
		if b.Len() == 0 {
			return "", "", fmt.Errorf("there never was a %s", o)
		}
		return "", b.String(), nil
	}, nil
}

func doExpect(a *arguments) (action, error) {
	e := a.expectation()
	return func(p *player) (string, string, error) { return "", "", e.check(p) }, nil
}
