package client

import (
	"bytes"
	"runtime"
	"time"

	"k8s.io/client-go/rest"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/serve"
)

// Client serves a cluster to clients of this process.
type Client struct {
	server *serve.Server
}

// New begins to serve a cluster, which belongs to the Client until Close. In a
// bubble of testing/synctest both clocks are set to the later of the two: the
// bubble's begins in the year 2000, the cluster's in 2026.
func New(c *sim.Cluster) *Client {
	pace := serve.Eager
	if inBubble() {
		pace = serve.RealTime
		if ahead := time.Until(c.Now()); ahead > 0 {
			time.Sleep(ahead)
		}
	}
	cl := &Client{server: serve.New(c, serve.Config{Pace: pace})}
	if behind := time.Since(c.Now()); pace == serve.RealTime && behind > 0 {
		cl.Do(func(c *sim.Cluster) { _ = c.Run(behind) }) // a limit that it comes to is told by every later run
	}
	return cl
}

// inBubble reports whether the calling goroutine is in a bubble of
// testing/synctest: the head of its stack says so.
func inBubble() bool {
	head := make([]byte, 128)
	head = head[:runtime.Stack(head, false)]
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.Contains(line, []byte("synctest bubble"))
}

// Close ends all watches and gives the cluster back.
func (cl *Client) Close() { cl.server.Close() }

// Do calls f with the cluster, which meanwhile stands still for all clients: to
// crash a node, say, or to look at what runs.
func (cl *Client) Do(f func(*sim.Cluster)) { cl.server.Do(f) }

// Server is the server behind it, for a listener beside.
func (cl *Client) Server() *serve.Server { return cl.server }

// Config returns what clients are made of. It is the caller's own.
func (cl *Client) Config() *rest.Config {
	return &rest.Config{Host: "http://localhost", Transport: &transport{cl.server}, QPS: -1}
}
