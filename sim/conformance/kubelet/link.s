// This file lets upstream.go declare functions without a body (go:linkname).
