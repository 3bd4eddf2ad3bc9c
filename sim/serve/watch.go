package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// How long a watch lasts that does not say how long, and how often it is told
// the version if it asks for bookmarks and nothing else is said.
const (
	watchSpan    = 45 * time.Minute // 30 to 60 upstream
	bookmarkSpan = time.Minute
)

// stream is a watch that is being answered.
type stream struct {
	call   *call
	tr     *transformer
	sel    *selection
	target *target
	to     io.Writer // frames
	flush  func()
	sent   uint64 // the newest version that the client knows of
	marks  bool   // it wants bookmarks
}

// watch answers with events as they happen (handleWatch).
func (c *call) watch(t *target, f form, opts *internalversion.ListOptions, sel *selection) {
	flusher, ok := c.w.(http.Flusher)
	if !ok {
		c.fail(apierrors.NewInternalError(fmt.Errorf("unable to start watch - can't get http.Flusher: %T", c.w)))
		return
	}
	tr, err := c.transformer(f, t)
	if err != nil {
		c.fail(err)
		return
	}
	first, cur, err := c.beginWatch(t, opts)
	var late *apierrors.StatusError
	if err != nil && !isGone(err, &late) {
		c.fail(err)
		return
	}
	mediaType := f.info.MediaType
	if mediaType != runtime.ContentTypeJSON {
		mediaType += ";stream=watch"
	}
	c.w.Header().Set("Content-Type", mediaType)
	c.w.Header().Set("Cache-Control", "no-cache, private")
	c.w.WriteHeader(http.StatusOK)
	s := &stream{call: c, tr: tr, sel: sel, target: t, to: f.info.StreamSerializer.Framer.NewFrameWriter(c.w), flush: flusher.Flush, marks: opts.AllowWatchBookmarks}
	s.flush()
	if late != nil { // upstream's watch cache, newErrWatcher
		s.refuse(late)
		return
	}
	defer cur.close()
	c.leave()
	span := watchSpan
	if opts.TimeoutSeconds != nil && *opts.TimeoutSeconds > 0 {
		span = time.Duration(*opts.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), span)
	defer cancel()
	s.follow(ctx, first, cur, opts)
}

func isGone(err error, late **apierrors.StatusError) bool {
	st, ok := err.(*apierrors.StatusError)
	if ok && apierrors.IsResourceExpired(err) {
		*late = st
		return true
	}
	return false
}

// initial is what a watch begins with.
type initial struct {
	objs    []apiserver.Object
	version uint64
	asked   bool // for the objects
}

// beginWatch finds the place where a watch begins, and what it begins with.
func (c *call) beginWatch(t *target, opts *internalversion.ListOptions) (first initial, cur *cursor, err error) {
	first.asked = opts.SendInitialEvents != nil && *opts.SendInitialEvents
	version := uint64(0)
	if opts.ResourceVersion != "" {
		if version, err = strconv.ParseUint(opts.ResourceVersion, 10, 64); err != nil {
			return first, nil, apierrors.NewBadRequest(fmt.Sprintf("invalid resource version %q: %v", opts.ResourceVersion, err))
		}
	}
	c.look(func(cl *sim.Cluster) {
		first.version = cl.Version()
		switch {
		case first.asked && version > first.version:
			err = tooLarge(version, first.version)
		case first.asked:
			if first.objs, err = t.list(cl); err == nil {
				cur, err = c.journal.from(t, first.version)
			}
		case version == 0: // sendInitialEvents=false without a version: from now on
			cur, err = c.journal.from(t, first.version)
		default:
			first.version = min(version, first.version)
			cur, err = c.journal.from(t, version)
		}
	})
	return first, cur, err
}

