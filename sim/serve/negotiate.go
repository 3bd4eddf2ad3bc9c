package serve

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/munnerz/goautoneg"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1beta1 "k8s.io/apimachinery/pkg/apis/meta/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// codecs encode and decode what is sent: JSON, YAML and protobuf.
var (
	scheme = newScheme()
	codecs = serializer.NewCodecFactory(scheme)
	media  = codecs.SupportedMediaTypes()
)

// form is how an answer is to look.
type form struct {
	info runtime.SerializerInfo
	// as is "Table", "PartialObjectMetadata" or "PartialObjectMetadataList", or
	// empty for the object itself; version is that of meta.k8s.io.
	as      string
	version schema.GroupVersion
	pretty  bool
}

func (f *form) serializer() runtime.Serializer {
	if f.pretty && f.info.PrettySerializer != nil {
		return f.info.PrettySerializer
	}
	return f.info.Serializer
}

// negotiate reads what a client accepts (negotiation.NegotiateMediaTypeOptions):
// its first wish that can be fulfilled.
func (c *call) negotiate(stream bool) (form, error) {
	header := c.r.Header.Get("Accept")
	f := form{info: media[0], pretty: isPretty(c.r)}
	if header == "" {
		return f, nil
	}
	for _, clause := range goautoneg.ParseAccept(header) {
		for _, info := range media {
			if c.plainText && !info.EncodesAsText {
				continue
			}
			if !matches(clause, info) || stream && info.StreamSerializer == nil {
				continue
			}
			if f, ok := transformed(f, clause.Params, info); ok {
				return f, nil
			}
		}
	}
	return f, unacceptable(stream)
}

func matches(clause goautoneg.Accept, info runtime.SerializerInfo) bool {
	return (clause.Type == "*" || clause.Type == info.MediaTypeType) && (clause.SubType == "*" || clause.SubType == info.MediaTypeSubType)
}

// transformed reads the parameters of a wish, and reports whether it can be
// fulfilled (acceptMediaTypeOptions, RequestScope.AllowsMediaTypeTransform).
func transformed(f form, params map[string]string, info runtime.SerializerInfo) (form, bool) {
	f.info = info
	if params["pretty"] == "1" {
		f.pretty = true
	}
	if s := params["stream"]; s != "" && (info.StreamSerializer == nil || s != "watch") || params["sv"] != "" {
		return f, false
	}
	as, g, v := params["as"], params["g"], params["v"]
	if as == "" && g == "" && v == "" {
		return f, true
	}
	f.as, f.version = as, schema.GroupVersion{Group: g, Version: v}
	if f.version != metav1.SchemeGroupVersion && f.version != metav1beta1.SchemeGroupVersion {
		return f, false
	}
	switch as {
	case "Table":
		return f, info.MediaTypeSubType == "json" || info.MediaTypeSubType == "yaml"
	case "PartialObjectMetadata", "PartialObjectMetadataList":
		return f, true
	}
	return f, false
}

// isPretty reports whether a person reads the answer (isPrettyPrint).
func isPretty(r *http.Request) bool {
	if p := r.URL.Query().Get("pretty"); p != "" {
		return p == "1" || strings.EqualFold(p, "true") || p == "t" || p == "T"
	}
	agent := r.UserAgent()
	return strings.HasPrefix(agent, "curl") || strings.HasPrefix(agent, "Wget") || strings.HasPrefix(agent, "Mozilla/5.0")
}

// mediaNames lists what is accepted.
func mediaNames(stream bool) string {
	var names []string
	for _, info := range media {
		switch {
		case !stream:
			names = append(names, info.MediaType)
		case info.StreamSerializer != nil:
			names = append(names, info.MediaType+";stream=watch")
		}
	}
	return strings.Join(names, ", ")
}

func unacceptable(stream bool) error {
	return statusError(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable, "only the following media types are accepted: "+mediaNames(stream))
}

func unsupported(accepted string) error {
	return statusError(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType, "the body of the request was in an unknown format - accepted media types include: "+accepted)
}

func statusError(code int, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message}}
}

// input returns how a body is encoded (NegotiateInputSerializer); none said
// means JSON.
func input(r *http.Request) (runtime.SerializerInfo, error) {
	typ := r.Header.Get("Content-Type")
	if typ == "" {
		return media[0], nil
	}
	if name, _, err := mime.ParseMediaType(typ); err == nil {
		if info, ok := runtime.SerializerInfoForMediaType(media, name); ok {
			return info, nil
		}
	}
	return runtime.SerializerInfo{}, unsupported(mediaNames(false))
}

// readBody reads a body of up to 3 MiB (limitedReadBody).
func readBody(r *http.Request) ([]byte, error) {
	const limit = 3 << 20
	if r.Body == nil {
		return nil, nil
	}
	body, err := readLimited(r.Body, limit)
	switch {
	case err != nil:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("cannot read the body: %v", err))
	case len(body) > limit:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", limit))
	}
	return body, nil
}
