package kubelet

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"

	"github.com/statefulsim/statefulsim/sim/kubelet/credentialprovider"
)

// Login is whom a private registry knows. The zero Login is anybody who says who he
// is.
type Login struct{ Username, Password string }

func (l Login) admits(c *credentialprovider.Credential) bool {
	return l == Login{} || l == Login{c.Username, c.Password}
}

// CheckRepository returns why a name is none of a registry or of a repository.
func CheckRepository(name string) error {
	full := qualifiedRepository(name) + "/any"
	ref, err := reference.ParseNormalizedNamed(full)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no registry or repository: %w", name, err)
	case !reference.IsNameOnly(ref) || ref.Name() != full:
		return fmt.Errorf("%q is no registry or repository", name)
	}
	return nil
}

// qualifiedRepository is the full name of a registry or repository.
func qualifiedRepository(name string) string {
	host, _, path := strings.Cut(name, "/")
	switch {
	case host == "localhost" || strings.ContainsAny(host, ".:"):
		return name
	case path:
		return "docker.io/" + name
	}
	return "docker.io/library/" + name
}

// loginFor returns whom the registry of an image knows, and false if it gives the
// image to everybody. The longest name counts.
func (w *World) loginFor(full string) (login Login, private bool) {
	image, longest := repository(full), -1
	for name, l := range w.cfg.Private { // the longest: order cannot matter
		name = qualifiedRepository(name)
		if rest, ok := strings.CutPrefix(image, name); ok && (rest == "" || rest[0] == '/') && len(name) > longest {
			login, private, longest = l, true, len(name)
		}
	}
	return login, private
}

// denial is what containerd says of a registry that does not give an image to
// somebody whom it does not know, or who does not say who he is. Docker Hub hands
// out tokens; others are asked by name and password.
func denial(full string, wrong bool) string {
	host, rest, _ := strings.Cut(full, "/")
	name := repository(rest)
	tag := rest[len(name)+1:]
	if _, digest, ok := strings.Cut(tag, "@"); ok {
		tag = digest
	}
	const denied = "pull access denied, repository does not exist or may require authorization: "
	switch hub := host == "docker.io"; {
	case hub && wrong:
		return "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth.docker.io/token: 401 Unauthorized"
	case hub:
		return denied + "server message: insufficient_scope: authorization failed"
	case wrong:
		return fmt.Sprintf("unexpected status from HEAD request to https://%s/v2/%s/manifests/%s: 401 Unauthorized", host, name, tag)
	}
	return denied + "authorization failed: no basic auth credentials"
}
