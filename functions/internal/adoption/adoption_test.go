package adoption_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/adoption"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

const (
	tenant    = "11111111-1111-4111-8111-111111111111"
	client    = "aaaaaaaa-0000-4000-8000-000000000002"
	principal = "aaaaaaaa-0000-4000-8000-000000000003"
	account   = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/acmedata"
	file = `{"clientId": "` + client + `", "tenantId": "` + tenant + `",
		"federatedTokenIssuer": "https://dataloop.ai/oauth2",
		"subject": "system:serviceaccount:dataloop:my-service", "audience": "api://AzureADTokenExchange"}`
)

var (
	start   = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	errDown = errors.New("the queue is down")
)

// looker sees the items that it is given.
type looker struct {
	resource.IdentityPlace
	items func() []resource.Item
	mu    sync.Mutex
	told  []resource.View
}

func (l *looker) Observe(_ context.Context, v resource.View) []resource.Item {
	l.mu.Lock()
	l.told = append(l.told, v)
	l.mu.Unlock()
	return l.items()
}

// seen is an identity that is there, and something else of it.
func seen() []resource.Item {
	return []resource.Item{{Name: "application", State: resource.Unchanged, Learn: func(s *integration.Status) {
		s.Identity.ID, s.ServicePrincipalID = "theirs", principal
	}}, {Name: resource.FederatedCredential, State: resource.Unchanged},
		{Name: "roleAssignment", State: resource.Missing, Code: diagnosis.CodeRoleMissing}}
}

// watcher notes what it is asked to look after.
type watcher struct {
	mu             sync.Mutex
	planned, asked []integration.Document
	planning       error
	asking         error
}

func (w *watcher) Plan(_ context.Context, d integration.Document) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = append(w.planned, d)
	return w.planning
}

func (w *watcher) Ask(_ context.Context, d integration.Document) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, d)
	return w.asking
}

// fixture is a service whose looks see what the test says.
type fixture struct {
	*adoption.Service
	looker  *looker
	watcher *watcher
}

func newFixture() *fixture {
	f := &fixture{looker: &looker{items: seen}, watcher: &watcher{}}
	f.Service = &adoption.Service{
		Repository: &integration.Repository{Store: storetest.NewMemory(), Now: func() time.Time { return start }},
		Kinds:      []resource.Kind{resource.Looking(f.looker)},
		Defaults: resolve.Defaults{Audience: "api://AzureADTokenExchange",
			TenantID: func(context.Context) (string, error) { return tenant, nil }},
		Watch: f.watcher,
	}
	return f
}

// wanted is a sound import.
func wanted() adoption.Import {
	return adoption.Import{ID: "by-hand", File: []byte(file), Spec: integration.Spec{
		Storage: []integration.StorageAccess{{ResourceID: account, Container: "images", Access: "read"}}}}
}

// imported imports what must be taken.
func (f *fixture) imported(t *testing.T, in adoption.Import) integration.Document {
	t.Helper()
	d, err := f.Import(t.Context(), in)
	require.NoError(t, err)
	return d
}

// refused holds the code of a refusal, and returns the rest of it.
func refused(t *testing.T, err error, code diagnosis.Code) diagnosis.Diagnosis {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	assert.Equal(t, code, known.Diagnosis.Code)
	return known.Diagnosis
}

// findings are pointer and code of each.
func findings(d diagnosis.Diagnosis) []string {
	var all []string
	for _, f := range d.Findings {
		all = append(all, f.Pointer+" "+string(f.Code))
	}
	return all
}

