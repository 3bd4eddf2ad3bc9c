package defaults

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// reference is the grammar of image names with a host in front: name, tag,
// digest.
var reference = regexp.MustCompile(`^((?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?` +
	`(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+)(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`)

// pullPolicy is K18: Always for :latest or no tag at all, else IfNotPresent. A
// name that is no image name counts as having another tag, as upstream ignores
// the error of its parser.
func pullPolicy(image string) corev1.PullPolicy {
	if tag(image) == "latest" {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// tag returns the tag of an image, "latest" if it has neither tag nor digest,
// or "" (parsers.ParseImageName).
func tag(image string) string {
	if isIdentifier(image) {
		return ""
	}
	host, rest, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" && strings.ToLower(host) == host {
		host, rest = "docker.io", image
	}
	if host == "docker.io" && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	m := reference.FindStringSubmatch(host + "/" + rest)
	switch {
	case m == nil || len(m[1]) > 255:
		return ""
	case m[2] == "" && m[3] == "":
		return "latest"
	}
	return m[2]
}

// isIdentifier reports whether s is an image's id: 64 hexadecimal digits.
func isIdentifier(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
