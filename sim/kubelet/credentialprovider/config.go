package credentialprovider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// DockerConfigJSON is the content of a Secret kubernetes.io/dockerconfigjson.
type DockerConfigJSON struct {
	Auths DockerConfig `json:"auths"`
	// HTTPHeaders are of no use to a kubelet, but have to make sense.
	HTTPHeaders map[string]string `json:"HttpHeaders,omitempty"`
}

// DockerConfig is what to tell each registry or repository, and the content of a
// Secret kubernetes.io/dockercfg.
type DockerConfig map[string]DockerConfigEntry

// DockerConfigEntry is what to tell one of them.
type DockerConfigEntry struct {
	Username, Password, Email string
}

// dockerConfigEntryWithAuth is how it is written: auth stands for name and password.
type dockerConfigEntryWithAuth struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Email    string `json:"email,omitempty"`
	Auth     string `json:"auth,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *DockerConfigEntry) UnmarshalJSON(data []byte) error {
	var read dockerConfigEntryWithAuth
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	e.Username, e.Password, e.Email = read.Username, read.Password, read.Email
	if read.Auth == "" {
		return nil
	}
	var err error
	e.Username, e.Password, err = decodeAuth(read.Auth)
	return err
}

// decodeAuth reads base64(username:password), with or without padding
// (decodeDockerConfigFieldAuth).
func decodeAuth(auth string) (username, password string, err error) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(strings.TrimSpace(auth), "=") {
		encoding = base64.StdEncoding
	}
	decoded, err := encoding.DecodeString(auth)
	if err != nil {
		return "", "", err
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", errors.New("unable to parse auth field, must be formatted as base64(username:password)")
	}
	return username, password, nil
}

// configOf reads a Secret; nil if it is none of a registry.
func configOf(secret *corev1.Secret) (DockerConfig, error) {
	switch secret.Type {
	case corev1.SecretTypeDockerConfigJson:
		if data := secret.Data[corev1.DockerConfigJsonKey]; len(data) > 0 {
			var read DockerConfigJSON
			err := json.Unmarshal(data, &read)
			return read.Auths, err
		}
	case corev1.SecretTypeDockercfg:
		if data := secret.Data[corev1.DockerConfigKey]; len(data) > 0 {
			var read DockerConfig
			err := json.Unmarshal(data, &read)
			return read, err
		}
	}
	return nil, nil
}