// TestWhatIsWrittenDown is the whole document: of the file, the request, and the look; and it is watched.
func TestWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	f, in := newFixture(), wanted()
	in.IntegrationID, in.DriverID = "theirs", "driver-1"
	ctx, record := invocation.With(t.Context())
	d, err := f.Import(ctx, in)
	require.NoError(t, err)
	id, _, _ := record.Values()
	assert.Equal(t, "by-hand", id, "the log's line names it")

	want := d
	want.ID, want.IsUnmanaged, want.Generation, want.CreatedAt, want.UpdatedAt = "by-hand", true, 1, start, start
	want.Spec = integration.Spec{DisplayName: "DDOE WIF by-hand", TenantID: tenant,
		Issuer: "https://dataloop.ai/oauth2", Subjects: []string{"system:serviceaccount:dataloop:my-service"},
		Audience: "api://AzureADTokenExchange", Identity: &integration.Identity{Kind: "application"},
		Storage: in.Spec.Storage, DDOE: d.Spec.DDOE, HealthCheck: d.Spec.HealthCheck}
	want.Status = integration.Status{Phase: integration.PhaseProvisioned, ClientID: client,
		Identity: integration.IdentityMade{ID: "theirs"}, ServicePrincipalID: principal,
		DDOE: &integration.DDOEStatus{Mode: integration.ModeAPI, Adopted: true, IntegrationID: "theirs",
			DriverID: "driver-1"}, Conditions: d.Status.Conditions}
	want.Outbox = nil
	assert.Equal(t, want, d)
	require.Len(t, d.Status.Conditions, 2)
	provisioned, verified := d.Status.Conditions[0], d.Status.Conditions[1]
	assert.Equal(t, integration.ConditionProvisioned, provisioned.Type)
	assert.Equal(t, "True", provisioned.Status)
	assert.Equal(t, "Somebody else has made it.", provisioned.Message)
	assert.Equal(t, integration.ConditionVerified, verified.Type)
	assert.Equal(t, "Unknown", verified.Status)
	assert.Equal(t, diagnosis.CodeAwaitingVerification, verified.Reason)
	assert.NotEmpty(t, d.FirstOperationID)

	stored, err := f.Repository.Get(t.Context(), "by-hand")
	require.NoError(t, err)
	for _, told := range []integration.Document{f.watcher.planned[0], f.watcher.asked[0]} {
		assert.Equal(t, stored.ETag, told.ETag, "what is stored is watched")
	}
	require.Len(t, f.looker.told, 1)
	assert.True(t, f.looker.told[0].Told, "nothing is done about it")
	assert.False(t, f.looker.told[0].Fresh, "it is looked at")
}

// TestThePlatformsSide is told where one of its ids is given.
func TestThePlatformsSide(t *testing.T) {
	t.Parallel()
	for _, ids := range [][2]string{{"", ""}, {"theirs", ""}, {"", "driver-1"}} {
		f, in := newFixture(), wanted()
		in.IntegrationID, in.DriverID = ids[0], ids[1]
		d := f.imported(t, in)
		if ids[0]+ids[1] == "" {
			assert.Nil(t, d.Status.DDOE)
			continue
		}
		assert.Equal(t, &integration.DDOEStatus{Mode: integration.ModeAPI, Adopted: true, IntegrationID: ids[0],
			DriverID: ids[1]}, d.Status.DDOE)
	}
}

// TestFaultsOfAFile: all of them, at the file's own members, and those of the rest beside them.
func TestFaultsOfAFile(t *testing.T) {
	t.Parallel()
	const badAccount = "/x"
	replaced := func(from, to string) string { return strings.Replace(file, from, to, 1) }
	for name, c := range map[string]struct {
		id, file, account string
		code              diagnosis.Code
		want              []string
	}{
		"no JSON": {file: "{", code: diagnosis.CodeInvalidCredentialFile, want: []string{
			"/credentials file-not-json"}},
		"another tenant": {file: replaced(tenant, "99999999-9999-4999-8999-999999999999"),
			code: diagnosis.CodeInvalidCredentialFile, want: []string{"/credentials/tenantId tenant-not-served"}},
		"an audience": {file: replaced("api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov"),
			code: diagnosis.CodeInvalidCredentialFile, want: []string{"/credentials/audience audience-other-cloud"}},
		"one of the file, one beside it": {file: replaced("system:serviceaccount:dataloop:my-service", "*"),
			account: badAccount, code: diagnosis.CodeInvalidCredentialFile,
			want: []string{"/credentials/subject subject-wildcard", "/storage/0/resourceId invalid-resource-id"}},
		"two beside it": {id: "No", account: badAccount, code: diagnosis.CodeInvalidSpec,
			want: []string{"/id invalid-id", "/storage/0/resourceId invalid-resource-id"}},
	} {
		f, in := newFixture(), wanted()
		if c.id != "" {
			in.ID = c.id
		}
		if c.file != "" {
			in.File = []byte(c.file)
		}
		if c.account != "" {
			in.Spec.Storage[0].ResourceID = c.account
		}
		_, err := f.Import(t.Context(), in)
		assert.Equal(t, c.want, findings(refused(t, err, c.code)), name)
		assert.Empty(t, f.looker.told, name)
		assert.Empty(t, f.watcher.planned, name)
	}
}

