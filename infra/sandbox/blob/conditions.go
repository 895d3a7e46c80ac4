package blob

import (
	"net/http"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// checkRead judges the conditional headers of a read: an unchanged blob is 304, any other unmet condition 412.
func checkRead(h http.Header, b world.Blob) error {
	if match := h.Get("If-Match"); match != "" && !isMatch(match, b.ETag) {
		return conditionNotMet(http.StatusPreconditionFailed)
	}
	if since, ok := dateOf(h, "If-Unmodified-Since"); ok && modified(b).After(since) {
		return conditionNotMet(http.StatusPreconditionFailed)
	}
	if none := h.Get("If-None-Match"); none != "" {
		if isMatch(none, b.ETag) {
			return conditionNotMet(http.StatusNotModified)
		}
		return nil
	}
	if since, ok := dateOf(h, "If-Modified-Since"); ok && !modified(b).After(since) {
		return conditionNotMet(http.StatusNotModified)
	}
	return nil
}

// checkWrite judges the conditional headers of a write; current is nil where there is no blob yet. A blob that was to
// be new (If-None-Match: *) but exists is 409, any other unmet condition 412.
func checkWrite(h http.Header, current *world.Blob) error {
	match, none := h.Get("If-Match"), h.Get("If-None-Match")
	if current == nil {
		if match != "" {
			return conditionNotMet(http.StatusPreconditionFailed)
		}
		return nil
	}
	if none == "*" {
		return blobExists()
	}
	if match != "" && !isMatch(match, current.ETag) || none != "" && isMatch(none, current.ETag) {
		return conditionNotMet(http.StatusPreconditionFailed)
	}
	if since, ok := dateOf(h, "If-Unmodified-Since"); ok && modified(*current).After(since) {
		return conditionNotMet(http.StatusPreconditionFailed)
	}
	if since, ok := dateOf(h, "If-Modified-Since"); ok && !modified(*current).After(since) {
		return conditionNotMet(http.StatusPreconditionFailed)
	}
	return nil
}

// isMatch compares an ETag with the header's value: "*", or one ETag, with or without its quotes.
func isMatch(header, etag string) bool {
	return header == "*" || strings.Trim(header, `"`) == strings.Trim(etag, `"`)
}

// modified is the blob's time as the header shows it, in whole seconds.
func modified(b world.Blob) time.Time { return b.Modified.Truncate(time.Second) }

func dateOf(h http.Header, name string) (time.Time, bool) {
	date, err := http.ParseTime(h.Get(name))
	return date, err == nil
}
