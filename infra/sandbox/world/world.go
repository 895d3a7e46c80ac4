package world

import (
	"errors"
	"time"
)

// Errors that the typed reads and writes return; a handler turns each into its service's own words.
var (
	// ErrNotFound is returned for an object that does not exist, or is in the recycle bin.
	ErrNotFound = errors.New("world: object not found")
	// ErrNotReplicated is returned where the parent exists, but its creation has not reached its dependants yet.
	ErrNotReplicated = errors.New("world: parent object not replicated yet")
	// ErrUniqueNameTaken is returned while a live or a soft-deleted application holds the uniqueName.
	ErrUniqueNameTaken = errors.New("world: uniqueName is taken")
	// ErrExists is returned for a second object with a key that must be unique.
	ErrExists = errors.New("world: object exists already")
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

// World holds every object. Each part holds its own kinds of objects and the methods for them; all parts share one
// lock and one clock, so that what spans parts (Reset, Snapshot, hand edits) is one step. All methods are safe for
// concurrent use, take copies and give copies. Make one with New.
type World struct {
	*base
	*Hierarchy
	*Directory
	*Identities
	*RBAC
	*Storage
	*Platform
}

// part is what World asks of each of its parts. The lock is held.
type part interface {
	// addTo adds copies of the part's objects to the snapshot.
	addTo(s *Snapshot)
	// editors change the part's objects by hand, by the name of their kind.
	editors() map[string]editor
}

func (w *World) parts() []part {
	return []part{w.Hierarchy, w.Directory, w.Identities, w.RBAC, w.Storage, w.Platform}
}

// New returns an empty world on the given clock (nil means the wall clock). Seed fills it.
func New(now func() time.Time) *World {
	if now == nil {
		now = time.Now
	}
	b := &base{now: now, limits: knownLimits()}
	hierarchy, directory := newHierarchy(b), newDirectory(b)
	return &World{
		base:       b,
		Hierarchy:  hierarchy,
		Directory:  directory,
		Identities: newIdentities(b, hierarchy, directory.Principals),
		RBAC:       newRBAC(b),
		Storage:    newStorage(b, hierarchy),
		Platform:   newPlatform(b),
	}
}

// Reset throws everything away, timing and limits included, and seeds the world anew. ETags go on, so that none is
// used twice, and the platform's names stay: they are part of it, not of what was done with it.
func (w *World) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := New(w.now)
	fresh.etags, fresh.names = w.etags, w.names
	Seed(fresh)
	w.etags, w.timing, w.limits, w.leaps = fresh.etags, Timing{}, fresh.limits, nil
	w.Hierarchy.state = fresh.Hierarchy.state
	w.Directory.replaceBy(fresh.Directory)
	w.Identities.state = fresh.Identities.state
	w.RBAC.state = fresh.RBAC.state
	w.Storage.state = fresh.Storage.state
	w.Platform.state = fresh.Platform.state
}