// follow sends what there is, a bookmark where that ends, and what happens.
func (s *stream) follow(ctx context.Context, first initial, cur *cursor, opts *internalversion.ListOptions) {
	s.sent = first.version
	for _, obj := range first.objs {
		if s.sel.matches(obj) && s.send(watch.Added, obj) != nil {
			return
		}
	}
	if first.asked && s.marks && s.bookmark(first.version, true) != nil {
		return
	}
	s.flush()
	tick := time.NewTicker(bookmarkSpan)
	if !s.marks {
		tick.Stop()
	}
	defer tick.Stop()
	for {
		recs, told, err := cur.read()
		if err != nil {
			s.refuse(err)
			return
		}
		for _, rec := range recs {
			if s.record(rec) != nil || ctx.Err() != nil {
				return
			}
		}
		if len(recs) > 0 {
			s.call.moves.Add(1)
			s.flush()
			continue
		}
		select {
		case <-told:
		case <-tick.C:
			if s.remind(cur) != nil {
				return
			}
		case <-ctx.Done():
			if s.marks && s.call.r.Context().Err() == nil {
				s.remind(cur) // the watch ends: so the next one need not begin further back
			}
			return
		case <-s.call.ending:
			return
		}
	}
}

// remind sends a bookmark if the version has moved on by what the watch does not
// see, and nothing is left to be sent.
func (s *stream) remind(cur *cursor) error {
	var version uint64
	s.call.look(func(cl *sim.Cluster) { version = cl.Version() })
	at := cur.next
	if recs, _, err := cur.read(); err != nil || len(recs) > 0 {
		cur.next = at
		return err
	}
	if version == s.sent {
		return nil
	}
	s.sent = version
	defer s.flush()
	return s.bookmark(version, false)
}

// record sends what a record means to the watch: an object that begins to match
// is added to it, one that ceases to is deleted (convertToWatchEvent).
func (s *stream) record(rec *apiserver.Record) error {
	is, was := rec.Type != watch.Deleted && s.sel.matches(rec.Object), rec.Old != nil && s.sel.matches(rec.Old)
	s.sent = max(s.sent, rec.Version)
	switch {
	case is && was:
		return s.send(watch.Modified, rec.Object)
	case is:
		return s.send(watch.Added, rec.Object)
	case was:
		last := rec.Old
		if rec.Type != watch.Deleted {
			last = apiserver.ShallowCopy(last)
			last.SetResourceVersion(strconv.FormatUint(rec.Version, 10))
		} else {
			last = rec.Object
		}
		return s.send(watch.Deleted, last)
	}
	return nil
}

func (s *stream) send(typ watch.EventType, obj apiserver.Object) error {
	if s.tr.as == "Table" { // with ages
		s.call.look(func(cl *sim.Cluster) { s.tr.now = cl.Now() })
	}
	out := s.tr.one(obj)
	if s.tr.as == "PartialObjectMetadataList" {
		out = s.tr.partial(obj)
	}
	s.tr.headed = true
	return s.event(typ, out)
}

// bookmark sends a version, at the end of the initial events with the annotation
// that says so.
func (s *stream) bookmark(version uint64, initial bool) error {
	obj := s.target.empty()
	obj.SetResourceVersion(strconv.FormatUint(version, 10))
	if initial {
		obj.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	if s.tr.as == "Table" {
		// Upstream prints a row of the empty object, too.
		return s.event(watch.Bookmark, s.tr.table([]apiserver.Object{obj}, metav1.ListMeta{ResourceVersion: obj.GetResourceVersion()}))
	}
	return s.send(watch.Bookmark, obj)
}

// refuse ends a watch with an error.
func (s *stream) refuse(err error) {
	if s.event(watch.Error, statusOf(err)) == nil {
		s.flush()
	}
}

// event sends an event.
func (s *stream) event(typ watch.EventType, obj runtime.Object) error {
	var inner, outer bytes.Buffer
	if err := s.tr.info.Serializer.Encode(obj, &inner); err != nil {
		return err
	}
	ev := &metav1.WatchEvent{Type: string(typ), Object: runtime.RawExtension{Raw: bytes.TrimSuffix(inner.Bytes(), []byte("\n"))}}
	if err := s.tr.info.StreamSerializer.Serializer.Encode(ev, &outer); err != nil {
		return err
	}
	_, err := s.to.Write(outer.Bytes())
	return err
}
