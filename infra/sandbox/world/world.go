package world

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
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

// MaxFederatedCredentials is how many federated identity credentials an application may hold.
const MaxFederatedCredentials = 20

// Timing is how slow the pretended cloud is; all zero means at once.
type Timing struct {
	// LatencyMS is added to every request, in milliseconds.
	LatencyMS int `json:"latencyMs"`
	// ReplicationMS is how long a new directory object stays invisible to the requests that depend on it.
	ReplicationMS int `json:"replicationMs"`
	// STSMS is how long the token service goes on using what it knew of a federated credential before a change.
	STSMS int `json:"stsMs"`
	// RBACMS is how long a new role assignment has no effect.
	RBACMS int `json:"rbacMs"`
}

// World holds every object. All methods are safe for concurrent use, take copies and give copies. Make one with New.
type World struct {
	now   func() time.Time
	names offerNames // survive Reset: they are part of the platform, not of what was done with it

	mu     sync.RWMutex
	etags  uint64 // survives Reset: an ETag is never used twice
	timing Timing
	state  state
}

// state is what Reset throws away.
type state struct {
	tenants        *table[Tenant]
	subscriptions  *table[Subscription]
	resourceGroups *table[ResourceGroup]
	resources      *table[Resource]

	applications    *table[Application]
	appByAppID      map[string]string // lower appId → object id
	appByUniqueName map[string]string // uniqueName → object id, soft-deleted holders included
	principals      *table[ServicePrincipal]
	spByAppID       map[string]string
	credentials     map[string]*table[FederatedIdentityCredential] // application object id → credential id → credential
	binned          *table[DeletedItem]
	binnedTrust     map[string]*table[FederatedIdentityCredential] // credentials of soft-deleted applications
	owners          *table[Owners]
	appRoles        *table[AppRoles]

	roles           *table[RoleDefinition] // custom ones, by GUID
	assignments     *table[RoleAssignment]
	assignmentNames map[string]string          // name → full id
	byPrincipal     map[string]map[string]bool // principal id → keys of its assignments
	accounts        *table[*account]
	accountByName   map[string]string // lower name → resource id

	ddoe map[string]*table[Object]
}

func newState() state {
	s := state{
		tenants: newTable[Tenant](), subscriptions: newTable[Subscription](),
		resourceGroups: newTable[ResourceGroup](), resources: newTable[Resource](),
		applications: newTable[Application](), appByAppID: map[string]string{}, appByUniqueName: map[string]string{},
		principals: newTable[ServicePrincipal](), spByAppID: map[string]string{},
		credentials: map[string]*table[FederatedIdentityCredential]{},
		binned:      newTable[DeletedItem](), binnedTrust: map[string]*table[FederatedIdentityCredential]{},
		owners: newTable[Owners](), appRoles: newTable[AppRoles](),
		roles: newTable[RoleDefinition](), assignments: newTable[RoleAssignment](), assignmentNames: map[string]string{},
		byPrincipal: map[string]map[string]bool{},
		accounts:    newTable[*account](), accountByName: map[string]string{},
		ddoe: map[string]*table[Object]{},
	}
	for _, kind := range ddoeKinds() {
		s.ddoe[kind] = newTable[Object]()
	}
	return s
}

// New returns an empty world on the given clock (nil means the wall clock). Seed fills it.
func New(now func() time.Time) *World {
	if now == nil {
		now = time.Now
	}
	return &World{now: now, names: readableNames(), state: newState()}
}

// Reset throws everything away, timing included, and seeds the world anew.
func (w *World) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := New(w.now)
	fresh.etags, fresh.names = w.etags, w.names
	Seed(fresh)
	w.state, w.etags, w.timing = fresh.state, fresh.etags, Timing{}
}

// Now is the world's time in UTC. Services stamp and compare with it, never with the wall clock.
func (w *World) Now() time.Time { return w.now().UTC() }

// Timing returns the present delays.
func (w *World) Timing() Timing {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.timing
}

// SetTiming replaces the delays. They apply to what exists already, too: they are counted from each object's own time.
func (w *World) SetTiming(t Timing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timing = t
}

// replicated tells whether what was created then is visible to its dependants by now.
func (w *World) replicated(created time.Time) bool {
	return !w.Now().Before(created.Add(time.Duration(w.timing.ReplicationMS) * time.Millisecond))
}

// nextETag returns a new ETag in the form of the header, quotes included.
func (w *World) nextETag() string {
	w.etags++
	return fmt.Sprintf(`"0x8DE%012X"`, w.etags)
}

// newID returns a new object id.
func newID() string { return uuid.NewString() }

// key makes ids comparable: Azure compares GUIDs and resource ids without regard to case.
func key(id string) string { return strings.ToLower(strings.TrimRight(id, "/")) }

// table keeps rows by key, and gives them in the order in which they came.
type table[T any] struct {
	rows map[string]*row[T]
	next int
}

type row[T any] struct {
	seq   int
	value T
}

func newTable[T any]() *table[T] { return &table[T]{rows: map[string]*row[T]{}} }

func (t *table[T]) get(k string) (T, bool) {
	r, ok := t.rows[key(k)]
	if !ok {
		var zero T
		return zero, false
	}
	return r.value, true
}

func (t *table[T]) put(k string, v T) {
	if r, ok := t.rows[key(k)]; ok {
		r.value = v
		return
	}
	t.next++
	t.rows[key(k)] = &row[T]{seq: t.next, value: v}
}

func (t *table[T]) delete(k string) { delete(t.rows, key(k)) }

// all returns the values in order; never nil, so that JSON shows an empty array.
func (t *table[T]) all() []T {
	rows := make([]*row[T], 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row[T]) int { return a.seq - b.seq })
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = r.value
	}
	return values
}
