package validate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// The parts of a form.
const (
	partFile     = "file"
	partClientID = "clientId"
	partTenantID = "tenantId"
	partStorage  = "storage"
	partTarget   = "container"
	partToken    = "subjectToken"
)

// parts are the names of all parts.
const parts = "file, clientId, tenantId, storage, container, subjectToken"

// upload is a request, decoded: the files, what stands beside them, and which of the names stand in the query.
type upload struct {
	files   []file
	request judgement.Request
	inQuery map[string]bool
}

// file is one that is to be judged, and the name that the form gives it. Of one that is too large the content is the
// beginning, by which it is known.
type file struct {
	name    string
	content []byte
	size    int64
}

// inAccess is the parameter that tells which rights are asked for.
const inAccess = "access"

// maxFiles is the most files of one request.
const maxFiles = 20

// maxText is the most bytes of a text part; longer is no GUID, and no id of a resource. maxToken is that of a token.
const (
	maxText  = 600
	maxToken = 16 << 10
)

// upload takes the file, and what stands beside it, out of the request. The error is a *problem.Problem.
func (in *input) upload() (upload, error) {
	if p := problem.Uncompressed(in.ContentEncoding); p != nil {
		return upload{}, p
	}
	up := upload{request: judgement.Request{Depth: in.Depth, Account: in.Storage, Container: in.Container,
		Access: in.Access},
		inQuery: map[string]bool{partStorage: in.Storage != "", partTarget: in.Container != "",
			inAccess: in.Access != ""}}
	media, parameters, err := mime.ParseMediaType(in.ContentType)
	switch {
	case in.ContentType == "", err == nil && (media == "application/json" || media == "application/octet-stream"):
		one, err := readFile(in.Body(maxBody))
		if err != nil {
			return upload{}, err
		}
		up.files = []file{one}
		if err := checked(up.files[:min(one.size, 1)]); err != nil {
			return upload{}, err
		}
		if in.Depth == judgement.DepthAccess {
			return upload{}, problem.InvalidParameter("query", "depth", "another depth, as a file alone has no place "+
				"for the token: send a form with the parts file and subjectToken")
		}
		return up, up.refusal(up.combined(nil))
	case err == nil && media == "multipart/form-data":
		err = up.readForm(in.Body(maxBody), parameters["boundary"])
		return up, err
	default:
		return upload{}, problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupportedMediaType,
			"Send the file as application/json or application/octet-stream, or in a form as multipart/form-data.")
	}
}

// combined are the faults of what names the storage, given the parts of a form: a name is given once, and for a look.
func (up *upload) combined(parts map[string][]byte) []diagnosis.Finding {
	var faults []diagnosis.Finding
	for _, name := range []string{partStorage, partTarget} {
		_, inForm := parts[name]
		fault := diagnosis.Finding{Pointer: "/" + name, Code: diagnosis.CodeInvalidCombination}
		switch {
		case inForm && up.inQuery[name]:
			fault.Detail, fault.Expected = "The name stands in the query and in the form.", "one of the two"
		case (inForm && len(parts[name]) > 0 || up.inQuery[name]) && up.request.Depth == judgement.DepthFile:
			fault.Detail, fault.Expected = "No storage is looked at with this depth.",
				"depth=discovery or deeper beside it"
		default:
			continue
		}
		faults = append(faults, fault)
	}
	isAccess := up.request.Depth == judgement.DepthAccess
	switch hasToken := len(parts[partToken]) > 0; {
	case hasToken && !isAccess:
		faults = append(faults, diagnosis.Finding{Pointer: "/" + partToken, Code: diagnosis.CodeInvalidCombination,
			Detail: "No token is used with this depth.", Expected: "depth=access beside it"})
	case isAccess && !hasToken:
		faults = append(faults, diagnosis.Finding{Pointer: "/" + partToken, Code: diagnosis.CodeMissingMember,
			Detail: "The depth access needs a token of the platform.", Expected: "a token for the file's subject"})
	}
	if up.inQuery[inAccess] && !isAccess && up.request.Depth != judgement.DepthStructure {
		faults = append(faults, diagnosis.Finding{Pointer: "/" + inAccess, Code: diagnosis.CodeInvalidCombination,
			Detail: "No rights are looked at with this depth.", Expected: "depth=structure or depth=access beside it"})
	}
	return faults
}

// refusalOf is the problem of what names the storage.
func (up *upload) refusalOf(err error) error {
	var refused *diagnosis.Error
	if errors.As(err, &refused) && len(refused.Diagnosis.Findings) > 0 {
		return up.refusal(refused.Diagnosis.Findings)
	}
	return err
}

