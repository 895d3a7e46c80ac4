package problem

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// refusalOf makes a *Problem of what package strictjson found: 400 where a body is not JSON, else 422.
func refusalOf(err error) error {
	var fault *strictjson.Error
	if !errors.As(err, &fault) {
		return err
	}
	status := statusContract
	if fault.Code == strictjson.CodeMalformed || fault.Code == strictjson.CodeTooDeep {
		status = statusUnread
	}
	p := New(status, fault.Code, fault.Detail, fault.Findings...)
	p.cause = fault.Err
	return p
}

// mediaType refuses what is not plain JSON in UTF-8. A missing Content-Type counts as JSON.
func mediaType(contentType, contentEncoding, named string) *Problem {
	unsupported := func(detail string) *Problem {
		return New(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, detail)
	}
	if p := Uncompressed(contentEncoding); p != nil {
		return p
	}
	if contentType == "" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return unsupported("Send the body as Content-Type: " + named + ".")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupported("Send the body in UTF-8.")
	}
	return nil
}

// Uncompressed refuses a body with a Content-Encoding, which nothing here would undo; nil where there is none.
func Uncompressed(contentEncoding string) *Problem {
	if contentEncoding == "" || strings.EqualFold(contentEncoding, "identity") {
		return nil
	}
	return New(http.StatusUnsupportedMediaType, CodeUnsupportedEncoding,
		"The request says by its Content-Encoding that the body is compressed.")
}
