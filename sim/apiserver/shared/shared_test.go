package shared_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// Example compares a map with itself and with a copy.
func Example() {
	labels := map[string]string{"app": "web"}
	copied := maps.Clone(labels)
	fmt.Println(shared.Map(labels, labels), shared.Map(labels, copied), shared.Equal(labels, copied))
	// Output: true false true
}

func TestMap(t *testing.T) {
	var none map[string]int
	assert.True(t, shared.Map(none, nil))
	assert.False(t, shared.Map(none, map[string]int{}))
	assert.True(t, shared.Equal(none, map[string]int{}))
	assert.False(t, shared.Equal(none, map[string]int{"a": 0}))
	assert.False(t, shared.Equal(map[string]int{"a": 1}, map[string]int{"a": 2}))
	odd := map[string]float64{"a": math.NaN()}
	assert.True(t, shared.Equal(odd, odd), "one map is equal to itself, whatever is in it")
}

func TestList(t *testing.T) {
	list := []int{1, 2, 3}
	assert.True(t, shared.List(list, list))
	assert.True(t, shared.List(list[:0], nil))
	assert.False(t, shared.List(list, slices.Clone(list)))
	assert.False(t, shared.List(list, list[:2]))
	assert.False(t, shared.List(list[:2], list[1:]))
}
