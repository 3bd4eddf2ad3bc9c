package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// transport has a handler answer requests, in a goroutine for each. A body is
// handed over piece by piece: who writes it waits for who reads it.
type transport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	from, to := io.Pipe()
	w := &writer{header: http.Header{}, body: to, begun: make(chan struct{})}
	own := r.Clone(ctx)
	own.RequestURI = r.URL.RequestURI()
	if own.Host == "" {
		own.Host = r.URL.Host
	}
	if own.Body == nil {
		own.Body = http.NoBody
	}
	go func() {
		defer own.Body.Close()
		defer func() {
			if p := recover(); p != nil { // as of a server that goes down
				to.CloseWithError(fmt.Errorf("the simulated server panicked: %v", p))
			}
			w.begin(http.StatusInternalServerError)
			to.Close()
		}()
		t.handler.ServeHTTP(w, own)
		w.begin(http.StatusOK)
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		cancel()
		from.CloseWithError(context.Cause(ctx))
		return nil, context.Cause(r.Context())
	}
	// The reader need not close a body of which he has read all; one that he leaves
	// ends with the request's context.
	stop := context.AfterFunc(ctx, func() { from.CloseWithError(context.Cause(ctx)) })
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.code, http.StatusText(w.code)), StatusCode: w.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: -1, Request: r, Body: &body{from, func() { stop(); cancel() }},
	}, nil
}

// body is what the client reads. Closing it tells the server that nobody does any
// more.
type body struct {
	*io.PipeReader
	leave func()
}

func (b *body) Close() error {
	b.leave()
	return b.PipeReader.Close()
}

// writer is the server's end.
type writer struct {
	header, sent http.Header
	body         *io.PipeWriter
	once         sync.Once
	begun        chan struct{}
	code         int
}

func (w *writer) begin(code int) {
	w.once.Do(func() {
		w.code, w.sent = code, w.header.Clone()
		close(w.begun)
	})
}

// Header implements http.ResponseWriter, WriteHeader, Write and Flush too.
func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(code int) { w.begin(code) }

func (w *writer) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	return w.body.Write(p)
}

func (w *writer) Flush() { w.begin(http.StatusOK) }
