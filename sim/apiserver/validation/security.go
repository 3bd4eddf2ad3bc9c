package validation

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// podSecurity is validatePodSpecSecurityContext, without Windows options.
func (c *check) podSecurity(p path, spec *corev1.PodSpec) {
	s := spec.SecurityContext
	if s == nil {
		return
	}
	c.id(p.child("fsGroup"), s.FSGroup)
	c.id(p.child("runAsUser"), s.RunAsUser)
	c.id(p.child("runAsGroup"), s.RunAsGroup)
	groups := p.child("supplementalGroups")
	for i := range s.SupplementalGroups {
		c.id(groups.at(i), &s.SupplementalGroups[i])
	}
	if len(s.Sysctls) > 0 {
		c.sysctls(p.child("sysctls"), s.Sysctls, spec)
	}
	if s.FSGroupChangePolicy != nil {
		oneOf(c, p.child("fsGroupChangePolicy"), *s.FSGroupChangePolicy, corev1.FSGroupChangeAlways, corev1.FSGroupChangeOnRootMismatch)
	}
	c.seccomp(p.child("seccompProfile"), s.SeccompProfile)
	c.appArmor(p.child("appArmorProfile"), s.AppArmorProfile)
	if s.SupplementalGroupsPolicy != nil {
		oneOf(c, p.child("supplementalGroupsPolicy"), *s.SupplementalGroupsPolicy, corev1.SupplementalGroupsPolicyMerge, corev1.SupplementalGroupsPolicyStrict)
	}
	if s.SELinuxChangePolicy != nil {
		oneOf(c, p.child("seLinuxChangePolicy"), *s.SELinuxChangePolicy, corev1.SELinuxChangePolicyMountOption, corev1.SELinuxChangePolicyRecursive)
	}
}

// id holds a user or group to what Linux can number.
func (c *check) id(p path, id *int64) {
	if id != nil && (*id < 0 || *id > math.MaxInt32) {
		c.invalid(p, *id, validation.InclusiveRangeError(0, math.MaxInt32))
	}
}

const sysctlPattern = `^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`

var sysctlName = regexp.MustCompile(sysctlPattern)

// sysctls is validateSysctls.
func (c *check) sysctls(p path, list []corev1.Sysctl, s *corev1.PodSpec) {
	for i, ctl := range list {
		one := p.at(i)
		at := one.child("name")
		switch {
		case ctl.Name == "":
			c.required(at, "")
		case len(ctl.Name) > 253 || !sysctlName.MatchString(ctl.Name):
			c.invalid(at, ctl.Name, fmt.Sprintf("must have at most %d characters and match regex %s", 253, sysctlPattern))
		case slices.ContainsFunc(list[:i], func(o corev1.Sysctl) bool { return o.Name == ctl.Name }):
			c.duplicate(at, ctl.Name)
		}
		name := strings.ReplaceAll(ctl.Name, "/", ".")
		if s.HostNetwork && strings.HasPrefix(name, "net.") {
			c.invalid(at, ctl.Name, "may not be specified when 'hostNetwork' is true")
		} else if s.HostIPC && isIPCSysctl(name) {
			c.invalid(at, ctl.Name, "may not be specified when 'hostIPC' is true")
		}
	}
}

func isIPCSysctl(name string) bool {
	return name == "kernel.sem" || strings.HasPrefix(name, "kernel.shm") || strings.HasPrefix(name, "kernel.msg") || strings.HasPrefix(name, "fs.mqueue.")
}

