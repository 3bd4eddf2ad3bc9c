package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// Operation is one thing that somebody does to a cluster, or that befalls it:
// plain data, which prints as one line and is parsed from it.
//
//	scale 3                            sets the replicas
//	image web:2                        sets the image; web:bad never gets ready
//	partition 1                        sets RollingUpdate with this partition
//	strategy OnDelete                  or RollingUpdate, or: strategy RollingUpdate bare
//	delete-pod web-1                   or: delete-pod web-1 force
//	delete-claim data-web-1
//	delete-set background              or foreground, or orphan
//	create-set                         creates the set again, if it is gone
//	cordon node-1                      and uncordon node-1
//	crash node-1                       and restart node-1
//	hold scheduler Pod 2s              a late view
//	fail kubelet Patch Pod 2 timeout   failed requests; or conflict, or internal
//	wait 5s                            lets time pass
type Operation struct {
	Do   string
	Args []string
}

// String returns the operation as a line.
func (o Operation) String() string { return strings.Join(append([]string{o.Do}, o.Args...), " ") }

// ParseOperation is the inverse of String.
func ParseOperation(line string) (Operation, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Operation{}, fmt.Errorf("no operation in %q", line)
	}
	k := kindOf(words[0])
	if k == nil {
		return Operation{}, fmt.Errorf("unknown operation %q; there are %s", words[0], strings.Join(Operations(), ", "))
	}
	o := Operation{Do: words[0]}
	if len(words) > 1 {
		o.Args = words[1:]
	}
	if n := len(o.Args); n < k.least || n > len(k.args) {
		return Operation{}, fmt.Errorf("%q: want %s %s", line, k.name, strings.Join(k.usage(), " "))
	}
	for i, arg := range o.Args {
		if err := k.args[i].check(arg); err != nil {
			return Operation{}, fmt.Errorf("%q: %s: %w", line, k.args[i].name, err)
		}
	}
	return o, nil
}

// Operations lists the names of all operations, sorted.
func Operations() []string {
	names := make([]string, len(operations))
	for i := range operations {
		names[i] = operations[i].name
	}
	return names
}

// operation is a kind of operation.
type operation struct {
	name  string
	args  []argument
	least int // how many arguments must be there
	do    func(r *run, args []string) error
}

func kindOf(name string) *operation {
	i, ok := slices.BinarySearchFunc(operations, name, func(k operation, name string) int { return strings.Compare(k.name, name) })
	if !ok {
		return nil
	}
	return &operations[i]
}

func (k *operation) usage() []string {
	words := make([]string, len(k.args))
	for i, a := range k.args {
		if words[i] = "<" + a.name + ">"; i >= k.least {
			words[i] = "[" + words[i] + "]"
		}
	}
	return words
}

// draw makes an operation of this kind.
func (k *operation) draw(t *rapid.T) Operation {
	o := Operation{Do: k.name}
	for i, a := range k.args {
		if i >= k.least && !rapid.Bool().Draw(t, "with "+a.name) {
			break
		}
		o.Args = append(o.Args, a.some[pick(t, a.name, len(a.some))])
	}
	return o
}

// pick draws a number below n, each about as often: rapid's own integers are
// mostly small, and most operations would never be drawn.
func pick(t *rapid.T, what string, n int) int {
	v := 0
	for most := 1; most < 2*n; most *= 2 {
		v *= 2
		if rapid.Bool().Draw(t, what) {
			v++
		}
	}
	return v % n
}

// argument is what an operation can be given: drawn from some, and checked when
// it is parsed.
type argument struct {
	name  string
	some  []string // the simplest first: draws shrink towards it
	check func(string) error
}

// oneOf is an argument with just these values.
func oneOf(name string, values ...string) argument {
	return argument{name, values, func(s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(values, ", "))
		}
		return nil
	}}
}

// number is a count up to a bound that is drawn; any count can be written.
func number(name string, least, most int) argument {
	var some []string
	for i := least; i <= most; i++ {
		some = append(some, strconv.Itoa(i))
	}
	return argument{name, some, func(s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < least || n > 1000 {
			return fmt.Errorf("%q is no number from %d to 1000", s, least)
		}
		return nil
	}}
}

// free is an argument that the cluster itself will judge.
func free(name string, some ...string) argument {
	return argument{name, some, func(string) error { return nil }}
}
