package credentialprovider_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
)

func ExampleLookup() {
	secret := &corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{
		corev1.DockerConfigJsonKey: []byte(`{"auths": {
			"*.example.com": {"username": "all", "password": "x"},
			"registry.example.com/team": {"auth": "dGVhbTpzZXNhbWU="},
			"https://index.docker.io/v1/": {"username": "hub", "password": "y"}}}`),
	}}
	for _, image := range []string{"registry.example.com/team/app", "registry.example.com/other", "docker.io/library/nginx", "quay.io/a/b"} {
		found, err := credentialprovider.Lookup([]*corev1.Secret{secret}, image)
		fmt.Print(image, ":")
		for _, c := range found {
			fmt.Print(" ", c.Username, "/", c.Password)
		}
		fmt.Println("", err)
	}
	// Output:
	// registry.example.com/team/app: team/sesame all/x <nil>
	// registry.example.com/other: all/x <nil>
	// docker.io/library/nginx: hub/y <nil>
	// quay.io/a/b: <nil>
}
