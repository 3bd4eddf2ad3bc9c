package client_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/client"
	"github.com/statefulsim/statefulsim/sim/serve"
)

// BenchmarkRequests measures what a clientset waits for: a get, a list of 1,000,
// a creation, and a change until a watch has it; in process, and over HTTP.
func BenchmarkRequests(b *testing.B) {
	for _, over := range []string{"process", "http"} {
		b.Run(over, func(b *testing.B) {
			cl := client.New(sim.New(sim.Config{History: -1}))
			defer cl.Close()
			cl.Server().SetPace(serve.Paused)
			cfg := cl.Config()
			if over == "http" {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(b, err)
				server := &http.Server{Handler: cl.Server()}
				go server.Serve(l)
				defer server.Close()
				cfg = &rest.Config{Host: "http://" + l.Addr().String(), QPS: -1}
			}
			set, err := kubernetes.NewForConfig(cfg)
			require.NoError(b, err)
			requests(b, set)
		})
	}
}

func requests(b *testing.B, set kubernetes.Interface) {
	maps := set.CoreV1().ConfigMaps("kube-public")
	next := 0
	create := func(b *testing.B) {
		next++
		_, err := maps.Create(b.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("m-%d", next)}, Data: map[string]string{"a": "b"}}, metav1.CreateOptions{})
		require.NoError(b, err)
	}
	for range 1000 {
		create(b)
	}
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, err := maps.Get(b.Context(), "m-1", metav1.GetOptions{})
			require.NoError(b, err)
		}
	})
	b.Run("list1000", func(b *testing.B) {
		for b.Loop() {
			list, err := maps.List(b.Context(), metav1.ListOptions{Limit: 1000})
			require.NoError(b, err)
			require.Len(b, list.Items, 1000)
		}
	})
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			create(b)
		}
	})
	b.Run("watch", func(b *testing.B) {
		list, err := maps.List(b.Context(), metav1.ListOptions{Limit: 1})
		require.NoError(b, err)
		w, err := maps.Watch(b.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
		require.NoError(b, err)
		defer w.Stop()
		for b.Loop() {
			create(b)
			<-w.ResultChan()
		}
	})
}
