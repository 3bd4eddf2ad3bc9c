package plugin

import "fmt"

func Example() {
	c := NewCluster()
	c.SetNode(testNode("small", ""))
	c.SetNode(testNode("big", ""))
	c.AddPod(NewPod(testPod("there", "small", requests("3", "1Gi"))))

	cycle := NewCycle(c, nothing{}, NewPod(testPod("web-0", "", requests("2", "1Gi"))))
	fmt.Println("prefilter:", cycle.PreFilter().OK())
	for _, n := range c.Nodes() {
		fmt.Printf("%s: %q\n", n.Name(), cycle.Filter(n).Message())
	}
	// Output:
	// prefilter: true
	// small: "Insufficient cpu"
	// big: ""
}
