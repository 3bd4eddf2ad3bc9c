package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/statefulsim/statefulsim/sim"
	simclient "github.com/statefulsim/statefulsim/sim/client"
	"github.com/statefulsim/statefulsim/sim/customresource"
)

// running is an operator at work.
type running struct {
	t *testing.T
	client.Client
	cluster *simclient.Client
}

// start runs the operator against a cluster of three nodes until the test ends.
func start(t *testing.T) *running {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}, {Name: "node-3"}}, CustomResources: customresource.New()})
	_, err := c.Apply(definition)
	require.NoError(t, err)
	cl := simclient.New(c)
	m, err := operator(cl.Config())
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
		cl.Close()
	})
	direct, err := client.New(cl.Config(), client.Options{Scheme: m.GetScheme()})
	require.NoError(t, err)
	return &running{t, direct, cl}
}

var users = types.NamespacedName{Namespace: "default", Name: "users"}

func (r *running) database() *Database {
	var db Database
	require.NoError(r.t, r.Get(context.Background(), users, &db))
	return &db
}

func (r *running) create(db *Database) *Database {
	db.Namespace, db.Name = users.Namespace, users.Name
	require.NoError(r.t, r.Create(context.Background(), db))
	return db
}

// until waits for something, by the cluster's clock: it costs nothing.
func (r *running) until(what string, is func(*Database) bool) {
	r.t.Helper()
	for range 600 {
		if is(r.database()) {
			return
		}
		time.Sleep(time.Second)
	}
	require.Fail(r.t, "in ten minutes there was not "+what)
}

func isReady(n int32) func(*Database) bool {
	return func(db *Database) bool { return db.Status.Ready == n }
}

// An operator's life: its resource is created, a node crashes, the image changes, hours
// pass, and the resource goes with all that it owns.
func TestOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		ctx := context.Background()
		db := r.create(&Database{Spec: DatabaseSpec{Image: "postgres:17"}})
		assert.EqualValues(t, 3, db.Spec.Replicas, "by the definition's default")
		r.until("a complete database", isReady(3))

		node := ""
		r.cluster.Do(func(c *sim.Cluster) {
			pod, err := sim.Get[*corev1.Pod](c, "", "users-1")
			require.NoError(t, err)
			node = pod.Spec.NodeName
			require.NoError(t, c.CrashNode(node))
		})
		r.until("a member less", isReady(2))
		r.cluster.Do(func(c *sim.Cluster) { require.NoError(t, c.RestartNode(node)) })
		r.until("a complete database again", isReady(3))

		db = r.database()
		db.Spec.Image = "postgres:18"
		require.NoError(t, r.Update(ctx, db))
		r.until("the new image everywhere", func(*Database) bool {
			var pods corev1.PodList
			require.NoError(t, r.List(ctx, &pods, client.MatchingLabels{"database": "users"}))
			updated := 0
			for _, pod := range pods.Items {
				if pod.Spec.Containers[0].Image == "postgres:18" && pod.Status.Phase == corev1.PodRunning {
					updated++
				}
			}
			return updated == 3
		})

		first := r.database().Status.LastBackup
		require.NotNil(t, first)
		time.Sleep(10*time.Hour + time.Minute)
		last := r.database().Status.LastBackup
		assert.GreaterOrEqual(t, last.Sub(first.Time), 9*time.Hour)
		assert.LessOrEqual(t, time.Since(last.Time), backupEvery)

		require.NoError(t, r.Delete(ctx, r.database()))
		time.Sleep(5 * time.Minute)
		assert.True(t, apierrors.IsNotFound(r.Get(ctx, users, &appsv1.StatefulSet{})), "the StatefulSet went with its owner")
		assert.True(t, apierrors.IsNotFound(r.Get(ctx, users, &corev1.Service{})))
	})
}

// What the definition's rules forbid is refused with the words that they have.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		err := r.Create(context.Background(), &Database{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "even"}, Spec: DatabaseSpec{Image: "postgres:17", Replicas: 2}})
		assert.EqualError(t, err, `Database.example.com "even" is invalid: spec: Invalid value: a majority needs an odd number of replicas`)
	})
}
