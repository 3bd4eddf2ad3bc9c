package state_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/state"
)

// An actor needs no code of its own to be forked.
func Example() {
	type counter struct {
		seen map[string]int
		Last *corev1.Pod // of another module: shared
	}
	o := state.NewOwner()
	a := state.NewBox(o, counter{seen: map[string]int{"web-0": 1}})
	b := a.Fork(o.Fork())
	b.Write().seen["web-0"]++
	fmt.Println(a.Read().seen, b.Read().seen)
	// Output:
	// map[web-0:1] map[web-0:2]
}

type leaf struct {
	_    state.Immutable
	text string
}

type node struct {
	name  string
	up    *node
	kids  []*node
	index map[string]*node
	back  map[*node]int
}

type everything struct {
	tree    *node
	leaf    *leaf
	any     any
	pair    [2][]int
	deep    map[string]map[int][]string
	replace []string            `state:"immutable"`
	lists   map[string][]string `state:"elements"`
	history []int               `state:"log"`
	memory  []byte              `state:"scratch"`
	given   state.Sole
	box     state.Box[map[string]int]
	list    state.List[[]int]
	cache   state.Cache[int]
	owner   *state.Owner
	f       func()
	pod     *corev1.Pod
	labels  map[string]string
}

func aTree() *node {
	root := &node{name: "root", index: map[string]*node{}, back: map[*node]int{}}
	kid := &node{name: "kid", up: root}
	root.kids, root.index["kid"] = []*node{kid}, kid
	root.back[kid] = 1
	return root
}

func full(o *state.Owner) *everything {
	e := &everything{
		tree: aTree(), leaf: &leaf{text: "x"}, any: &node{name: "in an interface"}, pair: [2][]int{{1}, {2}},
		deep: map[string]map[int][]string{"a": {1: {"b"}}}, replace: []string{"r"}, lists: map[string][]string{"l": {"m"}},
		history: append(make([]int, 0, 8), 1), memory: []byte("scratch"), given: true,
		box: state.NewBox(o, map[string]int{"a": 1}), list: state.NewList[[]int](o, 2),
		f: func() {}, pod: &corev1.Pod{}, labels: map[string]string{"a": "b"}, owner: o,
	}
	e.cache.Set(new(int))
	return e
}

func TestCopy(t *testing.T) {
	o := state.NewOwner()
	a := full(o)
	f := o.Fork()
	b := state.Copy(f, a)
	assert.Empty(t, state.Shared(a, b))
	assert.Equal(t, a.deep, b.deep)
	assert.Same(t, a.leaf, b.leaf)
	assert.Same(t, a.pod, b.pod)
	assert.Same(t, &a.replace[0], &b.replace[0])
	assert.Same(t, &a.lists["l"][0], &b.lists["l"][0])
	assert.Nil(t, b.memory)
	assert.Nil(t, b.cache.Get())
	assert.False(t, bool(b.given))
	assert.True(t, bool(a.given), "a copy costs the original nothing")
	assert.Same(t, f, b.owner)

	kid := b.tree.kids[0]
	assert.NotSame(t, a.tree.kids[0], kid)
	assert.Same(t, b.tree, kid.up, "what refers to one thing refers to one copy")
	assert.Same(t, kid, b.tree.index["kid"])
	assert.Equal(t, map[*node]int{kid: 1}, b.tree.back)

	a.history, b.history = append(a.history, 2), append(b.history, 3)
	assert.Equal(t, []int{1, 2}, a.history)
	assert.Equal(t, []int{1, 3}, b.history)
	a.deep["a"][1][0], a.any.(*node).name, a.labels["a"] = "changed", "changed", "changed"
	assert.Equal(t, "b", b.deep["a"][1][0])
	assert.Equal(t, "in an interface", b.any.(*node).name)
	assert.Equal(t, "b", b.labels["a"])
}

