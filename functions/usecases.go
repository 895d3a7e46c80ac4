package functions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/adoption"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/functions/internal/structure"
)

// useCases are what the edges call.
type useCases struct {
	judge *judgement.Service
	// adoption takes in what was made by hand.
	adoption *adoption.Service
	service  *provision.Service
	engine   *operation.Engine
	worker   *operation.Worker
	health   *health.Service
	ready    *readiness.Service
	claims   *entitlement.Claims
}

// sweep is what the timer does: it asks for the checks that fall due, tells what is still to be told, and enters
// subjects that nobody has claimed.
func (u *useCases) sweep(ctx context.Context) error {
	return errors.Join(u.health.Sweep(ctx), u.engine.Sweep(ctx), u.claims.Sweep(ctx))
}

func newUseCases(cfg Config, log *slog.Logger, p foundation) (*useCases, error) {
	options := p.clientOptions(cfg)
	clients, err := newServices(cfg, p)
	if err != nil {
		return nil, err
	}
	repository := &integration.Repository{Store: p.store, Now: time.Now}
	instance := provision.InstanceOf(cfg.StateStorageURL)
	engine, err := operation.New(operation.Options{Repository: repository, Send: p.sender(cfg.ServiceBus),
		Now:    time.Now,
		Source: message.Source(instance), Retention: cfg.Retention,
		Producers: producers(cfg), Log: log})
	if err != nil {
		return nil, err
	}
	all, err := kinds(cfg, instance, clients, log)
	if err != nil {
		return nil, err
	}
	claims := &entitlement.Claims{Repository: repository, IsOff: cfg.Audience == ""}
	schedule := health.Schedule{Repository: repository, Now: time.Now}
	var tokens func(ctx context.Context, subject, audience string) (secret.Value, error)
	if cfg.SubjectTokenURL != "" {
		tokens = ddoe.NewTokenSource(cfg.SubjectTokenURL, cfg.SubjectTokenKey, p.client).SubjectToken
	}
	tester := newTester(cfg, options)
	observer, err := health.NewObserver(health.ObserverOptions{Tester: tester, TokenSource: tokens, Kinds: all,
		Now: time.Now})
	if err != nil {
		return nil, err
	}
	checks, err := health.New(health.Options{
		Repository: repository, Schedule: schedule, Engine: engine, Look: observer.Look, IsProof: tester.IsProof,
		Kinds: all, Send: p.sender(cfg.ServiceBus), Now: time.Now, Source: message.Source(instance), Log: log,
	})
	if err != nil {
		return nil, err
	}
	service, err := provision.New(provision.Options{
		Repository: repository, Engine: engine, Watch: checks, Kinds: all, Defaults: defaults(cfg, p),
		Policy: cfg.Policy, Claims: claims,
		Tester: tester, TokenSource: tokens, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	worker, err := operation.NewWorker(engine, tasks(service, checks))
	if err != nil {
		return nil, err
	}
	return &useCases{judge: newJudge(cfg, p, all, service.Defaults.TenantID),
		adoption: &adoption.Service{Repository: repository, Kinds: all, Defaults: service.Defaults, Policy: cfg.Policy,
			Claims: claims, Watch: checks, OwnClientID: cfg.ClientID},
		service: service, engine: engine, worker: worker, health: checks, ready: readinessOf(cfg, p, clients),
		claims: claims}, nil
}

// newJudge judges credential files, to the depth that is asked for.
func newJudge(cfg Config, p foundation, all []resource.Kind,
	own func(context.Context) (string, error)) *judgement.Service {
	linter := credential.Linter{Issuer: cfg.Issuer, SubjectTemplate: cfg.SubjectTemplate, Audience: cfg.Cloud.Audience,
		Now: time.Now}
	fetcher := newFetcher(cfg, p)
	looks := newDiscovery(cfg, p, linter, fetcher)
	confined := azure.Limit(azcore.ClientOptions{Cloud: cfg.Cloud.Configuration,
		Transport: fetcher.Confined()}, azure.AnswerLimit) // a file is anybody's: its values name what is contacted
	return &judgement.Service{Linter: linter, Discovery: looks,
		Structure: &structure.Service{Discovery: looks, Kinds: all, TenantID: own,
			Policy: cfg.Policy}, Access: newTester(cfg, confined)}
}

// newTester proves access as federated identities, by requests with the options.
func newTester(cfg Config, options azcore.ClientOptions) *access.Tester {
	return &access.Tester{
		Exchanger: entra.NewExchanger(options), ClientOptions: options,
		Origin: assessment.Origin{Host: cfg.SiteName, Region: cfg.Region},
		Now:    time.Now, Random: rand.Reader, BlobEndpointSuffix: cfg.Cloud.BlobSuffix,
	}
}

// newFetcher contacts, for what callers send, the cloud's token service and blob endpoints, the platform's issuer, and
// what the lists of the settings add.
func newFetcher(cfg Config, p foundation) *fetch.Fetcher {
	hosts := slices.Clone(cfg.IssuerHosts)
	for _, address := range []string{cfg.Cloud.Configuration.ActiveDirectoryAuthorityHost, cfg.Issuer} {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			hosts = append(hosts, strings.ToLower(u.Hostname()))
		}
	}
	return fetch.New(fetch.Options{Hosts: hosts, Suffixes: append(slices.Clone(cfg.StorageSuffixes),
		cfg.Cloud.BlobSuffix), Transport: p.public, LookupHost: p.public.LookupHost})
}

// newDiscovery looks at what credential files name.
func newDiscovery(cfg Config, p foundation, linter credential.Linter, fetcher *fetch.Fetcher) *discovery.Service {
	return discovery.New(discovery.Options{
		Linter: linter, ClientOptions: p.clientOptions(cfg), BlobSuffix: cfg.Cloud.BlobSuffix, Fetcher: fetcher,
		Origin: assessment.Origin{Host: cfg.SiteName, Region: cfg.Region},
	})
}

// newServices makes the clients of the services that hold what an integration consists of.
func newServices(cfg Config, p foundation) (services, error) {
	options := p.clientOptions(cfg)
	directory, err := graph.New(p.credential, &graph.Options{ClientOptions: options})
	if err != nil {
		return services{}, fmt.Errorf("graph client: %w", err)
	}
	resources, err := arm.New(p.credential, &arm.Options{ClientOptions: options})
	if err != nil {
		return services{}, fmt.Errorf("resource manager client: %w", err)
	}
	site, err := platformClient(cfg.Platform, p)
	return services{directory: directory, resources: resources, platform: site,
		self: func(ctx context.Context) (string, []string, error) {
			principalID, err := entra.PrincipalID(ctx, p.credential, directory.Scope)
			if err != nil {
				return "", nil, err
			}
			roles, err := entra.Roles(ctx, p.credential, directory.Scope)
			return principalID, roles, err
		}}, err
}

// defaults are what a spec leaves out.
func defaults(cfg Config, p foundation) resolve.Defaults {
	return resolve.Defaults{
		Issuer: cfg.Issuer, SubjectTemplate: cfg.SubjectTemplate, Audience: cfg.Cloud.Audience,
		IdentityKind: cfg.DefaultIdentity, IdentityGroup: cfg.IdentityGroup,
		Location: cfg.Region, OwnGroups: cfg.OwnGroups,
		TenantID: func(ctx context.Context) (string, error) {
			return entra.TenantID(ctx, p.credential, cfg.Cloud.managementScope())
		},
		TenantOf: func(ctx context.Context, domain string) (string, error) {
			found, err := entra.FindTenant(ctx, p.clientOptions(cfg), domain)
			return found.ID, err
		},
	}
}

// platformClient is the client of the DDOE platform's API; nil where its steps are off.
func platformClient(cfg *PlatformAPI, p foundation) (*ddoe.Client, error) {
	if cfg == nil {
		return nil, nil
	}
	client, err := ddoe.NewClient(ddoe.Options{URL: cfg.URL, Key: cfg.Key, Client: p.client,
		Hidden: cfg.OptionMap.Literals()})
	if err != nil {
		return nil, fmt.Errorf("platform client: %w", err)
	}
	return client, nil
}

// tasks are what the commands on the queue ask for.
func tasks(service *provision.Service, checks *health.Service) map[string]operation.Task {
	all := service.Tasks()
	maps.Copy(all, checks.Tasks())
	return all
}
