package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	pathvalidation "k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The checks below say yes quickly. For what they do not accept the library is
// asked, whose messages users know.

// isLabel is RFC 1123's label: what IsDNS1123Label accepts.
func isLabel(s string) bool {
	if len(s) == 0 || len(s) > validation.DNS1123LabelMaxLength {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isLowerAlnum(s[i]) && (s[i] != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return true
}

// isSubdomain is labels with dots between: what IsDNS1123Subdomain accepts.
func isSubdomain(s string) bool {
	if len(s) == 0 || len(s) > validation.DNS1123SubdomainMaxLength {
		return false
	}
	edge := true // at the start of a label
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case isLowerAlnum(b):
			edge = false
		case edge, i == len(s)-1:
			return false
		case b == '-' && s[i+1] != '.':
		case b == '.':
			edge = true
		default:
			return false
		}
	}
	return true
}

// isLabelValue is what IsValidLabelValue accepts.
func isLabelValue(s string) bool { return s == "" || isNamePart(s) }

// isNamePart is the part of a qualified name behind the slash.
func isNamePart(s string) bool {
	if len(s) == 0 || len(s) > 63 {
		return false
	}
	for i := 0; i < len(s); i++ {
		b := s[i]
		if isLowerAlnum(b) || 'A' <= b && b <= 'Z' {
			continue
		}
		if i == 0 || i == len(s)-1 || b != '-' && b != '_' && b != '.' {
			return false
		}
	}
	return true
}

// isQualified is what IsQualifiedName accepts: name or domain/name.
func isQualified(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '/' {
			return isSubdomain(s[:i]) && isNamePart(s[i+1:])
		}
	}
	return isNamePart(s)
}

func isLowerAlnum(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' }

// nameRule is how the objects of a kind may be named.
type nameRule struct {
	quick func(string) bool
	slow  apivalidation.ValidateNameFunc
}

var (
	labelName     = nameRule{isLabel, apivalidation.NameIsDNSLabel}
	subdomainName = nameRule{isSubdomain, apivalidation.NameIsDNSSubdomain}
)

// name holds a string to a rule for names.
func (c *check) name(p path, s string, r nameRule) {
	if !r.quick(s) {
		c.msgs(p, s, r.slow(s, false))
	}
}

func (c *check) qualified(p path, s string) {
	if !isQualified(s) {
		c.msgs(p, s, validation.IsQualifiedName(s))
	}
}

func (c *check) labelValue(p path, s string) {
	if !isLabelValue(s) {
		c.msgs(p, s, validation.IsValidLabelValue(s))
	}
}

// segmentName is what every name must be: usable in a URL's path.
var segmentName = nameRule{isSubdomain, pathvalidation.ValidatePathSegmentName}
