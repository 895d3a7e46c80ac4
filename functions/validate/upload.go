package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// The parts of a form.
const (
	partFile     = "file"
	partClientID = "clientId"
	partTenantID = "tenantId"
)

// maxText is the most bytes of a text part; longer is no GUID.
const maxText = 600

// upload takes the file, and what the form tells beside it, out of the request. The error is a *problem.Problem.
func (in *input) upload() ([]byte, credential.Form, error) {
	if p := problem.Uncompressed(in.ContentEncoding); p != nil {
		return nil, credential.Form{}, p
	}
	media, parameters, err := mime.ParseMediaType(in.ContentType)
	switch {
	case in.ContentType == "", err == nil && (media == "application/json" || media == "application/octet-stream"):
		file, err := checked(in.RawBody, len(in.RawBody) > 0)
		return file, credential.Form{}, err
	case err == nil && media == "multipart/form-data":
		if !isEnded(in.RawBody, parameters["boundary"]) {
			return nil, credential.Form{}, malformed()
		}
		return readForm(in.RawBody, parameters["boundary"])
	default:
		return nil, credential.Form{}, problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupportedMediaType,
			"Send the file as application/json or application/octet-stream, or in a form as multipart/form-data.")
	}
}

// isEnded reports whether a form has its last boundary (RFC 2046, section 5.1.1). Without it the form is cut off,
// which package multipart tells only of a cut amid the content of a part, not of one amid its headers.
func isEnded(form []byte, boundary string) bool {
	end := []byte("--" + boundary + "--")
	return boundary != "" && (bytes.HasPrefix(form, end) || bytes.Contains(form, append([]byte("\n"), end...)))
}

// checked refuses a file that is not there or too large.
func checked(file []byte, given bool) ([]byte, error) {
	switch {
	case !given:
		return nil, problem.New(http.StatusBadRequest, diagnosis.CodeFileMissing,
			"The request carries no file: send it as the body, or as the part file of a form.")
	case len(file) > credential.MaxSize:
		return nil, problem.New(http.StatusRequestEntityTooLarge, diagnosis.CodeFileTooLarge,
			fmt.Sprintf("The file has %d bytes; a credential file has at most %d.", len(file), credential.MaxSize))
	default:
		return file, nil
	}
}

// readForm reads a form of known parts, each at most once. A part that nobody reads would be a comparison that the
// caller believes was made.
func readForm(body []byte, boundary string) ([]byte, credential.Form, error) {
	parts := map[string][]byte{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var faults []diagnosis.Finding
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, credential.Form{}, malformed()
		}
		content, err := io.ReadAll(part) // the body is bounded
		if err != nil {
			return nil, credential.Form{}, malformed()
		}
		if f := judge(part.FormName(), content, parts); f != nil {
			faults = append(faults, *f)
			continue
		}
		parts[part.FormName()] = content
	}
	if len(faults) > 0 {
		return nil, credential.Form{}, problem.New(http.StatusUnprocessableEntity, faults[0].Code, faults[0].Detail,
			faults[:min(len(faults), maxFaults)]...)
	}
	content, given := parts[partFile]
	file, err := checked(content, given)
	return file, credential.Form{ClientID: string(parts[partClientID]), TenantID: string(parts[partTenantID])}, err
}

// maxFaults bounds the answer to a form that is wrong everywhere.
const maxFaults = 20

// judge returns what is wrong with a part of a form, nil if nothing is.
func judge(name string, content []byte, seen map[string][]byte) *diagnosis.Finding {
	f := diagnosis.Finding{Pointer: redact.PointerTo("", name)}
	_, again := seen[name]
	switch {
	case name == "":
		f.Code, f.Detail, f.Expected = diagnosis.CodeUnknownMember, "The form has a part without a name.",
			"file, clientId, tenantId"
	case name != partFile && name != partClientID && name != partTenantID:
		f.Code, f.Detail, f.Expected = diagnosis.CodeUnknownMember, "The form has a part that is not known.",
			"file, clientId, tenantId"
	case again:
		f.Code, f.Detail = diagnosis.CodeDuplicateMember, "The form has the part more than once."
	case name != partFile && len(content) > maxText:
		f.Code, f.Detail, f.Expected = diagnosis.CodeInvalidValue, "The part is too long to be an id.", "a GUID"
	default:
		return nil
	}
	return &f
}

func malformed() error {
	return problem.New(http.StatusBadRequest, diagnosis.CodeMalformedForm,
		"The body is not a form: its parts do not begin and end as the boundary of the Content-Type says.")
}
