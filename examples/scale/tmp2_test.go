package main
import ("testing";"reflect";"time";"fmt";"sort";"strings";"regexp"
corev1 "k8s.io/api/core/v1")
type wk struct{ seen map[[2]uintptr]bool; cnt map[string]int; bytes map[string]int }
var podT = reflect.TypeOf(corev1.Pod{})
var idx = regexp.MustCompile(`\[\]`)
func (w *wk) walk(v reflect.Value, path string, depth int) {
	if depth > 60 { return }
	switch v.Kind() {
	case reflect.Ptr:
		if v.IsNil() { return }
		k := [2]uintptr{v.Pointer(), uintptr(reflect.ValueOf(v.Type()).Pointer())}
		if w.seen[k] { return }
		w.seen[k] = true
		tn := v.Type().Elem().String()
		w.cnt[tn]++ ; w.bytes[tn] += int(v.Type().Elem().Size())
		if v.Type().Elem() == podT { w.cnt["POD "+path]++ }
		w.walk(v.Elem(), path+"*", depth+1)
	case reflect.Interface:
		if !v.IsNil() { w.walk(v.Elem(), path, depth+1) }
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ { w.walk(v.Field(i), path+"."+v.Type().Field(i).Name, depth+1) }
	case reflect.Slice:
		if v.Len()==0 || v.Type().Elem().Kind()==reflect.Uint8 { return }
		k := [2]uintptr{v.Pointer(), uintptr(v.Len())}
		if w.seen[k] { return }
		w.seen[k]=true
		tn := v.Type().String()
		w.cnt[tn]++ ; w.bytes[tn] += v.Cap()*int(v.Type().Elem().Size())
		for i := 0; i < v.Len(); i++ { w.walk(v.Index(i), path+"[]", depth+1) }
		f := v.Slice(0, v.Cap())
		for i := v.Len(); i < v.Cap(); i++ { w.walk(f.Index(i), path+"[CAP]", depth+1) }
	case reflect.Map:
		if v.Len()==0 { return }
		k := [2]uintptr{v.Pointer(), 1}
		if w.seen[k] { return }
		w.seen[k]=true
		tn := v.Type().String()
		w.cnt[tn]++ ; w.bytes[tn] += v.Len()*int(v.Type().Elem().Size()+v.Type().Key().Size())
		it := v.MapRange()
		for it.Next() { w.walk(it.Key(), path+"[k]", depth+1); w.walk(it.Value(), path+"[v]", depth+1) }
	case reflect.Array:
		for i := 0; i < v.Len(); i++ { w.walk(v.Index(i), path+"[]", depth+1) }
	case reflect.String:
		w.bytes["string"] += v.Len(); w.cnt["string"]++
	}
}
func TestTmp2(t *testing.T) {
	opt := largest()
	opt.nodes, opt.pods, opt.sets, opt.claims, opt.events = 100, 1000, 3, true, true
	c := cluster(opt)
	begin(c, opt, "create")
	for readyPods(c, opt) < opt.pods { c.Run(time.Second) }
	w := wk{map[[2]uintptr]bool{}, map[string]int{}, map[string]int{}}
	w.walk(reflect.ValueOf(c), "c", 0)
	var ks []string
	for k := range w.bytes { ks = append(ks, k) }
	sort.Slice(ks, func(i, j int) bool { return w.bytes[ks[i]] > w.bytes[ks[j]] })
	for _, k := range ks[:min(45,len(ks))] { fmt.Println(w.bytes[k]/1000, "B/pod", w.cnt[k], k) }
	ks = nil
	for k := range w.cnt { if strings.HasPrefix(k, "POD") { ks = append(ks, k) } }
	sort.Slice(ks, func(i, j int) bool { return w.cnt[ks[i]] > w.cnt[ks[j]] })
	for _, k := range ks[:min(25,len(ks))] { fmt.Println(w.cnt[k], k) }
}
