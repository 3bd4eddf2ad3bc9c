package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// contentRefs lists the ConfigMaps and Secrets that a volume is made of.
func contentRefs(src *corev1.Volume) []ref {
	switch {
	case src.ConfigMap != nil:
		return []ref{{configMapKind, src.ConfigMap.Name, yes(src.ConfigMap.Optional)}}
	case src.Secret != nil:
		return []ref{{secretKind, src.Secret.SecretName, yes(src.Secret.Optional)}}
	case src.Projected != nil:
		var refs []ref
		for i := range src.Projected.Sources {
			switch s := &src.Projected.Sources[i]; {
			case s.ConfigMap != nil:
				refs = append(refs, ref{configMapKind, s.ConfigMap.Name, yes(s.ConfigMap.Optional)})
			case s.Secret != nil:
				refs = append(refs, ref{secretKind, s.Secret.Name, yes(s.Secret.Optional)})
			}
		}
		return refs
	}
	return nil
}

// contentFiles makes the files of a volume whose content comes from the API;
// got answers contentRefs in order. The errors are the volume plugins'.
func (k *Kubelet) contentFiles(p *pod, src *corev1.Volume, got []apiserver.Object) (map[string]string, error) {
	files := map[string]string{}
	refs := contentRefs(src)
	n := 0
	add := func(items []corev1.KeyToPath, format string) error {
		r, obj := refs[n], got[n]
		n++
		if obj == nil && !r.optional {
			return r.notFound()
		}
		data := dataOf(obj)
		if len(items) == 0 {
			for key, v := range data { // a map into a map
				files[key] = v
			}
			return nil
		}
		for _, item := range items {
			v, ok := data[item.Key]
			if !ok && !r.optional {
				return fmt.Errorf(format, item.Key)
			}
			if ok {
				files[item.Path] = v
			}
		}
		return nil
	}
	const noConfigKey = "configmap references non-existent config key: %s"
	const noSecretKey = "references non-existent secret key: %s"
	var err error
	switch {
	case src.ConfigMap != nil:
		err = add(src.ConfigMap.Items, noConfigKey)
	case src.Secret != nil:
		err = add(src.Secret.Items, noSecretKey)
	case src.DownwardAPI != nil:
		k.downward(p, files, src.DownwardAPI.Items)
	case src.Projected != nil:
		var errs []error // of all sources
		for i := range src.Projected.Sources {
			switch s := &src.Projected.Sources[i]; {
			case s.ConfigMap != nil:
				errs = append(errs, add(s.ConfigMap.Items, noConfigKey))
			case s.Secret != nil:
				errs = append(errs, add(s.Secret.Items, noSecretKey))
			case s.DownwardAPI != nil:
				k.downward(p, files, s.DownwardAPI.Items)
			case s.ServiceAccountToken != nil:
				files[s.ServiceAccountToken.Path] = "token of " + p.key.Namespace + "/" + p.api.Spec.ServiceAccountName
			}
		}
		if all := utilerrors.NewAggregate(errs); all != nil {
			err = all
		}
	}
	if err != nil {
		return nil, err
	}
	return files, nil
}

// downward writes the files of the downward API.
func (k *Kubelet) downward(p *pod, files map[string]string, items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		switch item := &items[i]; {
		case item.FieldRef != nil:
			files[item.Path] = k.field(p, item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			files[item.Path] = k.resourceField(p, p.containers[0].spec(p.api), item.ResourceFieldRef)
		}
	}
}
