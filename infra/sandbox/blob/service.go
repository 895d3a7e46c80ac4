// Package blob pretends to be Azure Blob Storage for every storage account of the world: containers, block blobs,
// listing of both, metadata, ranges and conditions, as far as azblob needs them for whole, small blobs.
//
// What it adds over the public emulator is who may do what, judged in Azure's order: firewall, token, role assignment,
// existence, conditions, immutability. So 403 always comes before 404.
package blob

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Suffix is what follows the account's name in its host.
const Suffix = ".blob.core.windows.net"

// headerVersion names the service version of request and answer.
const headerVersion = "x-ms-version"

// maxBlob bounds one uploaded blob, in bytes.
const maxBlob = 64 << 20

// Service answers for all accounts; New makes it.
type Service struct {
	world     *world.World
	authority *entra.Authority
}

// New returns the handler for all hosts {account}.blob.core.windows.net.
func New(w *world.World, authority *entra.Authority) *Service {
	return &Service{world: w, authority: authority}
}

// HasAccount tells whether the host name belongs to an account that exists: any other does not resolve in Azure, and
// a proxy should refuse the connection.
func (s *Service) HasAccount(host string) bool {
	if name, isPrivate := strings.CutSuffix(strings.ToLower(host), ".privatelink"+Suffix); isPrivate {
		account, ok := s.world.StorageAccount(name)
		return ok && account.PrivateEndpoint
	}
	_, ok := s.account(host)
	return ok
}

func (s *Service) account(host string) (world.StorageAccount, bool) {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name, ok := strings.CutSuffix(name, Suffix)
	if !ok || strings.Contains(name, "/") {
		return world.StorageAccount{}, false
	}
	return s.world.StorageAccount(name)
}

// request is one operation on its way through the checks.
type request struct {
	*http.Request
	account   world.StorageAccount
	container string // "" for the service itself
	blob      string // "" for a container
}

// operation is what a request asks for: the rights that it takes, any one of which will do, and what it does.
type operation struct {
	rights []right
	run    func(http.ResponseWriter, request) error
}

// ServeHTTP does the operation, or answers with the first refusal.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, ok := s.account(r.Host)
	if !ok {
		http.Error(w, "no such host: "+r.Host, http.StatusBadGateway)
		return
	}
	s.stamp(w, r)
	if err := s.serve(w, newRequest(r, account)); err != nil {
		var f *failure
		if !errors.As(err, &f) {
			f = &failure{status: http.StatusInternalServerError, code: "InternalError",
				message: "Server encountered an internal error. Please try again after some time."}
		}
		f.write(w, r, s.world.Now())
	}
}

func newRequest(r *http.Request, account world.StorageAccount) request {
	container, blob, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return request{Request: r, account: account, container: container, blob: blob}
}

func (s *Service) stamp(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
	w.Header().Set("x-ms-request-id", uuid.NewString())
	if version := r.Header.Get(headerVersion); version != "" {
		w.Header().Set(headerVersion, version)
	}
	if id := r.Header.Get("x-ms-client-request-id"); id != "" {
		w.Header().Set("x-ms-client-request-id", id)
	}
}

func (s *Service) serve(w http.ResponseWriter, r request) error {
	if r.account.FirewallClosed {
		return accessDenied()
	}
	if err := checkVersion(r); err != nil {
		return err
	}
	principal, err := s.authenticate(w, r)
	if err != nil {
		return err
	}
	op, err := s.operation(r)
	if err != nil {
		return err
	}
	if !s.isAllowed(principal, r, op.rights) {
		return permissionMismatch()
	}
	return op.run(w, r)
}

// containerName is Azure's rule for container names.
var containerName = regexp.MustCompile(`^(\$root|\$web|\$logs|[a-z0-9](-?[a-z0-9])*)$`)

// operation finds out what the request asks for.
func (s *Service) operation(r request) (operation, error) {
	switch {
	case r.container == "":
		return s.accountOperation(r)
	case !containerName.MatchString(r.container) || len(r.container) < 3 || len(r.container) > 63:
		return operation{}, invalidName()
	case r.blob == "":
		return s.containerOperation(r)
	default:
		return s.blobOperation(r)
	}
}

func (s *Service) containerOperation(r request) (operation, error) {
	query := r.URL.Query()
	if query.Get("restype") != "container" {
		return operation{}, notImplemented("blobs in $root")
	}
	switch r.Method + " " + query.Get("comp") {
	case "PUT ":
		return operation{[]right{containersWrite}, s.createContainer}, nil
	case "GET ", "HEAD ":
		return operation{[]right{containersRead}, s.containerProperties}, nil
	case "DELETE ":
		return operation{[]right{containersDelete}, s.deleteContainer}, nil
	case "GET list":
		return operation{[]right{blobsRead}, s.list}, nil
	default:
		return operation{}, notImplemented(r.Method + " container comp=" + query.Get("comp"))
	}
}

func (s *Service) blobOperation(r request) (operation, error) {
	comp := r.URL.Query().Get("comp")
	switch r.Method + " " + comp {
	case "PUT ":
		return operation{[]right{blobsWrite, blobsAdd}, s.put}, nil
	case "PUT metadata":
		return operation{[]right{blobsWrite}, s.setMetadata}, nil
	case "GET ":
		return operation{[]right{blobsRead}, s.get}, nil
	case "HEAD ":
		return operation{[]right{blobsRead}, s.head}, nil
	case "DELETE ":
		return operation{[]right{blobsDelete}, s.delete}, nil
	default:
		return operation{}, notImplemented(r.Method + " blob comp=" + comp)
	}
}

// refusalOf turns the world's errors into the service's.
func refusalOf(err error) error {
	switch {
	case errors.Is(err, world.ErrContainerNotFound):
		return containerNotFound()
	case errors.Is(err, world.ErrDirectoryNotEmpty):
		return directoryNotEmpty()
	case errors.Is(err, world.ErrBlobNotFound):
		return blobNotFound()
	case errors.Is(err, world.ErrExists):
		return containerExists()
	default:
		return err
	}
}
