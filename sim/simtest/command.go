package simtest

import (
	"regexp"
	"runtime"
	"strings"
)

// command returns the command that runs one test again with a flag. The package
// is that of the test function on the stack; if there is none, as in a cleanup,
// it is the one in the current directory.
func command(test, flag string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return "go test " + packageOf(parts[0]) + " -run '" + strings.Join(parts, "/") + "' " + flag
}

// packageOf finds the import path of the test function that is running.
func packageOf(test string) string {
	test = strings.Trim(test, "^$")
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		slash := strings.LastIndexByte(f.Function, '/')
		dot := strings.IndexByte(f.Function[slash+1:], '.')
		if dot >= 0 {
			path, name := f.Function[:slash+1+dot], f.Function[slash+2+dot:]
			if name == test || strings.HasPrefix(name, test+".") {
				return strings.TrimSuffix(path, "_test")
			}
		}
		if !more {
			return "."
		}
	}
}