// TestTheLargestFile is taken, and one of a byte more is not read.
func TestTheLargestFile(t *testing.T) {
	t.Parallel()
	padded := file + strings.Repeat(" ", credential.MaxSize-len(file))
	f, in := newFixture(), wanted()
	in.File = []byte(padded)
	f.imported(t, in)
	in.File = []byte(padded + " ")
	_, err := newFixture().Import(t.Context(), in)
	refused(t, err, diagnosis.CodeFileTooLarge)
}

// TestTheOwnTenantThatIsNotLearnt: nothing can be judged then.
func TestTheOwnTenantThatIsNotLearnt(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.Defaults.TenantID = func(context.Context) (string, error) { return "", errDown }
	_, err := f.Import(t.Context(), wanted())
	refused(t, err, diagnosis.CodeServiceIdentityUnavailable)
	require.ErrorIs(t, err, errDown)
}

// TestAnIdentityIsBoundOnce: by the client id in whatever case, within a tenant, as long as the other one lives; it is
// found on whatever page of the list it stands.
func TestAnIdentityIsBoundOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*integration.Document)
		isBound bool
	}{
		"the same":       {func(*integration.Document) {}, true},
		"in other case":  {func(d *integration.Document) { d.Status.ClientID = strings.ToUpper(client) }, true},
		"another tenant": {func(d *integration.Document) { d.Spec.TenantID = "other" }, false},
		"another client": {func(d *integration.Document) { d.Status.ClientID = "other" }, false},
		"deleted": {func(d *integration.Document) {
			d.Status.Phase = integration.PhaseDeleted
		}, false},
		"failed": {func(d *integration.Document) { d.Status.Phase = integration.PhaseFailed }, true},
	} {
		f := newFixture()
		for i := range 101 { // more than a page
			_, err := f.Repository.Create(t.Context(), integration.Document{ID: fmt.Sprintf("a-%03d", i)})
			require.NoError(t, err)
		}
		other := integration.Document{ID: "z-other", Spec: integration.Spec{TenantID: tenant},
			Status: integration.Status{ClientID: client, Phase: integration.PhaseUsable}}
		c.change(&other)
		_, err := f.Repository.Create(t.Context(), other)
		require.NoError(t, err)
		_, err = f.Import(t.Context(), wanted())
		if !c.isBound {
			require.NoError(t, err, name)
			continue
		}
		assert.Equal(t, "The integration z-other has the identity with the client id "+client+".",
			refused(t, err, diagnosis.CodeIdentityBound).Detail, name)
		assert.NotEmpty(t, f.looker.told, "%s: whose it may be is looked at first", name)
		_, err = f.Repository.Get(t.Context(), "by-hand")
		require.ErrorIs(t, err, integration.ErrNotFound, name)
	}
}

