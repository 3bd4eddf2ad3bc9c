package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	api "k8s.io/kubernetes/pkg/apis/core"
)

// disk is what etcd would hold: the objects of every kind in their stored form,
// one counter of versions, and what was written since somebody looked.
type disk struct {
	mu      sync.Mutex // a deletion of a collection works in goroutines
	version uint64
	files   map[string]file
	written []written
	changed func(resource schema.GroupResource, obj runtime.Object, gone bool)
}

// etcdPrefix is what the real server puts before its keys.
const etcdPrefix = "/registry"

// file is a stored object.
type file struct {
	data    []byte
	version uint64
}

// written is one entry of the watch log: the object in its internal version.
type written struct {
	Type     watch.EventType
	Resource schema.GroupResource
	Object   runtime.Object
}

// memory is the storage of one resource on a disk: what etcd3.store does, for
// one writer at a time, with the codec that the real server stores with.
type memory struct {
	*disk
	storage.APIObjectVersioner
	codec    runtime.Codec
	resource schema.GroupResource
	prefix   string
	new      func() runtime.Object
}

var _ storage.Interface = &memory{}

func (m *memory) Versioner() storage.Versioner { return m.APIObjectVersioner }

// Create implements storage.Interface.
func (m *memory) Create(_ context.Context, key string, obj, out runtime.Object, _ uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, err := m.ObjectResourceVersion(obj); err == nil && v != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	if err := m.PrepareObjectForStorage(obj); err != nil {
		return err
	}
	data, err := m.encode(obj)
	if err != nil {
		return err
	}
	if _, ok := m.files[key]; ok {
		return storage.NewKeyExistsError(etcdPrefix+key, 0)
	}
	m.write(watch.Added, key, data)
	if out == nil {
		return nil
	}
	return m.decode(m.files[key], out)
}

// Delete implements storage.Interface.
func (m *memory) Delete(ctx context.Context, key string, out runtime.Object, pre *storage.Preconditions, validate storage.ValidateObjectFunc, _ runtime.Object, _ storage.DeleteOptions) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[key]
	if !ok {
		return storage.NewKeyNotFoundError(etcdPrefix+key, 0)
	}
	was := m.new()
	if err := m.decode(f, was); err != nil {
		return err
	}
	if err := pre.Check(etcdPrefix+key, was); err != nil {
		return err
	}
	if err := validate(ctx, was); err != nil {
		return err
	}
	m.write(watch.Deleted, key, f.data)
	return m.decode(file{f.data, m.version}, out)
}

// Watch implements storage.Interface: nobody watches.
func (m *memory) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	return nil, errors.ErrUnsupported
}

// Get implements storage.Interface.
func (m *memory) Get(_ context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[key]; ok {
		return m.decode(f, out)
	}
	if opts.IgnoreNotFound {
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(etcdPrefix+key, 0)
}

// GetList implements storage.Interface, without pages.
func (m *memory) GetList(_ context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !strings.HasSuffix(key, "/") {
		key += "/"
	}
	ptr, err := meta.GetItemsPtr(list)
	if err != nil {
		return err
	}
	items, err := conversion.EnforcePtr(ptr)
	if err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(m.files)) {
		if !strings.HasPrefix(k, key) {
			continue
		}
		obj := m.new()
		if err := m.decode(m.files[k], obj); err != nil {
			return err
		}
		if ok, err := opts.Predicate.Matches(obj); err != nil || !ok {
			continue
		}
		items.Set(reflect.Append(items, reflect.ValueOf(obj).Elem()))
	}
	return m.UpdateList(list, m.version, "", nil)
}

// GuaranteedUpdate implements storage.Interface. What is already stored is not
// written again.
func (m *memory) GuaranteedUpdate(_ context.Context, key string, out runtime.Object, ignoreNotFound bool, pre *storage.Preconditions, try storage.UpdateFunc, _ runtime.Object) error {
	m.mu.Lock()
	f, ok := m.files[key]
	m.mu.Unlock() // the strategies read other objects
	was := m.new()
	switch {
	case ok:
		if err := m.decode(f, was); err != nil {
			return err
		}
	case !ignoreNotFound:
		return storage.NewKeyNotFoundError(etcdPrefix+key, 0)
	}
	if err := pre.Check(etcdPrefix+key, was); err != nil {
		return err
	}
	next, _, err := try(was, storage.ResponseMeta{ResourceVersion: f.version})
	if err != nil {
		return err
	}
	if err := m.PrepareObjectForStorage(next); err != nil {
		return err
	}
	data, err := m.encode(next)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files[key].version != f.version {
		return fmt.Errorf("%s was written by somebody else", key)
	}
	switch {
	case !ok:
		m.write(watch.Added, key, data)
	case !bytes.Equal(data, f.data):
		m.write(watch.Modified, key, data)
	}
	return m.decode(m.files[key], out)
}

func (m *memory) Stats(context.Context) (storage.Stats, error)        { return storage.Stats{}, nil }
func (m *memory) ReadinessCheck() error                               { return nil }
func (m *memory) RequestWatchProgress(context.Context) error          { return nil }
func (m *memory) EnableResourceSizeEstimation(storage.KeysFunc) error { return nil }
func (m *memory) CompactRevision() int64                              { return 0 }

func (m *memory) GetCurrentResourceVersion(context.Context) (uint64, error) {
	return m.version, nil
}

// write changes the file of a key, and tells those who follow.
func (m *memory) write(typ watch.EventType, key string, data []byte) {
	m.version++
	f := file{data, m.version}
	m.files[key] = f
	obj := m.new()
	if err := m.decode(f, obj); err != nil {
		panic(err) // it was encoded just now
	}
	m.written = append(m.written, written{typ, m.resource, obj})
	if typ == watch.Deleted {
		delete(m.files, key)
	}
	m.changed(m.resource, obj, typ == watch.Deleted)
}

// encode leaves out the managed fields, which only show who wrote what, and a
// field that upstream may store, but never shows; and it sorts what upstream
// leaves in any order.
func (m *memory) encode(obj runtime.Object) ([]byte, error) {
	obj = obj.DeepCopyObject()
	acc, err := meta.Accessor(obj)
	if err != nil {
		return nil, err
	}
	acc.SetManagedFields(nil)
	if svc, ok := obj.(*api.Service); ok && svc.Spec.Type == api.ServiceTypeExternalName {
		svc.Spec.InternalTrafficPolicy = nil // defaultOnReadInternalTrafficPolicy
	}
	if ns, ok := obj.(*api.Namespace); ok {
		slices.Sort(ns.Finalizers) // their deletion puts them into a map
	}
	return runtime.Encode(m.codec, obj)
}

func (m *memory) decode(f file, out runtime.Object) error {
	if _, _, err := m.codec.Decode(f.data, nil, out); err != nil {
		return err
	}
	return m.UpdateObject(out, f.version)
}
