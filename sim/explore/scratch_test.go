package explore_test

import (
	"testing"
	"time"
	"os"
	"fmt"

	"github.com/statefulsim/statefulsim/sim/explore"
)

func TestScratch(t *testing.T) {
	k := ordered
	if os.Getenv("W") == "p" { k = parallel }
	d, _ := time.ParseDuration(os.Getenv("T"))
	r, err := k.Histories(explore.Hunt{Seed: 1, Time: d, Workers: 1})
	fmt.Println(r, r.Time, err)
	for _, f := range r.Failures { fmt.Println(f.Histories, f.Time, f.Kind) }
}