// TestWhoHasAnIdentity is named to its owner alone.
func TestWhoHasAnIdentity(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.Policy.Grants = []entitlement.Grant{{Callers: []string{"role:Wif.Operate"}, Access: "read",
		Issuers: []string{"https://dataloop.ai/oauth2"}, Storage: []string{account},
		Subjects: []string{"system:serviceaccount:dataloop:my-service"}}}
	_, err := f.Repository.Create(t.Context(), integration.Document{ID: "z-other", Owner: "team-a",
		Spec:   integration.Spec{TenantID: tenant},
		Status: integration.Status{ClientID: client, Phase: integration.PhaseUsable}})
	require.NoError(t, err)
	for who, which := range map[string]string{"team-a": "The integration z-other",
		"team-b": "Another owner's integration"} {
		ctx := caller.With(t.Context(), caller.Caller{ID: who, Roles: []caller.Role{caller.RoleOperate}})
		_, err := f.Import(ctx, wanted())
		assert.Equal(t, which+" has the identity with the client id "+client+".",
			refused(t, err, diagnosis.CodeIdentityBound).Detail)
	}
}

// TestARepeatedImport is answered with what is there and watched again; one that differs is refused.
func TestARepeatedImport(t *testing.T) {
	t.Parallel()
	f := newFixture()
	first := f.imported(t, wanted())
	upper := wanted()
	upper.File = []byte(strings.Replace(file, client, strings.ToUpper(client), 1))
	_, lintErr := credential.Parse(upper.File)
	repeats := []adoption.Import{wanted()}
	if lintErr == nil {
		repeats = append(repeats, upper)
	}
	for i, in := range repeats {
		again := f.imported(t, in)
		assert.Equal(t, first.ETag, again.ETag)
		assert.Len(t, f.watcher.planned, i+2)
		assert.Len(t, f.watcher.asked, i+2)
	}
	assert.Len(t, f.looker.told, 1, "it is not looked at again")

	otherSpec, otherFile := wanted(), wanted()
	otherSpec.Spec.Storage[0].Container = "archive"
	otherFile.File = []byte(strings.Replace(file, client, "aaaaaaaa-0000-4000-8000-0000000000ff", 1))
	for _, in := range []adoption.Import{otherSpec, otherFile} {
		_, err := f.Import(t.Context(), in)
		assert.Equal(t, "The id by-hand is taken.", refused(t, err, diagnosis.CodeIntegrationExists).Detail)
	}
	managed := newFixture()
	d := first
	d.ETag, d.IsUnmanaged = "", false
	_, err := managed.Repository.Create(t.Context(), d)
	require.NoError(t, err)
	_, err = managed.Import(t.Context(), wanted())
	refused(t, err, diagnosis.CodeIntegrationExists)
}

// TestAnImportAfterATeardown begins another life, and what was still to be told of the last one is told.
func TestAnImportAfterATeardown(t *testing.T) {
	t.Parallel()
	f := newFixture()
	first := f.imported(t, wanted())
	untold := integration.Notice{ID: "event-1", Type: "ai.ddoe.wif.integration.deleted.v1", At: start}
	gone, err := f.Repository.Update(t.Context(), "by-hand", func(d *integration.Document) error {
		d.Status = integration.Tombstone(*d, false)
		d.Outbox.Add(untold)
		return nil
	})
	require.NoError(t, err)
	again := f.imported(t, wanted())
	assert.Equal(t, integration.PhaseProvisioned, again.Status.Phase)
	assert.Equal(t, gone.Generation+1, again.Generation)
	assert.NotEqual(t, first.FirstOperationID, again.FirstOperationID)
	assert.NotEqual(t, gone.ETag, again.ETag)
	assert.Equal(t, integration.Outbox{untold}, again.Outbox)
	assert.Len(t, f.looker.told, 2)
}

