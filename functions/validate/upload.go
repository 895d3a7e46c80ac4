package validate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

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
	partStorage  = "storage"
	partTarget   = "container"
)

// parts are the names of all parts.
const parts = "file, clientId, tenantId, storage, container"

// upload is a request, decoded: the file, and what stands beside it.
type upload struct {
	file               []byte
	form               credential.Form
	storage, container string
}

// maxText is the most bytes of a text part; longer is no GUID, and no id of a resource.
const maxText = 600

// upload takes the file, and what stands beside it, out of the request. The error is a *problem.Problem.
func (in *input) upload() (upload, error) {
	if p := problem.Uncompressed(in.ContentEncoding); p != nil {
		return upload{}, p
	}
	media, parameters, err := mime.ParseMediaType(in.ContentType)
	switch {
	case in.ContentType == "", err == nil && (media == "application/json" || media == "application/octet-stream"):
		file, err := checked(in.RawBody, len(in.RawBody) > 0)
		return upload{file: file, storage: in.Storage, container: in.Container}, err
	case err == nil && media == "multipart/form-data":
		if !isEnded(in.RawBody, parameters["boundary"]) {
			return upload{}, malformed()
		}
		up, err := readForm(in.RawBody, parameters["boundary"])
		if err == nil && (in.Storage != "" && up.storage != "" || in.Container != "" && up.container != "") {
			return upload{}, combination("storage", "The storage stands in the query and in the form.")
		}
		up.storage, up.container = cmp.Or(up.storage, in.Storage), cmp.Or(up.container, in.Container)
		return up, err
	default:
		return upload{}, problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupportedMediaType,
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
func readForm(body []byte, boundary string) (upload, error) {
	parts := map[string][]byte{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var faults []diagnosis.Finding
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return upload{}, malformed()
		}
		content, err := io.ReadAll(part) // the body is bounded
		if err != nil {
			return upload{}, malformed()
		}
		if f := judge(part.FormName(), content, parts); f != nil {
			faults = append(faults, *f)
			continue
		}
		parts[part.FormName()] = content
	}
	if len(faults) > 0 {
		return upload{}, problem.New(http.StatusUnprocessableEntity, faults[0].Code, faults[0].Detail,
			faults[:min(len(faults), maxFaults)]...)
	}
	content, given := parts[partFile]
	file, err := checked(content, given)
	return upload{file: file, storage: string(parts[partStorage]), container: string(parts[partTarget]),
		form: credential.Form{ClientID: string(parts[partClientID]), TenantID: string(parts[partTenantID])}}, err
}

// combination refuses what does not go together.
func combination(name, why string) error {
	return problem.New(http.StatusUnprocessableEntity, diagnosis.CodeInvalidCombination, why, diagnosis.Finding{
		Pointer: "/" + name, Code: diagnosis.CodeInvalidCombination, Detail: why})
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
			parts
	case !slices.Contains(strings.Split(parts, ", "), name):
		f.Code, f.Detail, f.Expected = diagnosis.CodeUnknownMember, "The form has a part that is not known.",
			parts
	case again:
		f.Code, f.Detail = diagnosis.CodeDuplicateMember, "The form has the part more than once."
	case name != partFile && len(content) > maxText:
		f.Code, f.Detail, f.Expected = diagnosis.CodeInvalidValue, "The part is too long.",
			"at most 600 bytes"
	default:
		return nil
	}
	return &f
}

func malformed() error {
	return problem.New(http.StatusBadRequest, diagnosis.CodeMalformedForm,
		"The body is not a form: its parts do not begin and end as the boundary of the Content-Type says.")
}
