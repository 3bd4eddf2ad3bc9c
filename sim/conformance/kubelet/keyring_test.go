package kubelet

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"pgregory.net/rapid"

	ours "github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
)

// TestLookup holds what a pod's secrets say of an image to upstream's
// MakeDockerKeyring and Lookup: the same credentials in the same order, from the same
// secrets, with the same hashes, or the same error.
func TestLookup(t *testing.T) {
	hosts := []string{"registry.example.com", "registry.example.com:5000", "*.example.com", "r*.example.com", "[.example.com", "docker.io", "index.docker.io", "quay.io", "localhost", "a b"}
	paths := []string{"", "/", "/v1/", "/v2/team", "/v1/team/", "/team", "/team/app", "/te"}
	schemes := []string{"", "", "https://", "http://", "ftp://"}
	entries := []string{
		`{"username":"u","password":"p"}`, `{"username":"v","password":"q","email":"e"}`, `{"auth":"dTpw"}`, `{"auth":"dTpwcA=="}`, `{"auth":"dTpwcA"}`,
		`{"auth":"dQ=="}`, `{"auth":"%%%"}`, `{"auth":""}`, `{}`, `null`, `"x"`, `{"username":1}`, `{"identitytoken":"t"}`,
	}
	images := []string{"docker.io/library/nginx", "docker.io/team/app", "registry.example.com/team/app", "registry.example.com:5000/team/app", "quay.io/team/app", "quay.io/tea/app", "localhost/app", "other.example.com/x"}
	found, failed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var list []corev1.Secret
		var refs []*corev1.Secret
		for i := range rapid.IntRange(0, 3).Draw(rt, "secrets") {
			content := `{`
			keys := map[string]bool{} // two that mean the same are in the order of a map
			for j := range rapid.IntRange(0, 3).Draw(rt, "entries") {
				key := rapid.SampledFrom(hosts).Draw(rt, "host") + rapid.SampledFrom(paths).Draw(rt, "path")
				if keys[fmt.Sprint(len(key), key[0])] {
					continue
				}
				keys[fmt.Sprint(len(key), key[0])] = true
				if j > 0 && content != `{` {
					content += ","
				}
				content += fmt.Sprintf("%q:%s", rapid.SampledFrom(schemes).Draw(rt, "scheme")+key, rapid.SampledFrom(entries).Draw(rt, "entry"))
			}
			content += `}`
			s := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: fmt.Sprint("s", i), UID: types.UID(fmt.Sprint(i))}, Data: map[string][]byte{}}
			switch rapid.IntRange(0, 5).Draw(rt, "type") {
			case 0:
				s.Type, s.Data[corev1.DockerConfigKey] = corev1.SecretTypeDockercfg, []byte(content)
			case 1:
				s.Type, s.Data[corev1.DockerConfigJsonKey] = corev1.SecretTypeOpaque, []byte(`{"auths":`+content+`}`)
			case 2:
				s.Type, s.Data[corev1.DockerConfigJsonKey] = corev1.SecretTypeDockerConfigJson, []byte(rapid.SampledFrom([]string{``, `{}`, `[]`, `{"auths":1}`, `{"HttpHeaders":{"a":1}}`, `null`}).Draw(rt, "odd"))
			default:
				s.Type, s.Data[corev1.DockerConfigJsonKey] = corev1.SecretTypeDockerConfigJson, []byte(`{"auths":`+content+`}`)
			}
			list = append(list, s)
			refs = append(refs, &s)
		}
		image := rapid.SampledFrom(images).Draw(rt, "image")

		var want, got []string
		ring, wantErr := secrets.MakeDockerKeyring(list, &credentialprovider.BasicDockerKeyring{})
		if wantErr == nil {
			creds, _ := ring.Lookup(image)
			for _, c := range creds {
				want = append(want, fmt.Sprint(c.Username, "/", c.Password, " ", c.Source.Secret.Name, " ", c.AuthConfigHash))
			}
		}
		creds, gotErr := ours.Lookup(refs, image)
		for _, c := range creds {
			got = append(got, fmt.Sprint(c.Username, "/", c.Password, " ", c.Secret.Name, " ", c.Hash))
		}
		if fmt.Sprint(want, wantErr) != fmt.Sprint(got, gotErr) {
			rt.Fatalf("%v of %v:\nupstream %v %v\nours     %v %v", image, list, want, wantErr, got, gotErr)
		}
		found += len(want)
		if wantErr != nil {
			failed++
		}
	})
	if found < 5 || failed < 5 {
		t.Errorf("%d credentials found, %d errors: too few to say anything", found, failed)
	}
}