// TestWhatIsNotSeen is refused: for what could not be looked at, for what the look has found, or as missing.
func TestWhatIsNotSeen(t *testing.T) {
	t.Parallel()
	well := resource.Item{Name: "other", State: resource.Unchanged}
	missing := resource.Item{Name: "application", State: resource.Missing, Code: diagnosis.CodeIdentityMissing}
	extra := resource.Item{Name: "second", State: resource.Missing, Code: diagnosis.CodeRoleMissing}
	unread := resource.Item{Name: "application", Err: &diagnosis.Error{
		Diagnosis: diagnosis.New(diagnosis.CodeDirectoryNotReadable)}}
	for name, c := range map[string]struct {
		items    []resource.Item
		code     diagnosis.Code
		findings []string
	}{
		"nothing":     {nil, diagnosis.CodeIdentityMissing, nil},
		"no id of it": {[]resource.Item{well}, diagnosis.CodeIdentityMissing, nil},
		"not there": {[]resource.Item{well, missing, extra}, diagnosis.CodeInvalidCredentialFile,
			[]string{"/credentials/clientId identity-missing"}},
		"not to be read": {[]resource.Item{well, unread, missing}, diagnosis.CodeDirectoryNotReadable, nil},
	} {
		f := newFixture()
		f.looker.items = func() []resource.Item { return c.items }
		_, err := f.Import(t.Context(), wanted())
		told := refused(t, err, c.code)
		assert.Equal(t, c.findings, findings(told), name)
		for _, finding := range told.Findings {
			assert.NotEmpty(t, finding.Detail, name)
			assert.NotEmpty(t, finding.Remedy, name)
		}
		_, err = f.Repository.Get(t.Context(), "by-hand")
		require.ErrorIs(t, err, integration.ErrNotFound, name)
		assert.Empty(t, f.watcher.asked, name)
	}
}

// TestWhoAsksIsGone: what a look has not finished is no answer.
func TestWhoAsksIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture()
	ctx, cancel := context.WithCancel(t.Context())
	f.looker.items = func() []resource.Item { cancel(); return seen() }
	_, err := f.Import(ctx, wanted())
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Repository.Get(t.Context(), "by-hand")
	require.ErrorIs(t, err, integration.ErrNotFound)
}

// TestAWatchThatFails is told, so that the import is sent again.
func TestAWatchThatFails(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.watcher.planning = errDown
	_, err := f.Import(t.Context(), wanted())
	require.ErrorIs(t, err, errDown)
	assert.Empty(t, f.watcher.asked)
	f.watcher.planning, f.watcher.asking = nil, errDown
	_, err = f.Import(t.Context(), wanted())
	require.ErrorIs(t, err, errDown)
	f.watcher.asking = nil
	f.imported(t, wanted())
}

// TestAStoreThatFails at any of its calls: the outage is told, nothing is watched, and the import can be sent again.
func TestAStoreThatFails(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		failed := 0
		for at := 1; ; at++ {
			f := newFixture()
			failing := &storetest.Failing{Store: f.Repository.Store, At: at, Lost: lost}
			f.Repository.Store = failing
			_, err := f.Import(t.Context(), wanted())
			if !failing.HasFailed() {
				require.NoError(t, err)
				break
			}
			if err != nil {
				failed++
				refused(t, err, diagnosis.CodeStoreUnavailable)
				require.ErrorIs(t, err, storetest.ErrDown)
				assert.Empty(t, f.watcher.planned)
			}
			f.imported(t, wanted())
			assert.Len(t, f.watcher.asked, len(f.watcher.planned))
		}
		assert.Equal(t, 5, failed, "the read, the list, the claim's read and write, and the write")
	}
}

// TestTheServicesOwnIdentityIsNotImported, in whatever case its id is written.
func TestTheServicesOwnIdentityIsNotImported(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.OwnClientID = strings.ToUpper(client)
	_, err := f.Import(t.Context(), wanted())
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, diagnosis.CodeNotAllowed, refused.Diagnosis.Code)
	require.Len(t, refused.Diagnosis.Findings, 1)
	assert.Equal(t, "/credentials/clientId", refused.Diagnosis.Findings[0].Pointer)
	_, err = f.Repository.Get(t.Context(), "by-hand")
	require.ErrorIs(t, err, integration.ErrNotFound)
}
