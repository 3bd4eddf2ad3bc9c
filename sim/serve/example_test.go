package serve_test

import (
	"bufio"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/serve"
)

// A cluster is a http.Handler. Here its clock stands still, and is moved by hand.
func Example() {
	s := serve.New(sim.New(sim.Config{}), serve.Config{Pace: serve.Paused})
	defer s.Close()

	post := httptest.NewRequest("POST", "http://localhost/api/v1/namespaces/default/pods", strings.NewReader(
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"nginx","image":"nginx"}]}}`))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, post)
	fmt.Println(w.Code)

	s.Do(func(c *sim.Cluster) { _, _ = c.Settle() })
	get := httptest.NewRequest("GET", "http://localhost/api/v1/namespaces/default/pods/web", nil)
	get.Header.Set("Accept", "application/yaml")
	w = httptest.NewRecorder()
	s.ServeHTTP(w, get)
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "  phase:") {
			fmt.Println(strings.TrimSpace(lines.Text()))
		}
	}
	// Output:
	// 201
	// phase: Running
}
