package functions

import (
	"context"
	"log/slog"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/directorylook"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	resourceidentity "github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platformlook"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
)

// services are the clients of the services that hold what an integration consists of.
type services struct {
	directory *graph.Client
	resources *arm.Client
	platform  *ddoe.Client // nil where the platform's API is off
	self      application.Self
}

// kinds is the list of what an integration consists of outside the app's own store, in the order in which it is made.
func kinds(cfg Config, instance string, s services, log *slog.Logger) ([]resource.Kind, error) {
	requests := policy.Requests{Sleep: sleep, Now: time.Now, Log: log}
	known, key := PlatformAPI{}, cfg.SubjectTokenKey
	if cfg.Platform != nil {
		known, key = *cfg.Platform, cfg.Platform.Key
	}
	keyExpires, _ := key.Expires()
	platform, err := resourceplatform.New(resourceplatform.Platform{Client: s.platform, Instance: instance,
		IntegrationType: known.IntegrationType, OptionMap: known.OptionMap, KeyExpires: keyExpires,
		Accounts: s.resources, Requests: requests})
	identities := resourceidentity.New(map[integration.IdentityKind]resourceidentity.Implementation{
		integration.IdentityApplication: application.New(s.directory, requests, instance, s.self),
		integration.IdentityManaged:     managedidentity.New(s.resources, requests, instance)})
	found := resourceidentity.NewLookup(finders(cfg, s, requests)...)
	return append([]resource.Kind{
		identities,
		trust.New(identities, requests),
		grant.New(s.resources, requests),
		resource.Looking(found),
		resource.Looking(trust.NewLook(found)),
		resource.Looking(grant.NewLook(s.resources, requests)),
		resource.Looking(grant.NewAccounts(s.resources, requests)),
		resource.Looking(platformlook.New(s.platform, requests)),
	}, platform...), err
}

// finders look up the identities that somebody else has made. Managed identities need no right in the directory, and
// where they are what specs get by default, nobody asks it.
func finders(cfg Config, s services, requests policy.Requests) []resourceidentity.Finder {
	inGroup := managedidentity.NewFinder(s.resources, requests, cfg.IdentityGroup.String())
	return map[integration.IdentityKind][]resourceidentity.Finder{
		integration.IdentityApplication: {directorylook.New(s.directory, requests), inGroup},
		integration.IdentityManaged:     {inGroup},
	}[cfg.DefaultIdentity]
}

// identityProbes are what the kinds of identity stand on beside what all else does, by the kind that specs get by
// default. Managed identities are made by Azure Resource Manager.
func identityProbes(p foundation, s services) map[integration.IdentityKind][]readiness.Probe {
	return map[integration.IdentityKind][]readiness.Probe{
		integration.IdentityApplication: {directoryProbe(p, s)},
		integration.IdentityManaged:     nil,
	}
}

// sleep waits between attempts of a request; it returns early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
