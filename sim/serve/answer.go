package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// readLimited reads up to one byte more than the limit.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit+1))
}

// plain answers with a line of text.
func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	io.WriteString(w, text) // whether it arrives is the client's affair, here and below
}

// safe is a client's text as it can be printed.
func safe(text string) string {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return strconv.QuoteToGraphic(text)
}

// notFound is the answer to a path that leads nowhere.
func (c *call) notFound() { plain(c.w, http.StatusNotFound, "404 page not found\n") }

// notAllowed is the answer to a method that a resource does not have.
func (c *call) notAllowed() {
	c.fail(&apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusMethodNotAllowed,
		Reason: metav1.StatusReasonMethodNotAllowed, Message: "the server does not allow this method on the requested resource", Details: &metav1.StatusDetails{}}})
}

// statusOf returns an error as the API shows it (ErrorToAPIStatus).
func statusOf(err error) *metav1.Status {
	var known apierrors.APIStatus
	st := metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: err.Error()}
	if errors.As(err, &known) {
		st = known.Status()
		if st.Code == 0 {
			st.Code = http.StatusInternalServerError
		}
		if st.Status == "" {
			st.Status = metav1.StatusFailure
		}
	}
	st.Kind, st.APIVersion = "Status", "v1"
	return &st
}

// fail answers with an error.
func (c *call) fail(err error) {
	st := statusOf(err)
	if st.Details != nil && st.Details.RetryAfterSeconds > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(st.Details.RetryAfterSeconds)))
	}
	f, ferr := c.negotiate(false)
	if ferr != nil || f.as != "" {
		f.as = ""
	}
	c.encode(int(st.Code), f, st)
}

// encode answers with an object, which has its kind.
func (c *call) encode(code int, f form, obj runtime.Object) {
	var body bytes.Buffer
	if err := f.serializer().Encode(obj, &body); err != nil {
		plain(c.w, http.StatusInternalServerError, fmt.Sprintf("cannot encode the answer: %v\n", err))
		return
	}
	c.w.Header().Set("Content-Type", f.info.MediaType)
	c.w.Header().Set("Cache-Control", "no-cache, private")
	c.w.WriteHeader(code)
	c.w.Write(body.Bytes())
}

// encodeJSON answers with a value.
func (c *call) encodeJSON(code int, v any) {
	body, err := json.Marshal(v)
	if err == nil && isPretty(c.r) {
		body, err = json.MarshalIndent(v, "", "  ")
	}
	if err != nil {
		plain(c.w, http.StatusInternalServerError, fmt.Sprintf("cannot encode the answer: %v\n", err))
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(code)
	c.w.Write(body)
}

// warn adds warnings to the answer that is about to be given
// (net.NewWarningHeader, endpoints/filters/warning.go: 4 KiB of them at most).
func (c *call) warn(warnings []string) {
	total := 0
	for _, w := range warnings {
		w = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, w)
		if total += len(w); total > 4096 {
			return
		}
		if h, err := utilnet.NewWarningHeader(299, "-", w); err == nil {
			c.w.Header().Add("Warning", h)
		}
	}
}
