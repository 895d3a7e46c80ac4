package blob

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// failure is one refusal: HTTP status, storage error code, sentence. It is an error so that each step of an operation
// can stop at the first.
type failure struct {
	status  int
	code    string
	message string
	detail  string // AuthenticationErrorDetail, empty for most
	// header and value are the header that is refused, empty for most.
	header, value string
}

// Error is the code, as x-ms-error-code carries it.
func (f *failure) Error() string { return f.code }

// refusals of the service with Azure's own texts.
func accessDenied() *failure {
	return &failure{status: http.StatusForbidden, code: "AuthorizationFailure", message: "This request is not " +
		"authorized to perform this operation."}
}

func permissionMismatch() *failure {
	return &failure{status: http.StatusForbidden, code: "AuthorizationPermissionMismatch",
		message: "This request is not authorized to perform this operation using this permission."}
}

func keyNotPermitted() *failure {
	return &failure{status: http.StatusForbidden, code: "KeyBasedAuthenticationNotPermitted",
		message: "Key based authentication is not permitted on this storage account."}
}

const seeChallenge = "Server failed to authenticate the request. Please refer to the information in the " +
	"www-authenticate header."

func noAuthentication() *failure {
	return &failure{status: http.StatusUnauthorized, code: "NoAuthenticationInformation", message: seeChallenge}
}

func badToken(detail string) *failure {
	return &failure{status: http.StatusUnauthorized, code: "InvalidAuthenticationInfo", message: seeChallenge,
		detail: detail}
}

func badAuthorizationHeader() *failure {
	return &failure{status: http.StatusBadRequest, code: "InvalidAuthenticationInfo",
		message: "Authentication information is not given in the correct format. Check the value of " +
			"Authorization header."}
}

func bearerNotSupported() *failure {
	return &failure{status: http.StatusForbidden, code: "AuthenticationFailed",
		message: "Server failed to authenticate the request. Make sure the value of Authorization header is formed " +
			"correctly including the signature.",
		detail: "Authentication scheme Bearer is not supported in this version."}
}

func invalidHeader(name, value string) *failure {
	return &failure{status: http.StatusBadRequest, code: "InvalidHeaderValue",
		message: "The value for one of the HTTP headers is not in the correct format.", header: name, value: value}
}

func directoryNotEmpty() *failure {
	return &failure{status: http.StatusConflict, code: "DirectoryIsNotEmpty",
		message: "This operation is not permitted on a non-empty directory."}
}

func containerNotFound() *failure {
	return &failure{status: http.StatusNotFound, code: "ContainerNotFound",
		message: "The specified container does not exist."}
}

func containerExists() *failure {
	return &failure{status: http.StatusConflict, code: "ContainerAlreadyExists",
		message: "The specified container already exists."}
}

func blobNotFound() *failure {
	return &failure{status: http.StatusNotFound, code: "BlobNotFound", message: "The specified blob does not exist."}
}

func blobExists() *failure {
	return &failure{status: http.StatusConflict, code: "BlobAlreadyExists",
		message: "The specified blob already exists."}
}

func conditionNotMet(status int) *failure {
	return &failure{status: status, code: "ConditionNotMet", message: "The condition specified using HTTP " +
		"conditional header(s) is not met."}
}

func immutable() *failure {
	return &failure{status: http.StatusConflict, code: "BlobImmutableDueToPolicy", message: "This operation is not " +
		"permitted as the blob is immutable due to a policy."}
}

func invalidRange() *failure {
	return &failure{status: http.StatusRequestedRangeNotSatisfiable, code: "InvalidRange",
		message: "The range specified is invalid for the current size of the resource."}
}

func invalidName() *failure {
	return &failure{status: http.StatusBadRequest, code: "InvalidResourceName", message: "The specified resource " +
		"name contains invalid characters."}
}

func missingHeader(name string) *failure {
	return &failure{status: http.StatusBadRequest, code: "MissingRequiredHeader", message: "An HTTP header that's " +
		"mandatory for this request is not specified. HeaderName: " + name}
}

func invalidQuery(name string) *failure {
	return &failure{status: http.StatusBadRequest, code: "InvalidQueryParameterValue",
		message: "Value for one of the query parameters specified in the request URI is invalid. " +
			"QueryParameterName: " + name}
}

func bodyTooLarge() *failure {
	return &failure{status: http.StatusRequestEntityTooLarge, code: "RequestBodyTooLarge",
		message: "The request body is too large and exceeds the maximum permissible limit."}
}

// notImplemented is for what Azure has and this sandbox has not: it must never look like a success.
func notImplemented(what string) *failure {
	return &failure{status: http.StatusNotImplemented, code: "NotImplemented", message: "The sandbox's blob service " +
		"does not implement this: " + what}
}

// byteOrderMark begins every XML body of the real service.
const byteOrderMark = "\ufeff"

// write sends the refusal; the answer to HEAD, and 304, has its code in the header only.
func (f *failure) write(w http.ResponseWriter, r *http.Request, now time.Time) {
	w.Header().Set("x-ms-error-code", f.code)
	if r.Method == http.MethodHead || f.status == http.StatusNotModified {
		w.WriteHeader(f.status)
		return
	}
	body := struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
		Detail  string   `xml:"AuthenticationErrorDetail,omitempty"`
		Header  string   `xml:"HeaderName,omitempty"`
		Value   string   `xml:"HeaderValue,omitempty"`
	}{
		Code: f.code,
		Message: fmt.Sprintf("%s\nRequestId:%s\nTime:%s", f.message, w.Header().Get("x-ms-request-id"),
			now.UTC().Format("2006-01-02T15:04:05.0000000Z")),
		Detail: f.detail,
		Header: f.header,
		Value:  f.value,
	}
	writeXML(w, f.status, body)
}

func writeXML(w http.ResponseWriter, status int, body any) {
	text, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, "cannot write XML", http.StatusInternalServerError)
		return
	}
	document := byteOrderMark + `<?xml version="1.0" encoding="utf-8"?>` + string(text)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(document)))
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_, _ = io.WriteString(w, document)
}