// security is ValidateSecurityContext. Privileged containers are allowed, as
// kubeadm sets it up.
func (c *check) security(p path, s *corev1.SecurityContext, hostUsers bool) {
	c.id(p.child("runAsUser"), s.RunAsUser)
	c.id(p.child("runAsGroup"), s.RunAsGroup)
	if m := s.ProcMount; m != nil {
		oneOf(c, p.child("procMount"), *m, corev1.DefaultProcMount, corev1.UnmaskedProcMount)
		if hostUsers && *m == corev1.UnmaskedProcMount {
			c.invalid(p.child("procMount"), m, "`hostUsers` must be false to use `Unmasked`")
		}
	}
	c.seccomp(p.child("seccompProfile"), s.SeccompProfile)
	if a := s.AllowPrivilegeEscalation; a != nil && !*a {
		if s.Privileged != nil && *s.Privileged {
			c.invalid(p, s, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
		}
		if s.Capabilities != nil {
			for _, capability := range s.Capabilities.Add {
				if capability == "CAP_SYS_ADMIN" {
					c.invalid(p, s, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
				}
			}
		}
	}
	c.appArmor(p.child("appArmorProfile"), s.AppArmorProfile)
}

// seccomp is validateSeccompProfileField.
func (c *check) seccomp(p path, s *corev1.SeccompProfile) {
	if s == nil {
		return
	}
	if s.Type == "" {
		c.required(p.child("type"), "type is required when seccompProfile is set")
	} else {
		oneOf(c, p.child("type"), s.Type, corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined)
	}
	at := p.child("localhostProfile")
	local := s.Type == corev1.SeccompProfileTypeLocalhost
	switch {
	case local && s.LocalhostProfile == nil:
		c.required(at, "must be set when seccomp type is Localhost")
	case local:
		c.relative(at, *s.LocalhostProfile)
	case s.LocalhostProfile != nil:
		c.invalid(at, s, "can only be set when seccomp type is Localhost")
	}
}

// appArmor is ValidateAppArmorProfileField.
func (c *check) appArmor(p path, a *corev1.AppArmorProfile) {
	if a == nil {
		return
	}
	at := p.child("localhostProfile")
	switch a.Type {
	case corev1.AppArmorProfileTypeLocalhost:
		const most = 4095
		switch l := a.LocalhostProfile; {
		case l == nil || *l == "":
			c.required(at, "must be set when AppArmor type is Localhost")
		case strings.TrimSpace(*l) != *l:
			c.invalid(at, *l, "must not be padded with whitespace")
		}
		if l := a.LocalhostProfile; l != nil && len(*l) > most {
			c.tooLong(at, most)
		}
	case corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined:
		if a.LocalhostProfile != nil {
			c.invalid(at, a.LocalhostProfile, "can only be set when AppArmor type is Localhost")
		}
	case "":
		c.required(p.child("type"), "type is required when appArmorProfile is set")
	default:
		oneOf(c, p.child("type"), a.Type, corev1.AppArmorProfileTypeLocalhost, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined)
	}
}

// hostUsers is validateHostUsers.
func (c *check) hostUsers(p path, s *corev1.PodSpec) {
	if s.HostUsers == nil || *s.HostUsers {
		return
	}
	const detail = "when `hostUsers` is false"
	if s.HostNetwork {
		c.forbidden(p.child("hostNetwork"), detail)
	}
	if s.HostPID {
		c.forbidden(p.child("HostPID"), detail) // sic
	}
	if s.HostIPC {
		c.forbidden(p.child("HostIPC"), detail) // sic
	}
	eachContainer(s, func(list string, i int, ctr *corev1.Container) {
		in := p.child(list)
		at := in.at(i)
		if len(ctr.VolumeDevices) > 0 {
			c.forbidden(at.child("volumeDevices"), detail)
		}
	})
}

// os is validateOS: nodes here run Linux, so Windows is named but not looked
// into.
func (c *check) os(p path, s *corev1.PodSpec) {
	at := p.child("os")
	if s.OS.Name == "" {
		c.required(at.child("name"), "")
		return
	}
	oneOf(c, at, s.OS.Name, corev1.Linux, corev1.Windows)
	if s.OS.Name != corev1.Linux {
		return
	}
	const detail = "windows options cannot be set for a linux pod"
	if s.SecurityContext != nil && s.SecurityContext.WindowsOptions != nil {
		c.forbidden(p.child("securityContext.windowsOptions"), detail)
	}
	eachContainer(s, func(list string, i int, ctr *corev1.Container) {
		in := p.child(list)
		at := in.at(i)
		if ctr.SecurityContext != nil && ctr.SecurityContext.WindowsOptions != nil {
			c.forbidden(at.child("securityContext.windowsOptions"), detail)
		}
	})
}
