package functions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/testaccess"
)

// useCases are what the edges call.
type useCases struct {
	service *provision.Service
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
		Send: p.send, Now: time.Now, Instance: instance(cfg.StateStorageURL), Log: log,
	}
	if cfg.SubjectTokenURL != "" {
		service.TokenSource = ddoe.NewTokenSource(cfg.SubjectTokenURL, cfg.SubjectTokenKey, p.client).SubjectToken
	}
	return &useCases{service: service}, nil
}

// instance is the short id of this deployment: whoever shares the state shares the objects made from it.
func instance(stateStorageURL string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(stateStorageURL)))
	return hex.EncodeToString(sum[:4])
}

// testAccess runs the access test of an integration as it is stored now, with the token of the request or one that the
// platform gives. Without any token the report says that nothing could be proved.
func (u *useCases) testAccess(ctx context.Context, id string, options testaccess.Options) (diagnosis.Report, error) {
	document, err := u.service.Repository.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return diagnosis.Report{}, &diagnosis.Error{Diagnosis: diagnosis.New("integration-not-found"), Err: err}
	case err != nil:
		return diagnosis.Report{}, problem.Unavailable(err)
	case document.Status.Phase == integration.PhaseDeleted:
		return diagnosis.Report{}, &diagnosis.Error{Diagnosis: diagnosis.New("integration-deleted")}
	}
	token := options.SubjectToken
	if token == "" && u.service.TokenSource != nil && document.Status.ClientID != "" {
		if token, err = u.service.TokenSource(ctx, document.Spec.Subjects[0], document.Spec.Audience); err != nil {
			words := diagnosis.Context{Operation: "subjectToken.get", Subject: document.Spec.Subjects[0], Audience: document.Spec.Audience}
			return diagnosis.Report{}, &diagnosis.Error{Diagnosis: diagnosis.Classify(err, words), Err: err}
		}
	}
	return u.service.Tester.Run(ctx, access.Request{
		Document: document, Token: entra.SubjectToken(token), Mode: access.Mode(options.Mode), Access: options.Access, Prefix: options.Prefix,
	})
}
