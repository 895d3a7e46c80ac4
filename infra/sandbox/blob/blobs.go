package blob

import (
	"crypto/md5" //nolint:gosec // Content-MD5 is part of the protocol, not a protection
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const metadataPrefix = "X-Ms-Meta-"

// put is Put Blob: the whole content in one request.
func (s *Service) put(w http.ResponseWriter, r request) error {
	switch kind := r.Header.Get("x-ms-blob-type"); {
	case kind == "":
		return missingHeader("x-ms-blob-type")
	case kind != "BlockBlob":
		return notImplemented("x-ms-blob-type " + kind)
	case r.Header.Get("x-ms-copy-source") != "":
		return notImplemented("copying")
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBlob))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return bodyTooLarge()
		}
		return fmt.Errorf("blob: read body: %w", err)
	}
	next := &world.Blob{Content: content, ContentType: contentType(r), Metadata: metadataOf(r)}
	stored, err := s.write(r, func(*world.Blob) (*world.Blob, error) { return next, nil })
	if err != nil {
		return err
	}
	digest := md5.Sum(content) //nolint:gosec // as above
	validators(w, stored.ETag, stored.Modified)
	w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(digest[:]))
	w.Header().Set("x-ms-request-server-encrypted", "true")
	w.WriteHeader(http.StatusCreated)
	return nil
}

// setMetadata is Set Blob Metadata: it replaces all of it and leaves the content.
func (s *Service) setMetadata(w http.ResponseWriter, r request) error {
	stored, err := s.write(r, func(current *world.Blob) (*world.Blob, error) {
		if current == nil {
			return nil, blobNotFound()
		}
		next := *current
		next.Metadata = metadataOf(r)
		return &next, nil
	})
	if err != nil {
		return err
	}
	validators(w, stored.ETag, stored.Modified)
	w.Header().Set("x-ms-request-server-encrypted", "true")
	w.WriteHeader(http.StatusOK)
	return nil
}

// write checks conditions and then immutability, and stores what change makes of the present blob, all in one step, so
// that of many writers with the same condition one wins.
func (s *Service) write(r request, change func(current *world.Blob) (*world.Blob, error)) (world.Blob, error) {
	stored, err := s.world.UpdateBlob(r.account.Name, r.container, r.blob,
		func(c world.Container, current *world.Blob) (*world.Blob, error) {
			next, err := change(current)
			if err != nil {
				return nil, err
			}
			if err := checkWrite(r.Header, current); err != nil {
				return nil, err
			}
			if c.Immutable && current != nil {
				return nil, immutable()
			}
			return next, nil
		})
	return stored, refusalOf(err)
}

// delete is Delete Blob. A condition on a blob that is not there is 404, unlike with a write.
func (s *Service) delete(w http.ResponseWriter, r request) error {
	_, err := s.world.UpdateBlob(r.account.Name, r.container, r.blob,
		func(c world.Container, current *world.Blob) (*world.Blob, error) {
			if current == nil {
				return nil, blobNotFound()
			}
			if err := checkWrite(r.Header, current); err != nil {
				return nil, err
			}
			if c.Immutable {
				return nil, immutable()
			}
			return nil, nil
		})
	if err != nil {
		return refusalOf(err)
	}
	w.Header().Set("x-ms-delete-type-permanent", "true")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// get is Get Blob, whole or a range of it.
func (s *Service) get(w http.ResponseWriter, r request) error {
	found, err := s.read(r)
	if err != nil {
		return err
	}
	from, to, partial, err := rangeOf(r, len(found.Content))
	if err != nil {
		return err
	}
	properties(w, found)
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(found.Content)))
	}
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_, _ = w.Write(found.Content[from:to])
	return nil
}

// head is Get Blob Properties.
func (s *Service) head(w http.ResponseWriter, r request) error {
	found, err := s.read(r)
	if err != nil {
		return err
	}
	properties(w, found)
	w.Header().Set("Content-Length", strconv.Itoa(len(found.Content)))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) read(r request) (world.Blob, error) {
	found, err := s.world.ReadBlob(r.account.Name, r.container, r.blob)
	if err != nil {
		return world.Blob{}, refusalOf(err)
	}
	return found, checkRead(r.Header, found)
}

func properties(w http.ResponseWriter, b world.Blob) {
	validators(w, b.ETag, b.Modified)
	h := w.Header()
	h.Set("Content-Type", b.ContentType)
	h.Set("Accept-Ranges", "bytes")
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("x-ms-creation-time", b.Created.UTC().Format(http.TimeFormat))
	h.Set("x-ms-lease-status", "unlocked")
	h.Set("x-ms-lease-state", "available")
	h.Set("x-ms-server-encrypted", "true")
	h.Set("x-ms-access-tier", "Hot")
	h.Set("x-ms-access-tier-inferred", "true")
	for name, value := range b.Metadata {
		h.Set(metadataPrefix+name, value)
	}
}

// rangeOf is the half-open range of bytes that is asked for, and whether any was.
func rangeOf(r request, size int) (int, int, bool, error) {
	header := r.Header.Get("x-ms-range")
	if header == "" {
		header = r.Header.Get("Range")
	}
	if header == "" {
		return 0, size, false, nil
	}
	first, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	from, err := strconv.Atoi(first)
	if !ok || err != nil || from < 0 || from >= size {
		return 0, 0, false, invalidRange()
	}
	to := size - 1
	if last != "" {
		to, err = strconv.Atoi(last)
		if err != nil || to < from {
			return 0, 0, false, invalidRange()
		}
	}
	return from, min(to+1, size), true, nil
}

func contentType(r request) string {
	for _, name := range []string{"x-ms-blob-content-type", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			return value
		}
	}
	return "application/octet-stream"
}

// metadataOf collects the x-ms-meta- headers. Names are kept in lower case: HTTP libraries do not preserve theirs.
func metadataOf(r request) map[string]string {
	metadata := map[string]string{}
	for name := range maps.Keys(r.Header) {
		if key, ok := strings.CutPrefix(name, metadataPrefix); ok {
			metadata[strings.ToLower(key)] = r.Header.Get(name)
		}
	}
	return metadata
}
