package kubelet

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// safeSysctls are those that a pod may set on a node that allows no others, with
// the namespace that each is in (SafeSysctlAllowlist, for a kernel that has all).
var safeSysctls = map[string]string{
	"kernel.shm_rmid_forced":              "ipc",
	"net.ipv4.ip_local_port_range":        "net",
	"net.ipv4.tcp_syncookies":             "net",
	"net.ipv4.ping_group_range":           "net",
	"net.ipv4.ip_unprivileged_port_start": "net",
	"net.ipv4.ip_local_reserved_ports":    "net",
	"net.ipv4.tcp_keepalive_time":         "net",
	"net.ipv4.tcp_fin_timeout":            "net",
	"net.ipv4.tcp_keepalive_intvl":        "net",
	"net.ipv4.tcp_keepalive_probes":       "net",
	"net.ipv4.tcp_rmem":                   "net",
	"net.ipv4.tcp_wmem":                   "net",
	"net.ipv4.tcp_slow_start_after_idle":  "net",
	"net.ipv4.tcp_notsent_lowat":          "net",
}

// forbiddenSysctl says which sysctl of a pod the node does not allow, or ""
// (patternAllowlist.Admit).
func forbiddenSysctl(obj *corev1.Pod) string {
	if obj.Spec.SecurityContext == nil {
		return ""
	}
	for _, s := range obj.Spec.SecurityContext.Sysctls {
		name := normalSysctl(s.Name)
		switch ns, ok := safeSysctls[name]; {
		case !ok:
			return fmt.Sprintf("%q not allowlisted", name)
		case ns == "ipc" && obj.Spec.HostIPC, ns == "net" && obj.Spec.HostNetwork:
			return fmt.Sprintf("%q not allowed with host %s enabled", name, ns)
		}
	}
	return ""
}

// normalSysctl writes a sysctl's name with dots between its parts, if its first
// separator is a slash (NormalizeName).
func normalSysctl(name string) string {
	i := strings.IndexAny(name, "./")
	if i < 0 || name[i] == '.' {
		return name
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(name)
}
