package world

import (
	"errors"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// Errors that the typed reads and writes return; a handler turns each into its service's own words.
var (
	// ErrNotFound and ErrExists are those of every part.
	ErrNotFound, ErrExists = part.ErrNotFound, part.ErrExists
	// ErrNotReplicated is returned where the parent exists, but its creation has not reached its dependants yet.
	ErrNotReplicated = errors.New("world: parent object not replicated yet")
	// ErrUniqueNameTaken is returned while a live or a soft-deleted application holds the uniqueName.
	ErrUniqueNameTaken = errors.New("world: uniqueName is taken")
	// ErrNoBackingApplication is returned for a service principal whose application is absent or not replicated.
	ErrNoBackingApplication = errors.New("world: no backing application")
	// ErrCredentialPairTaken is returned for an issuer and subject that the application trusts under another name.
	ErrCredentialPairTaken = errors.New("world: issuer and subject are not unique")
	// ErrTooManyCredentials is returned for the credential beyond MaxFederatedCredentials.
	ErrTooManyCredentials = errors.New("world: too many federated identity credentials")
)

// MaxFederatedCredentials is how many federated identity credentials an application or a managed identity may hold.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
const MaxFederatedCredentials = 20

// What parts of the world are set to.
type (
	// Timing is how slow the pretended cloud is.
	Timing = part.Timing
	// Limits are the limits of the pretended cloud that can be switched.
	Limits = part.Limits
)

// World holds every object. Each part holds its own kinds of objects and the methods for them; all parts share one
// lock and one clock, so that what spans parts (Reset, Snapshot, hand edits) is one step. All methods are safe for
// concurrent use, take copies and give copies. Make one with New.
type World struct {
	*part.Base
	*Hierarchy
	*Directory
	*Identities
	*rbac.RBAC
	*Storage
	*dataloop.Platform
}

// holder is what World asks of each of its parts in this package. The lock is held.
type holder interface {
	// addTo adds copies of the part's objects to the snapshot.
	addTo(s *Snapshot)
	// editors change the part's objects by hand, by the name of their kind.
	editors() map[string]part.Editor
}

func (w *World) parts() []holder {
	return []holder{w.Hierarchy, w.Directory, w.Identities, w.Storage}
}

// New returns an empty world on the given clock (nil means the wall clock). Seed fills it.
func New(now func() time.Time) *World {
	if now == nil {
		now = time.Now
	}
	return newWorld(part.NewBase(now))
}

func newWorld(b *part.Base) *World {
	hierarchy, directory := newHierarchy(b), newDirectory(b)
	return &World{
		Base:       b,
		Hierarchy:  hierarchy,
		Directory:  directory,
		Identities: newIdentities(b, hierarchy, directory.Principals),
		RBAC:       rbac.New(b),
		Storage:    newStorage(b, hierarchy),
		Platform:   dataloop.NewPlatform(b),
	}
}

// Reset throws everything away, timing and limits included, and seeds the world anew. ETags go on, so that none is
// used twice, and the platform's names stay: they are part of it, not of what was done with it.
func (w *World) Reset() {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	fresh := newWorld(w.Renew())
	fresh.KeepNames(w.Platform)
	Seed(fresh)
	w.Base.ReplaceBy(fresh.Base)
	w.Hierarchy.state = fresh.Hierarchy.state
	w.Directory.replaceBy(fresh.Directory)
	w.Identities.state = fresh.Identities.state
	w.RBAC.ReplaceBy(fresh.RBAC)
	w.Storage.state = fresh.Storage.state
	w.Platform.ReplaceBy(fresh.Platform)
}
