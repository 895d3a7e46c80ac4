package functions

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// useCases are what the edges call.
type useCases struct {
	linter  credential.Linter
	service *provision.Service
	health  *health.Service
}

func newUseCases(cfg Config, log *slog.Logger, p platform) (*useCases, error) {
	options := p.clientOptions(cfg)
	directory, err := graph.New(p.credential, &graph.Options{ClientOptions: options})
	if err != nil {
		return nil, fmt.Errorf("graph client: %w", err)
	}
	resources, err := arm.New(p.credential, &arm.Options{ClientOptions: options})
	if err != nil {
		return nil, fmt.Errorf("resource manager client: %w", err)
	}
	service := &provision.Service{
		Repository: &integration.Repository{Store: p.store, Now: time.Now},
		Graph:      directory,
		ARM:        resources,
		Defaults: integration.Defaults{
			Issuer: cfg.Issuer, SubjectTemplate: cfg.SubjectTemplate, Audience: cfg.Cloud.Audience,
			TenantID: func(ctx context.Context) (string, error) {
				return entra.TenantID(ctx, p.credential, cfg.Cloud.GraphScope)
			},
		},
		Tester: &access.Tester{
			Exchanger: entra.NewExchanger(options), ClientOptions: options, Origin: diagnosis.Origin{Host: cfg.SiteName, Region: cfg.Region},
			Now: time.Now, Random: rand.Reader, BlobEndpointSuffix: cfg.Cloud.BlobSuffix,
		},
		Send: p.send, Now: time.Now, Instance: provision.InstanceOf(cfg.StateStorageURL), Log: log,
	}
	if cfg.SubjectTokenURL != "" {
		service.TokenSource = ddoe.NewTokenSource(cfg.SubjectTokenURL, cfg.SubjectTokenKey, p.client).SubjectToken
		service.PlatformKey = cfg.SubjectTokenKey
	}
	if cfg.Platform != nil {
		service.PlatformKey = cfg.Platform.Key // the same setting
	}
	if service.Platform, err = platformOf(cfg.Platform, p); err != nil {
		return nil, err
	}
	observer := &health.Observer{Tester: service.Tester, TokenSource: service.TokenSource, Graph: directory, ARM: resources, Now: time.Now}
	checks := &health.Service{
		Repository: service.Repository, Look: service.Watch(observer.Look), Send: p.send, Now: time.Now, Source: message.Source(service.Instance), Log: log,
	}
	service.Schedule = checks.Schedule
	linter := credential.Linter{Issuer: cfg.Issuer, SubjectTemplate: cfg.SubjectTemplate, Audience: cfg.Cloud.Audience, Now: time.Now}
	return &useCases{linter: linter, service: service, health: checks}, nil
}

// platformOf is the DDOE platform's API; nil where its steps are off.
func platformOf(cfg *PlatformAPI, p platform) (*provision.Platform, error) {
	if cfg == nil {
		return nil, nil
	}
	client, err := ddoe.NewClient(ddoe.Options{URL: cfg.URL, Key: cfg.Key, Client: p.client, Hidden: cfg.OptionMap.Literals()})
	if err != nil {
		return nil, fmt.Errorf("platform client: %w", err)
	}
	return &provision.Platform{Hiding: client.Hiding, IntegrationType: cfg.IntegrationType, OptionMap: cfg.OptionMap}, nil
}
