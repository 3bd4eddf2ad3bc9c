package queue_test

import (
	"fmt"
	"time"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
)

func Example() {
	q := queue.New()
	q.Add(0, pod("a", 0))
	q.Add(0, pod("urgent", 100))

	e := q.Pop(0)
	fmt.Println("first", e.Key)
	e.Rejectors = plugin.SetOf(plugin.NodeResourcesFit)
	q.Retry(0, e) // it did not fit
	fmt.Println("next", q.Pop(0).Key)
	fmt.Println("anything else?", q.Ready(at(time.Minute)))
	q.Wake(at(time.Minute), e) // a node was added
	fmt.Println("again", q.Pop(at(time.Minute)).Key)
	// Output:
	// first ns/urgent
	// next ns/a
	// anything else? false
	// again ns/urgent
}
