package api

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	internalcore "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"sigs.k8s.io/randfill"

	"github.com/statefulsim/statefulsim/sim/apiserver/convert"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// Objects of every version, filled at random, become in the other one what
// upstream's conversions make of them, by way of its internal version.
func TestConversions(t *testing.T) {
	quantity := func(q *resource.Quantity, c randfill.Continue) {
		*q = *resource.NewMilliQuantity(c.Int63n(5000), resource.DecimalSI)
	}
	instant := func(m *metav1.Time, c randfill.Continue) { *m = metav1.NewTime(time.Unix(c.Int63n(1e9), 0)) }
	micro := func(m *metav1.MicroTime, c randfill.Continue) { *m = metav1.NewMicroTime(time.Unix(c.Int63n(1e9), 0)) }
	fields := func(f *metav1.FieldsV1, _ randfill.Continue) { f.Raw = []byte("{}") }
	resourceName := func(n *corev1.ResourceName, c randfill.Continue) {
		*n = []corev1.ResourceName{"cpu", "cpu", "memory"}[c.Intn(3)]
	}
	kind := func(k *autoscalingv2.MetricSourceType, c randfill.Continue) {
		*k = []autoscalingv2.MetricSourceType{"Resource", "Resource", "Pods", "x"}[c.Intn(4)]
	}
	fill := randfill.NewWithSeed(1).NilChance(.4).NumElements(0, 3).Funcs(quantity, instant, micro, fields, resourceName, kind)
	random := rand.New(rand.NewPCG(1, 1))
	compare := func(in, out, hub, want runtime.Object) {
		t.Helper()
		require.NoError(t, legacyscheme.Scheme.Convert(in.DeepCopyObject(), hub, nil))
		require.NoError(t, legacyscheme.Scheme.Convert(hub, want, nil))
		if !apiequality.Semantic.DeepEqual(want, out) {
			require.Empty(t, cmp.Diff(want, out))
			require.Fail(t, "they differ in what is not shown")
		}
	}
	carried := 0
	for range 2000 {
		var v2 autoscalingv2.HorizontalPodAutoscaler
		fill.Fill(&v2)
		v2.TypeMeta = metav1.TypeMeta{}
		v1 := convert.AutoscalerToV1(&v2)
		compare(&v2, v1, &autoscaling.HorizontalPodAutoscaler{}, &autoscalingv1.HorizontalPodAutoscaler{})
		if random.IntN(2) == 0 { // what a client wrote, with its share of annotations
			n := &autoscalingv1.HorizontalPodAutoscaler{}
			fill.Fill(n)
			n.TypeMeta = metav1.TypeMeta{}
			for k, v := range v1.Annotations {
				if metav1.SetMetaDataAnnotation(&n.ObjectMeta, k, v); random.IntN(8) == 0 {
					n.Annotations[k] = "{"
				}
			}
			carried += len(v1.Annotations)
			v1 = n
		}
		compare(v1, convert.AutoscalerFromV1(v1), &autoscaling.HorizontalPodAutoscaler{}, &autoscalingv2.HorizontalPodAutoscaler{})

		var event corev1.Event
		fill.Fill(&event)
		event.TypeMeta = metav1.TypeMeta{}
		compare(&event, convert.EventToGroup(&event), &internalcore.Event{}, &eventsv1.Event{})
		var newer eventsv1.Event
		fill.Fill(&newer)
		newer.TypeMeta = metav1.TypeMeta{}
		compare(&newer, convert.EventFromGroup(&newer), &internalcore.Event{}, &corev1.Event{})
	}
	require.Greater(t, carried, 1000)
}

// An Event of events.k8s.io is refused for the same reasons.
func TestEventsOfTheirGroup(t *testing.T) {
	u := newUpstream(kind{gvk: eventsv1.SchemeGroupVersion.WithKind("Event"), main: event.Strategy}, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "a"}}, "")
	fill := randfill.NewWithSeed(1).NilChance(.5).NumElements(0, 1).Funcs(
		func(s *string, c randfill.Continue) {
			if *s = "a"; c.Intn(8) == 0 {
				*s = []string{"", "b", "/", strings.Repeat("x", 1025)}[c.Intn(4)]
			}
		},
		func(m *metav1.Time, c randfill.Continue) { *m = metav1.NewTime(time.Unix(c.Int63n(2), 0)) },
		func(m *metav1.MicroTime, c randfill.Continue) { *m = metav1.NewMicroTime(time.Unix(c.Int63n(2), 0)) },
		func(n *int32, c randfill.Continue) { *n = c.Int31n(3) },
		func(m *metav1.ObjectMeta, c randfill.Continue) {
			*m = metav1.ObjectMeta{Name: []string{"a", "A"}[c.Intn(2)], Namespace: []string{"a", "default"}[c.Intn(2)], ResourceVersion: "1"}
		})
	random := rand.New(rand.NewPCG(1, 1))
	internal := func(e *corev1.Event) *internalcore.Event {
		in := &internalcore.Event{}
		require.NoError(t, legacyscheme.Scheme.Convert(e.DeepCopy(), in, nil))
		return in
	}
	refused := 0
	for range 5000 {
		var e, old corev1.Event
		fill.Fill(&e)
		fill.Fill(&old)
		e.TypeMeta, old.TypeMeta = metav1.TypeMeta{}, metav1.TypeMeta{}
		if random.IntN(4) > 0 { // as its group wants it
			e.Type, e.Source, e.Count, e.FirstTimestamp, e.LastTimestamp = "Normal", corev1.EventSource{}, 0, metav1.Time{}, metav1.Time{}
			e.InvolvedObject.Namespace, e.EventTime = e.Namespace, metav1.NewMicroTime(time.Unix(1, 0))
		}
		o := validation.Options{EventsGroup: true}
		want, got := u.validateCreate(internal(&e)), validation.Create(&e, o)
		require.Equal(t, fmt.Sprint(want.ToAggregate()), fmt.Sprint(got.ToAggregate()), "creation of %+v", e)
		if len(want) > 0 {
			refused++
		}
		want, got = u.validateUpdate(internal(&e), internal(&old), false), validation.Update(&e, &old, o)
		require.Equal(t, fmt.Sprint(want.ToAggregate()), fmt.Sprint(got.ToAggregate()), "update of %+v\nto %+v", old, e)
	}
	require.Greater(t, refused, 1000)
	require.Less(t, refused, 5000, "some are taken")
}
