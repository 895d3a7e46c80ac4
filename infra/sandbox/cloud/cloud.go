// Package cloud puts the sandbox together: one world, the services that answer for Azure, Entra and the DDOE platform
// by the host name of a request, the Service Bus broker, and the control API with its request log and faults.
//
// In a test, RoundTripper answers production URLs in-process. For a program of its own, Start opens a TLS-terminating
// forward proxy, AMQP listeners and a managed-identity endpoint, and Environment is what points an unmodified program
// at them: it keeps its production URLs, and meets the sandbox by HTTPS_PROXY and SSL_CERT_FILE. Nothing leaves the
// loopback interface: a host that the sandbox does not know cannot be reached.
package cloud

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/identity"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// Hosts of the public cloud that have no package of their own to name them.
const (
	GraphHost      = "graph.microsoft.com"
	ManagementHost = "management.azure.com"
)

// Options configure a Cloud. The zero value is usable.
type Options struct {
	// Now is the one clock of everything in the sandbox; nil means time.Now.
	Now func() time.Time
	// ControlAddr is where Start serves the control API; empty means a free port on 127.0.0.1.
	ControlAddr string
	// Arrange, if set, changes the seeded world before anything can see it: what a deployment that lacks something, or
	// has more, looks like from its first request. A Reset leads back to the seeded world.
	Arrange func(*world.World)
	// APIKeyLifetime is how long the app's key of the DDOE platform's API is good; 0 means platform.KeyLifetime.
	APIKeyLifetime time.Duration
	// Premises is the base URL of an installation of the platform's API that is a customer's own, such as
	// https://ddoe.acme.example/base; it answers beside the public one. Empty for none.
	Premises string
	// Refuses, if set, is asked at each connection whether the network refuses to lead to a host. A program that is
	// refused sees what it sees of a name that does not resolve.
	IsRefused func(host string) bool
	// Log takes what the servers have to say about themselves; nil drops it.
	Log io.Writer
}

// Cloud is a sandbox. New makes it; Close it.
type Cloud struct {
	options    Options
	deployment deployment.Deployment
	world      *world.World
	authority  *entra.Authority
	broker     *servicebus.Broker
	recorder   *control.Recorder
	faults     *control.Faults

	hosts    *hosts
	handler  http.Handler
	identity http.Handler
	control  http.Handler

	certificates   *certificateAuthority
	identityHeader string
	platformKeys   *platform.Keys
	platformKey    string
	busKey         string

	mu      sync.Mutex
	servers *servers // nil until Start, and after Close
}

// New returns a sandbox with the seeded world, whose handlers work at once; Start adds what a program of its own
// needs.
func New(o Options) (*Cloud, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	c := &Cloud{
		options: o, deployment: deployment.Example(), world: world.New(o.Now), recorder: control.NewRecorder(o.Now),
		faults:         control.NewFaults(o.Now),
		identityHeader: rand.Text(), platformKeys: platform.NewKeys(o.Now), busKey: rand.Text(),
	}
	world.Seed(c.world)
	if o.Arrange != nil {
		o.Arrange(c.world)
	}
	var err error
	if c.platformKey, err = c.platformKeys.Mint(dataloop.UserEmail, o.APIKeyLifetime); err != nil {
		return nil, err
	}
	if c.authority, err = entra.NewAuthority(c.world); err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	if c.certificates, err = newCertificateAuthority(o.Now()); err != nil {
		return nil, err
	}
	if err := c.assemble(); err != nil {
		return nil, err
	}
	return c, nil
}

// assemble makes the services and puts request log, latency and faults around them.
func (c *Cloud) assemble() error {
	key, err := jose.NewKey(uuid.NewString())
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	issuer := platform.NewIssuer(world.Issuer, c.options.Now, key)
	if c.broker, err = newBroker(c.deployment.Namespace, c.options.Now, c.authorize,
		c.faults.DisturbLink); err != nil {
		return err
	}
	c.hosts = &hosts{blobs: blob.New(c.world, c.authority)}
	// Entra fetches an issuer's documents by itself: faults apply to that, but no request of the app is logged.
	issuers := c.hosts.through(c.faults.Wrap(c.hosts))
	c.hosts.services = wire(c.world, c.authority, issuers, platform.Options{
		Issuer: issuer, Keys: c.platformKeys,
		// What the platform does by itself is neither a request of the app nor disturbed by the faults that are meant
		// for it.
		Transport: c.hosts.through(c.hosts),
	}, c.recorder.WrapBatch, c.faults.Wrap)
	if c.options.Premises != "" {
		base, err := url.Parse(c.options.Premises)
		if err != nil {
			return fmt.Errorf("platform: %w", err)
		}
		c.hosts.services[base.Hostname()] = premises(base.Path, c.hosts.services[platform.GateHost])
	}
	c.handler = c.observed(c.hosts)
	c.identity = c.observed(identity.New(c.world, identity.Options{
		Authority: c.authority, Header: c.identityHeader, SystemAssigned: world.AppPrincipalID,
	}))
	c.control = control.New(control.Options{
		World: c.world, Broker: c.broker, Recorder: c.recorder, Faults: c.faults, Mint: issuer.Mint,
		MintCaller: c.authority.IssueCaller, Access: c.access,
	})
	return nil
}

// premises serves the platform's API below a path of its own, whatever the host.
func premises(path string, site http.Handler) http.Handler {
	return http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const public = "/api/v1"
		r.Host, r.URL.Path = platform.GateHost, public+r.URL.Path // StripPrefix made a copy
		if r.URL.RawPath != "" {
			r.URL.RawPath = public + r.URL.RawPath
		}
		site.ServeHTTP(w, r)
	}))
}

func (c *Cloud) observed(next http.Handler) http.Handler {
	return c.recorder.Wrap(arm.TrackWrites(control.Latency(c.world, c.faults.Wrap(next))))
}

// Handler answers for every host of the pretended cloud, by the request's Host.
func (c *Cloud) Handler() http.Handler { return c.handler }

// ControlHandler is the control API, for tests that do not Start.
func (c *Cloud) ControlHandler() http.Handler { return c.control }

// RoundTripper answers https requests in-process. A host that the sandbox does not know fails like a name that does
// not resolve.
func (c *Cloud) RoundTripper() http.RoundTripper {
	return c.hosts.through(c.handler)
}

// World is everything there is in the sandbox, apart from messages.
func (c *Cloud) World() *world.World { return c.world }

// Authority issues and verifies the tokens of the pretended tenant.
func (c *Cloud) Authority() *entra.Authority { return c.authority }

// PlatformKeys make API keys of the DDOE platform, for users other than the app's.
func (c *Cloud) PlatformKeys() *platform.Keys { return c.platformKeys }

// Broker is the Service Bus namespace.
func (c *Cloud) Broker() *servicebus.Broker { return c.broker }

// Faults are what disturbs requests.
func (c *Cloud) Faults() *control.Faults { return c.faults }

// Requests returns what was asked of the services and the identity endpoint, after the n-th request.
func (c *Cloud) Requests(n int) []control.Request { return c.recorder.Since(n) }
