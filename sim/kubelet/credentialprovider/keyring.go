package credentialprovider

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Credential is what a registry is told, and the Secret that says so.
type Credential struct {
	Username, Password string
	Secret             *corev1.Secret
	// Hash tells credentials apart (hashAuthConfig).
	Hash string
}

// Lookup returns what to tell the registry of an image, in the order in which it is
// tried. The image is named in full, without tag ("docker.io/library/nginx"). It
// fails if one of the secrets makes no sense, whatever image is asked for
// (MakeDockerKeyring, BasicDockerKeyring.Lookup).
func Lookup(secrets []*corev1.Secret, image string) ([]Credential, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	ring := map[string][]Credential{}
	for _, secret := range secrets {
		config, err := configOf(secret)
		if err != nil {
			return nil, err
		}
		// Deviation: two entries of one Secret that mean the same are tried in the order
		// of their names; upstream's order is that of a map.
		for _, name := range slices.Sorted(maps.Keys(config)) {
			if key, ok := keyOf(name); ok {
				ring[key] = append(ring[key], credential(config[name], secret))
			}
		}
	}
	var found []Credential
	keys := slices.Sorted(maps.Keys(ring))
	for _, key := range slices.Backward(keys) { // more specific paths first
		if matches(key, image) {
			found = append(found, ring[key]...)
		}
	}
	if len(found) == 0 && isOfDefaultRegistry(image) {
		found = ring[defaultRegistryHost]
	}
	return found, nil
}

func credential(e DockerConfigEntry, secret *corev1.Secret) Credential {
	// The fields of upstream's AuthConfig, in its order.
	text, _ := json.Marshal(struct {
		Username string `json:"username,omitempty"`
		Password string `json:"password,omitempty"`
		Email    string `json:"email,omitempty"`
	}{e.Username, e.Password, e.Email})
	sum := sha256.Sum256(text)
	return Credential{Username: e.Username, Password: e.Password, Secret: secret, Hash: hex.EncodeToString(sum[:])}
}

// keyOf is the key of an entry: host and path, without scheme and API version
// (BasicDockerKeyring.Add). One that is no URL is passed over.
func keyOf(name string) (key string, ok bool) {
	if !strings.HasPrefix(name, "https://") && !strings.HasPrefix(name, "http://") {
		name = "https://" + name
	}
	u, err := url.Parse(name)
	if err != nil {
		return "", false
	}
	path := u.Path
	if strings.HasPrefix(path, "/v2/") || strings.HasPrefix(path, "/v1/") {
		path = path[3:]
	}
	if path == "/" {
		path = ""
	}
	return u.Host + path, true
}

const defaultRegistryHost = "index.docker.io"

// isOfDefaultRegistry reports whether an image comes from Docker Hub
// (isDefaultRegistryMatch).
func isOfDefaultRegistry(image string) bool {
	host, _, found := strings.Cut(image, "/")
	switch {
	case host == "":
		return false
	case !found, host == "docker.io", host == defaultRegistryHost:
		return true
	}
	return !strings.ContainsAny(host, ".:")
}

// matches reports whether an entry is for an image: the host's parts may have
// wildcards, and the path is a prefix, of text and not of segments (URLsMatch).
func matches(key, image string) bool {
	glob, err := url.Parse("https://" + key)
	if err != nil {
		return false
	}
	target, err := url.Parse("https://" + image)
	if err != nil {
		return false
	}
	globHost, globPort := splitHost(glob.Host)
	host, port := splitHost(target.Host)
	if globPort != port || len(globHost) != len(host) || !strings.HasPrefix(target.Path, glob.Path) {
		return false
	}
	for i := range host {
		if ok, err := filepath.Match(globHost[i], host[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// splitHost returns the parts of a host's name, and its port (SplitURL).
func splitHost(hostport string) (parts []string, port string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = hostport, ""
	}
	return strings.Split(host, "."), port
}
