package main

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// reconciler makes of every Database a StatefulSet with its Service, and takes a backup
// every hour as long as a majority of the members is ready.
type reconciler struct{ client.Client }

const backupEvery = time.Hour

// start adds the reconciler to a manager.
func (r *reconciler) start(m ctrl.Manager) error {
	yes := true
	return ctrl.NewControllerManagedBy(m).For(&Database{}).Owns(&appsv1.StatefulSet{}).Owns(&corev1.Service{}).
		WithOptions(controller.Options{SkipNameValidation: &yes}).Complete(r)
}

// Reconcile implements reconcile.Reconciler.
func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var db Database
	if err := r.Get(ctx, req.NamespacedName, &db); err != nil || db.DeletionTimestamp != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err) // what it owns goes with it
	}
	if err := r.service(ctx, &db); err != nil {
		return ctrl.Result{}, err
	}
	set, err := r.set(ctx, &db)
	if err != nil {
		return ctrl.Result{}, err
	}
	status := DatabaseStatus{Ready: set.Status.ReadyReplicas, LastBackup: db.Status.LastBackup}
	var next time.Duration
	if status.Ready > db.Spec.Replicas/2 {
		now := time.Now().Truncate(time.Second)
		if status.LastBackup == nil || now.Sub(status.LastBackup.Time) >= backupEvery {
			status.LastBackup = &metav1.Time{Time: now}
		}
		next = status.LastBackup.Add(backupEvery).Sub(now)
	}
	if !apiequality.Semantic.DeepEqual(status, db.Status) {
		db.Status = status
		if err := r.Status().Update(ctx, &db); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: next}, nil
}

func labelsOf(db *Database) map[string]string { return map[string]string{"database": db.Name} }

// service makes the headless Service by which members find each other.
func (r *reconciler) service(ctx context.Context, db *Database) error {
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: db.Namespace, Name: db.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, svc, func() error {
		svc.Spec.ClusterIP, svc.Spec.Selector = corev1.ClusterIPNone, labelsOf(db)
		svc.Spec.Ports = []corev1.ServicePort{{Name: "db", Port: 5432}}
		return controllerutil.SetControllerReference(db, svc, r.Scheme())
	})
	return err
}

// set makes the StatefulSet of the members.
func (r *reconciler) set(ctx context.Context, db *Database) (*appsv1.StatefulSet, error) {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: db.Namespace, Name: db.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, set, func() error {
		set.Spec.Replicas, set.Spec.ServiceName = &db.Spec.Replicas, db.Name
		set.Spec.Selector = &metav1.LabelSelector{MatchLabels: labelsOf(db)}
		set.Spec.Template.Labels = labelsOf(db)
		if len(set.Spec.Template.Spec.Containers) == 0 {
			set.Spec.Template.Spec.Containers = make([]corev1.Container, 1)
		}
		c := &set.Spec.Template.Spec.Containers[0]
		c.Name, c.Image = "db", db.Spec.Image
		return controllerutil.SetControllerReference(db, set, r.Scheme())
	})
	return set, err
}
