package functions

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
)

// callerTenant is the tenant that issues the tokens of callers; empty for the app's own.
func (e *environment) callerTenant(name string) string {
	tenant := e.guid(name, "the tenant whose tokens are taken")
	if tenant != "" && e.text("AUTH_AUDIENCE") == "" {
		e.fault("AUTH_AUDIENCE", "is required where "+name+" is set: what the callers' tokens are for. Without it no "+
			"token is asked for")
	}
	return tenant
}

// newDoor asks callers for a token where the settings say so.
func newDoor(cfg Config, p platform, own func(context.Context) (string, error)) caller.Door {
	if cfg.Audience == "" {
		return caller.Door{}
	}
	tenant := own
	if cfg.CallerTenant != "" {
		tenant = func(context.Context) (string, error) { return cfg.CallerTenant, nil }
	}
	verifier := caller.NewVerifier(caller.Options{Audience: cfg.Audience, TenantID: tenant, Client: p.client,
		Now:       time.Now,
		Authority: cfg.Cloud.Configuration.ActiveDirectoryAuthorityHost})
	return caller.Door{Verify: verifier.Verify, Audience: cfg.Audience}
}