// refusal makes one problem of faults, nil of none. What stands in the query is told as every faulty parameter is.
func (up *upload) refusal(faults []diagnosis.Finding) error {
	if len(faults) == 0 {
		return nil
	}
	status := http.StatusUnprocessableEntity
	told := slices.Clone(faults[:min(len(faults), maxFaults)])
	for i, f := range told {
		if name := strings.TrimPrefix(f.Pointer, "/"); up.inQuery[name] {
			told[i].Pointer, told[i].Code = "/query/"+name, diagnosis.CodeInvalidParameter
			status = http.StatusBadRequest
		}
	}
	return problem.New(status, told[0].Code, told[0].Detail, told...)
}

// checked refuses where there is no file, or one alone that is too large. Of several each is judged, whatever it is.
func checked(files []file) *problem.Problem {
	switch {
	case len(files) == 0:
		return problem.New(http.StatusBadRequest, diagnosis.CodeFileMissing,
			"The request carries no file: send it as the body, or as the part file of a form.")
	case len(files) > maxFiles:
		detail := fmt.Sprintf("The form has %d files.", len(files))
		return problem.New(http.StatusUnprocessableEntity, diagnosis.CodeInvalidValue, detail, diagnosis.Finding{
			Pointer: "/" + partFile, Code: diagnosis.CodeInvalidValue, Detail: detail,
			Expected: fmt.Sprintf("at most %d files", maxFiles)})
	case len(files) == 1 && files[0].size > credential.MaxSize:
		return problem.New(http.StatusRequestEntityTooLarge, diagnosis.CodeFileTooLarge,
			fmt.Sprintf("The file has %d bytes; a credential file has at most %d.", files[0].size,
				credential.MaxSize))
	default:
		return nil
	}
}

// readFile reads a file that is the whole body.
func readFile(body io.Reader) (file, error) {
	content, err := io.ReadAll(io.LimitReader(body, kept(partFile)))
	if err != nil {
		return file{}, err
	}
	rest, err := io.Copy(io.Discard, body)
	return file{content: content, size: int64(len(content)) + rest}, err
}

// kept is how much of a part is kept: one byte more than it may have, which tells that it has more.
func kept(name string) int64 {
	switch name {
	case partFile:
		return credential.MaxSize + 1
	case partToken:
		return maxToken + 1
	default:
		return maxText + 1
	}
}

// readForm reads a form of known parts as it arrives, each but the file at most once. A part that nobody reads would
// be
// a comparison that the caller takes as made. The files wait for the end of the form: what stands beside them, and is
// compared with them, may come behind them.
func (up *upload) readForm(body io.Reader, boundary string) error {
	parts := map[string][]byte{}
	var faults []diagnosis.Finding
	err := problem.StreamForm(body, boundary, kept, func(part problem.Part) error {
		switch f := judge(part.Name, part.Content, parts); {
		case f != nil && len(faults) <= maxFaults:
			faults = append(faults, *f)
		case f != nil: // enough are told
		case part.Name == partFile && len(up.files) > maxFiles:
			up.files = append(up.files, file{}) // which is counted
		case part.Name == partFile:
			up.files = append(up.files, file{redact.Name(part.FileName), part.Content, part.Size})
		default:
			parts[part.Name] = part.Content
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range up.combined(parts) {
		// a faulty part is not taken
		isTold := func(known diagnosis.Finding) bool { return known.Pointer == f.Pointer }
		if !slices.ContainsFunc(faults, isTold) {
			faults = append(faults, f)
		}
	}
	switch unfit := checked(up.files); {
	case unfit != nil && len(faults) == 0:
		return unfit
	case unfit != nil:
		faults = append(faults, diagnosis.Finding{Pointer: "/" + partFile, Code: unfit.Code, Detail: unfit.Detail})
	}
	r := &up.request
	r.Form = credential.Form{ClientID: string(parts[partClientID]), TenantID: string(parts[partTenantID])}
	r.Account = cmp.Or(r.Account, string(parts[partStorage]))
	r.Container = cmp.Or(r.Container, string(parts[partTarget]))
	r.Token = secret.New(string(parts[partToken]))
	return up.refusal(faults)
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
	case name == partToken && len(content) > maxToken:
		f.Code, f.Detail, f.Expected = diagnosis.CodeInvalidValue, "The part is too long.", "at most 16 KiB"
	case name != partFile && name != partToken && len(content) > maxText:
		f.Code, f.Detail, f.Expected = diagnosis.CodeInvalidValue, "The part is too long.",
			"at most 600 bytes"
	default:
		return nil
	}
	return &f
}
