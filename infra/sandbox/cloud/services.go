package cloud

import (
	"net/http"
	"sync"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// BlobHosts are the hosts of all storage accounts.
const BlobHosts = "*.blob.core.windows.net"

// Services are the HTTP services of a world in this process, wired to one tenant, one issuer and each other: what a
// Cloud has, without servers, control API, request log and faults. They are a transport of HTTP and of Azure's SDKs.
type Services struct {
	Authority *entra.Authority
	Issuer    *platform.Issuer
	Blobs     *blob.Service
	// ByHost has the services by host. A test may put something else in the place of one.
	inprocess.ByHost
}

// ServiceOptions configure Services. The zero value is usable.
type ServiceOptions struct {
	// APIKey is the bearer that the platform's API accepts, of the seeded user.
	APIKey string
	// Between is the way on which the services reach each other; nil means directly.
	Between http.RoundTripper
	// AroundParts are put around the requests within a batch of Graph.
	AroundParts []func(http.Handler) http.Handler
}

// issuerKey signs for the issuers of all Services: an RSA key takes longer to make than most tests take.
var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

// NewServices returns the services of a world, which has its own clock.
func NewServices(w *world.World, o ServiceOptions) (*Services, error) {
	authority, err := entra.NewAuthority(w)
	if err != nil {
		return nil, err
	}
	key, err := issuerKey()
	if err != nil {
		return nil, err
	}
	s := &Services{Authority: authority, Issuer: platform.NewIssuer(world.Issuer, w.Now, key),
		Blobs: blob.New(w, authority)}
	if o.Between == nil {
		o.Between = s
	}
	s.ByHost = wire(w, authority, o.Between,
		platform.Options{Issuer: s.Issuer, APIKey: o.APIKey, Transport: o.Between}, o.AroundParts...)
	s.ByHost[BlobHosts] = s.Blobs
	return s, nil
}

// wire connects the services of a world, but for its storage accounts. issuers is Entra's way to an issuer's
// documents.
func wire(w *world.World, authority *entra.Authority, issuers http.RoundTripper, o platform.Options,
	aroundParts ...func(http.Handler) http.Handler) map[string]http.Handler {
	site := platform.New(w, o)
	return map[string]http.Handler{
		entra.Host:        entra.New(w, authority, issuers),
		GraphHost:         graph.New(w, authority.Authenticate(entra.ResourceGraph), aroundParts...),
		ManagementHost:    arm.New(w, authority.Authenticate(entra.ResourceManagement)),
		platform.Host:     site,
		platform.GateHost: site,
	}
}
