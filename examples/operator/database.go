package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Database is a database of several members.
type Database struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DatabaseSpec   `json:"spec"`
	Status DatabaseStatus `json:"status,omitempty"`
}

// DatabaseSpec is what somebody wants.
type DatabaseSpec struct {
	Image string `json:"image"`
	// Replicas is how many members there are; the definition makes it 3 if it is 0.
	Replicas int32 `json:"replicas,omitempty"`
}

// DatabaseStatus is what there is.
type DatabaseStatus struct {
	Ready      int32        `json:"ready,omitempty"`
	LastBackup *metav1.Time `json:"lastBackup,omitempty"`
}

// DatabaseList is a list of them.
type DatabaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Database `json:"items"`
}

// DeepCopyObject implements runtime.Object.
func (d *Database) DeepCopyObject() runtime.Object {
	c := *d
	c.ObjectMeta = *d.ObjectMeta.DeepCopy()
	c.Status.LastBackup = d.Status.LastBackup.DeepCopy()
	return &c
}

// DeepCopyObject implements runtime.Object.
func (l *DatabaseList) DeepCopyObject() runtime.Object {
	c := *l
	c.Items = make([]Database, len(l.Items))
	for i := range l.Items {
		c.Items[i] = *l.Items[i].DeepCopyObject().(*Database)
	}
	return &c
}

// addToScheme has clients know the kind.
func addToScheme(s *runtime.Scheme) error {
	gv := schema.GroupVersion{Group: "example.com", Version: "v1"}
	s.AddKnownTypes(gv, &Database{}, &DatabaseList{})
	metav1.AddToGroupVersion(s, gv)
	return nil
}
