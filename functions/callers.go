package functions

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
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

// queueOwner is on whose behalf the producers of the queue send.
func (e *environment) queueOwner(name string) string {
	owner := e.text(name)
	if owner != "" && !caller.IsValidOwner(owner) {
		e.fault(name, "must be the id (a GUID in lower case) of a user, a group or a service principal in Entra")
	}
	return owner
}

// producers are the callers of what comes by queue. Where callers are not told apart they may, like a holder of the
// function key, touch everything.
func producers(cfg Config) caller.Caller {
	if cfg.Audience == "" {
		return caller.Queue(cfg.QueueOwner, caller.RoleAdmin)
	}
	return caller.Queue(cfg.QueueOwner)
}

// newDoor asks callers for a token where the settings say so.
func newDoor(cfg Config, p foundation, own func(context.Context) (string, error)) door.Door {
	if cfg.Audience == "" {
		return door.Door{}
	}
	tenant := own
	if cfg.CallerTenant != "" {
		tenant = func(context.Context) (string, error) { return cfg.CallerTenant, nil }
	}
	verifier := door.NewVerifier(door.Options{Audience: cfg.Audience, TenantID: tenant, Client: p.client,
		Now:       time.Now,
		Authority: cfg.Cloud.Configuration.ActiveDirectoryAuthorityHost})
	return door.Door{Verify: verifier.Verify, Audience: cfg.Audience}
}