// TestShared: what is not declared and yet shared is found, wherever it is.
func TestShared(t *testing.T) {
	for name, spoil := range map[string]func(a, b *everything){
		"pointer":   func(a, b *everything) { b.tree.kids[0].up = a.tree },
		"list":      func(a, b *everything) { b.pair[1] = a.pair[1] },
		"part":      func(a, b *everything) { a.pair[0] = make([]int, 9); b.pair[0] = a.pair[0][4:] },
		"map":       func(a, b *everything) { b.deep["a"] = a.deep["a"] },
		"interface": func(a, b *everything) { b.any = a.any },
		"log":       func(a, b *everything) { b.history = a.history },
		"elements":  func(a, b *everything) { b.lists = a.lists },
		"box":       func(a, b *everything) { b.box = state.NewBox(nil, *a.box.Write()) },
	} {
		o := state.NewOwner()
		a := full(o)
		b := state.Copy(o.Fork(), a)
		require.Empty(t, state.Shared(a, b))
		spoil(a, b)
		assert.NotEmpty(t, state.Shared(a, b), name)
	}
}

func TestUnknownTag(t *testing.T) {
	type wrong struct {
		List []int `state:"imutable"`
	}
	assert.Panics(t, func() { state.Copy(nil, wrong{}) })
	assert.Panics(t, func() { state.Copy(nil, make(chan int)) })
}

// TestBox: boxes that fork and are written to in any order are as copies that are
// made at once.
func TestBox(t *testing.T) {
	type world struct {
		owner *state.Owner
		box   state.Box[map[int]int]
		list  state.List[[]int]
		want  map[int]int
		wants []int
	}
	o := state.NewOwner()
	first := world{owner: o, box: state.NewBox(o, map[int]int{}), list: state.NewList[[]int](o, 3), want: map[int]int{}, wants: []int{0, 0, 0}}
	worlds := []*world{&first}
	seed := uint64(1)
	next := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	for range 20000 {
		i := next(len(worlds))
		w := worlds[i]
		switch next(8) {
		case 0:
			if len(worlds) < 9 {
				f := state.Copy(w.owner.Fork(), *w)
				worlds = append(worlds, &f)
			}
		case 1:
			if len(worlds) > 1 {
				worlds[i] = worlds[len(worlds)-1]
				worlds = worlds[:len(worlds)-1]
			}
		case 2:
			if next(50) == 0 {
				runtime.GC() // some of those dropped are known to be
			}
		case 3, 4:
			k := next(3)
			*w.list.Write(k) = append(*w.list.Write(k), 1)
			w.wants[k]++
		default:
			k := next(9)
			(*w.box.Write())[k]++
			w.want[k]++
		}
		for _, w := range worlds {
			require.Equal(t, w.want, *w.box.Read())
			for k := range w.wants {
				require.Len(t, *w.list.Read(k), w.wants[k])
			}
		}
	}
}

// TestDroppedForks cost their original nothing, nor does one that has copied what
// it needed cost anybody twice.
func TestDroppedForks(t *testing.T) {
	o := state.NewOwner()
	b := state.NewBox(o, make(map[int]int, 100))
	before := *b.Write()
	for range 3 {
		f := b.Fork(o.Fork())
		(*f.Write())[1] = 1
	}
	runtime.GC()
	runtime.GC()
	after := *b.Write()
	before[7] = 7
	assert.Equal(t, 7, after[7], "it was copied for a fork that nobody has")

	f := b.Fork(o.Fork())
	(*b.Write())[8] = 8
	before[9] = 9
	assert.NotContains(t, *b.Read(), 9, "it was changed under a fork")
	assert.Equal(t, 9, (*f.Read())[9])
	runtime.KeepAlive(f)
}

// TestForksSideBySide: clusters are independent, so forks may run at once.
func TestForksSideBySide(t *testing.T) {
	o := state.NewOwner()
	a := full(o)
	var group sync.WaitGroup
	for range 8 {
		f := state.Copy(o.Fork(), a)
		group.Go(func() {
			for i := range 100 {
				(*f.box.Write())["a"] = i
				*f.list.Write(1) = append(*f.list.Write(1), i)
				g := state.Copy(f.owner.Fork(), f)
				(*g.box.Write())["b"] = i
				_ = *a.list.Read(0)
			}
		})
	}
	group.Wait()
	assert.Equal(t, map[string]int{"a": 1}, *a.box.Read())
}
