package problem

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Unchanged tells an answer whose body is the same for everybody from what the sender has of it already (RFC 9110,
// section 13.1.2): its status, its strong entity tag, and the body that is to be sent, none with 304.
func Unchanged(ifNoneMatch string, body []byte) (status int, etag string, left []byte) {
	sum := sha256.Sum256(body)
	etag = EntityTag(hex.EncodeToString(sum[:16]))
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return http.StatusNotModified, etag, nil
		}
	}
	return http.StatusOK, etag, body
}

// NotModified is the declaration of an answer without a body.
func NotModified() *huma.Response {
	return &huma.Response{Description: "If-None-Match names what would be answered"}
}
