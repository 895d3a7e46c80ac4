package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// The requests of a provisioning, as a fault matches them.
const (
	postApplication = `^POST graph\.microsoft\.com/v1\.0/applications$`
	patchPrincipal  = `^PATCH graph\.microsoft\.com/v1\.0/servicePrincipals`
	patchCredential = `^PATCH graph\.microsoft\.com/.*/federatedIdentityCredentials`
	putRole         = `^PUT management\.azure\.com/`
	anyGraph        = ` graph\.microsoft\.com/`
)

func at(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

const (
	succeeded = integration.OperationSucceeded
	failed    = integration.OperationFailed
	running   = integration.OperationRunning
)

// reactions are answers of the services to the writes of a provisioning, each with its end.
var reactions = map[string]struct {
	fault fault
	want  integration.OperationStatus
	code  diagnosis.Code // of the operation's error
	waits bool           // within the invocation
}{
	"application: two writers": {fault: fault{match: at(postApplication), times: 2, status: 409,
		code: "Directory_ConcurrencyViolation"}, want: succeeded, waits: true},
	"application: msa lag": {fault: fault{match: at(postApplication), times: 1, status: 409,
		code: "Error_MsaAppDoesNotExist"}, want: succeeded, waits: true},
	"application: no permission": {fault: fault{match: at(postApplication), status: 403,
		code: "Authorization_RequestDenied", message: "Insufficient privileges to complete the operation."},
		want: failed, code: "graph-permission-missing"},
	"application: quota": {fault: fault{match: at(postApplication), status: 403,
		code: "Directory_QuotaExceeded"}, want: failed, code: "directory-quota-exceeded"},
	"application: service tree": {fault: fault{match: at(postApplication), status: 400,
		code: "ServiceTreeNullValueProvided"}, want: failed, code: "service-management-reference-required"},
	"application: answer lost": {fault: fault{match: at(postApplication), times: 1, status: 503,
		code: "ServiceUnavailable", after: true}, want: running},
	"application: throttled": {fault: fault{match: at(postApplication), times: 1, status: 429,
		code: "TooManyRequests"}, want: running},

	"principal: application not replicated": {fault: fault{match: at(patchPrincipal), times: 3, status: 400,
		code: "Request_BadRequest", detail: "NoBackingApplicationObject"}, want: succeeded, waits: true},
	"principal: the same in words only": {fault: fault{match: at(patchPrincipal), times: 1, status: 400,
		code:    "Request_BadRequest",
		message: "The appId 'x' of the service principal does not reference a valid application object."},
		want: succeeded, waits: true},
	"principal: the misleading 403": {fault: fault{match: at(patchPrincipal), times: 2, status: 403,
		code: "Authorization_RequestDenied",
		message: "When using this permission, the backing application of the service principal being created must " +
			"in the local tenant"}, want: succeeded, waits: true},
	"principal: no permission, which looks the same": {fault: fault{match: at(patchPrincipal), status: 403,
		code:    "Authorization_RequestDenied",
		message: "Insufficient privileges to complete the operation."}, want: failed, code: "graph-permission-missing",
		waits: true},
	"principal: never replicated": {fault: fault{match: at(patchPrincipal), status: 400, code: "Request_BadRequest",
		detail: "NoBackingApplicationObject"}, want: running, waits: true},
	"principal: exists": {fault: fault{match: at(patchPrincipal), times: 1, status: 409,
		code: "Request_MultipleObjectsWithSameKeyValue", detail: "ObjectConflict", after: true}, want: succeeded},

	"credential: application not replicated": {fault: fault{match: at(patchCredential), times: 3, status: 404,
		code: "Request_ResourceNotFound"}, want: succeeded, waits: true},
	"credential: exists": {fault: fault{match: at(patchCredential), times: 1, status: 409,
		code: "Request_MultipleObjectsWithSameKeyValue", after: true}, want: succeeded},
	"credential: exists, but not yet shown": {fault: fault{match: at(patchCredential), times: 1, status: 409,
		code: "Request_MultipleObjectsWithSameKeyValue"}, want: succeeded},
	"credential: issuer barred": {fault: fault{match: at(patchCredential), status: 400,
		code:    "InvalidFederatedIdentityCredentialValue",
		message: "The issuer is not allowed as per assigned policy."}, want: failed,
		code: "federated-credential-refused"},

	"role: principal not replicated": {fault: fault{match: at(putRole), times: 4, status: 400,
		code: "PrincipalNotFound"}, want: succeeded, waits: true},
	"role: principal never there": {fault: fault{match: at(putRole), status: 400, code: "PrincipalNotFound"},
		want: running, waits: true},
	"role: linked authorization": {fault: fault{match: at(putRole), times: 1, status: 403,
		code: "LinkedAuthorizationFailed"}, want: succeeded, waits: true},
	"role: name clash": {fault: fault{match: at(putRole), times: 1, status: 400,
		code: "HashConflictOnDifferentRoleAssignmentIds"}, want: succeeded},
	"role: name clash, salted too": {fault: fault{match: at(putRole), status: 400,
		code: "HashConflictOnDifferentRoleAssignmentIds"}, want: failed, code: "role-assignment-name-conflict"},
	"role: answer lost": {fault: fault{match: at(putRole), times: 1, status: 409, code: "RoleAssignmentExists",
		after: true}, want: succeeded},
	"role: no permission": {fault: fault{match: at(putRole), status: 403, code: "AuthorizationFailed"}, want: failed,
		code: "arm-permission-missing"},
	"role: scope locked": {fault: fault{match: at(putRole), status: 409, code: "ScopeLocked"}, want: failed,
		code: "scope-locked"},
	"role: limit": {fault: fault{match: at(putRole), status: 400, code: "RoleAssignmentLimitExceeded"},
		want: failed, code: "role-assignment-limit"},
	"role: account gone": {fault: fault{match: at(putRole), status: 404, code: "ResourceNotFound"}, want: failed,
		code: "storage-account-not-found"},
	"role: throttled": {fault: fault{match: at(putRole), times: 1, status: 429, code: "TooManyRequests"},
		want: running},
}

// TestReactions lets a request fail in each of the ways that the services are known to fail, and holds what becomes of
// the operation.
func TestReactions(t *testing.T) {
	t.Parallel()
	for name, c := range reactions {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.fails(c.fault)
			a, cmd := f.submit(spec("images"))
			f.handle(cmd)
			op := f.RequireStatus(a.Operation.ID, c.want)
			assert.Equal(t, c.waits, f.Slept() > 0, "slept %v", f.Slept())
			d := f.Document()
			switch c.want {
			case failed:
				assert.Equal(t, c.code, op.Error.Code)
				assert.Equal(t, "fault-request", op.Error.Evidence.RequestID)
				assert.Equal(t, integration.PhaseFailed, d.Status.Phase)
				assert.Equal(t, []string{"failed"}, f.events())
				f.faults = nil // repaired: the same integration converges
				f.provisioned(spec("images"))
			case running:
				parked := f.Command(a.Operation.ID + "-retry-1")
				assert.Equal(t, 1, parked.Attempt)
				assert.True(t, f.Sent()[len(f.Sent())-1].EnqueueAt.After(f.Now()))
				f.faults = nil
				f.handle(parked)
				f.RequireStatus(a.Operation.ID, succeeded)
			}
			assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
			for _, role := range f.Document().Status.RoleAssignments {
				assert.False(t, role.Adopted)
			}
		})
	}
}

// TestEachRequestFailsOnce drops the answer of each request in turn, and refuses each in turn, as a gateway does.
func TestEachRequestFailsOnce(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := range 8 {
			t.Run(fmt.Sprintf("request %d, after=%v", n, after), func(t *testing.T) {
				f := newFixture(t)
				s := spec("images", "archive")
				s.Subjects = []string{other}
				_, cmd := f.submit(s)
				f.fails(fault{match: at(`.`), skip: n, times: 1, status: 502, code: "BadGateway", after: after})
				f.handle(cmd)
				if f.Operation(cmd.OperationID).Status != integration.OperationSucceeded {
					f.handle(f.Command(cmd.OperationID + "-retry-1"))
				}
				f.RequireStatus(cmd.OperationID, integration.OperationSucceeded)
				assert.Equal(t, counts{applications: 1, principals: 1, credentials: 2, assignments: 2}, f.counts())
			})
		}
	}
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(fault{match: at(anyGraph), status: 503, code: "ServiceUnavailable"})
	a, cmd := f.submit(spec("images"))
	f.handle(cmd)
	for n := 1; n <= 10; n++ {
		f.handle(f.Await(fmt.Sprintf("%s-retry-%d", a.Operation.ID, n)))
	}
	op := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeAttemptsExhausted, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "graph-unavailable")
	assert.Equal(t, http.StatusServiceUnavailable, op.Error.Evidence.HTTPStatus)
	assert.Equal(t, []string{"failed"}, f.events())
}

func TestForeignAssignmentIsAdoptedAndOutlivesUs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.provisioned(spec("images"))
	// Somebody replaced our assignment by one of their own.
	mine, _ := f.world.RoleAssignment(first.Status.RoleAssignments[0].ID)
	_, err := f.world.DeleteRoleAssignment(mine.ID)
	require.NoError(t, err)
	theirs := mine
	theirs.Name = "99999999-0000-4000-8000-000000000001"
	theirs.ID = arm.RoleAssignmentID(mine.Scope, theirs.Name)
	_, _, err = f.world.PutRoleAssignment(theirs)
	require.NoError(t, err)

	adopted := f.provisioned(spec("images"))
	require.Len(t, adopted.Status.RoleAssignments, 1)
	assert.True(t, adopted.Status.RoleAssignments[0].Adopted)
	assert.Contains(t, adopted.Status.RoleAssignments[0].ID, theirs.Name)
	f.requests = nil
	again := f.provisioned(spec("images"))
	assert.False(t, slices.ContainsFunc(f.requests, func(r string) bool { return at(putRole).MatchString(r) }),
		"theirs is read, not written")
	assert.Equal(t, adopted.Status.RoleAssignments, again.Status.RoleAssignments)

	moved := f.provisioned(spec("archive"))
	require.Len(t, moved.Status.RoleAssignments, 1)
	assert.False(t, moved.Status.RoleAssignments[0].Adopted)
	assert.Equal(t, 2, f.counts().assignments, "theirs is not ours to delete")

	back := f.provisioned(spec("images"))
	assert.True(t, back.Status.RoleAssignments[0].Adopted)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	_, there := f.world.RoleAssignment(theirs.ID)
	assert.True(t, there)

	// An adopted assignment that goes away is replaced by one of ours.
	f.provisioned(spec("images"))
	_, err = f.world.DeleteRoleAssignment(theirs.ID)
	require.NoError(t, err)
	last := f.provisioned(spec("images"))
	assert.False(t, last.Status.RoleAssignments[0].Adopted)
	assert.Equal(t, 1, f.counts().assignments)
}

// madeByHand puts a credential of somebody else, for our issuer and subject, in the place of ours.
func madeByHand(f *fixture, audience string) world.FederatedIdentityCredential {
	f.t.Helper()
	d := f.Document()
	objectID := d.Status.Identity.ID
	require.NoError(f.t, f.world.DeleteFederatedCredential(objectID, d.Status.FederatedCredentials[0].Name))
	made, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: objectID,
		Name: "by-hand", Issuer: world.Issuer, Subject: subject, Audiences: []string{audience}})
	require.NoError(f.t, err)
	return made
}

func TestAnEqualCredentialMadeByHandIsAdopted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.provisioned(spec("images"))
	objectID := first.Status.Identity.ID
	theirs := madeByHand(f, "api://AzureADTokenExchange")
	for range 2 { // the second run finds what the first one has learnt
		d := f.provisioned(spec("images"))
		assert.Equal(t, []world.FederatedIdentityCredential{theirs}, f.world.FederatedCredentials(objectID))
		require.Len(t, d.Status.FederatedCredentials, 1)
		assert.Equal(t, theirs.Name, d.Status.FederatedCredentials[0].Name)
		assert.True(t, d.Status.FederatedCredentials[0].Adopted)
	}
	// A changed audience is in the way, as the credential stays.
	moved := spec("images")
	moved.Audience = "api://another"
	requireRefused(f, moved)
	assert.Equal(t, []world.FederatedIdentityCredential{theirs}, f.world.FederatedCredentials(objectID))
	// A removed subject is told of, as it still gets in.
	moved = spec("images")
	moved.ServiceName, moved.Subjects = "", []string{other}
	d := f.provisioned(moved)
	require.Len(t, d.Status.FederatedCredentials, 1)
	assert.Equal(t, integration.CredentialName(other), d.Status.FederatedCredentials[0].Name)
	assert.Contains(t, f.world.FederatedCredentials(objectID), theirs)
	_, found := f.drift()
	assert.Equal(t, string(diagnosis.CodeFederatedCredentialExtra), found["drift.federatedCredential"])
	f.tearDown()
	assert.Equal(t, counts{deleted: 2}, f.counts(), "it goes with the identity, which is ours")
}

// requireRefused has a PUT end because of somebody else's credential.
func requireRefused(f *fixture, s integration.Spec) {
	f.t.Helper()
	a, cmd := f.submit(s)
	f.handle(cmd)
	assert.Equal(f.t, diagnosis.CodeFederatedCredentialRefused, f.RequireStatus(a.Operation.ID, failed).Error.Code)
}

// TestAnAdoptedCredentialThatItsOwnerChanges serves no more: it stays, and ours is made beside it where Entra takes
// both.
func TestAnAdoptedCredentialThatItsOwnerChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	objectID, ours := f.provisioned(spec("images")).Status.Identity.ID, integration.CredentialName(subject)
	theirs := madeByHand(f, "api://AzureADTokenExchange")
	require.True(t, f.provisioned(spec("images")).Status.FederatedCredentials[0].Adopted)
	change := func(do func(o *world.FederatedIdentityCredential)) world.FederatedIdentityCredential {
		changed, err := f.world.UpdateFederatedCredential(objectID, theirs.ID,
			func(o *world.FederatedIdentityCredential) error { do(o); return nil })
		require.NoError(t, err)
		return changed
	}
	theirs = change(func(o *world.FederatedIdentityCredential) { o.Audiences = []string{"api://theirs"} })
	_, found := f.drift()
	assert.Equal(t, string(diagnosis.CodeFederatedCredentialRefused), found["structure.federatedCredential"])
	for range 2 { // the second run has nothing of it in its record
		requireRefused(f, spec("images"))
		assert.Equal(t, []world.FederatedIdentityCredential{theirs}, f.world.FederatedCredentials(objectID))
		assert.Empty(t, f.Document().Status.FederatedCredentials)
	}
	theirs = change(func(o *world.FederatedIdentityCredential) { o.Subject = other })
	d := f.provisioned(spec("images"))
	require.Len(t, d.Status.FederatedCredentials, 1)
	assert.Equal(t, []any{ours, false}, []any{d.Status.FederatedCredentials[0].Name,
		d.Status.FederatedCredentials[0].Adopted})
	require.Len(t, f.world.FederatedCredentials(objectID), 2)
	assert.Contains(t, f.world.FederatedCredentials(objectID), theirs)
}

// TestAnAdoptedCredentialThatIsGone is replaced by ours, under our name.
func TestAnAdoptedCredentialThatIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	objectID := f.provisioned(spec("images")).Status.Identity.ID
	theirs := madeByHand(f, "api://AzureADTokenExchange")
	require.True(t, f.provisioned(spec("images")).Status.FederatedCredentials[0].Adopted)
	require.NoError(t, f.world.DeleteFederatedCredential(objectID, theirs.ID))
	for range 2 {
		d := f.provisioned(spec("images"))
		assert.False(t, d.Status.FederatedCredentials[0].Adopted)
		require.Len(t, f.world.FederatedCredentials(objectID), 1)
		assert.Equal(t, integration.CredentialName(subject), f.world.FederatedCredentials(objectID)[0].Name)
	}
}

// TestACredentialMadeByHandInThePlaceOfOurs, with another audience, stays: drift, health and dry run tell whose it is,
// a PUT ends with a refusal and writes nothing, and mends it when the person has removed it.
func TestACredentialMadeByHandInThePlaceOfOurs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	objectID := f.provisioned(spec("images")).Status.Identity.ID
	theirs := madeByHand(f, "api://another")
	const refused = diagnosis.CodeFederatedCredentialRefused
	report, found := f.drift()
	delete(found, "ddoe.integration") // the spec asks for nothing there
	assert.Equal(t, map[string]string{"structure.federatedCredential": string(refused)}, found)
	told := []diagnosis.MemberDifference{
		{Member: "audience", Want: "api://AzureADTokenExchange", Have: "api://another", Owner: diagnosis.OwnerOther},
		{Member: "name", Want: integration.CredentialName(subject), Have: theirs.Name, Owner: diagnosis.OwnerOther}}
	assert.Equal(t, told, checkOf(t, report, "structure.federatedCredential").Differences)
	looked := checkOf(t, structure(f), "structure.federatedCredential")
	assert.Equal(t, []any{refused, diagnosis.OutcomeFail}, []any{looked.Code, looked.Status})
	p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	require.NoError(t, err)
	at := slices.IndexFunc(p.Steps, func(s provision.PlannedStep) bool { return s.Name == "federatedCredential" })
	step := p.Steps[at]
	assert.Equal(t, []any{provision.ActionBlocked, told}, []any{step.Action, step.Differences})
	require.NotNil(t, step.Diagnosis)
	assert.Contains(t, step.Diagnosis.Detail, "The credential by-hand, which this service did not make")

	for range 2 {
		f.requests = nil
		a, cmd := f.submit(spec("images"))
		f.handle(cmd)
		failure := f.RequireStatus(a.Operation.ID, failed).Error
		assert.Equal(t, []any{refused, step.Diagnosis.Detail}, []any{failure.Code, failure.Detail})
		assert.Equal(t, []world.FederatedIdentityCredential{theirs}, f.world.FederatedCredentials(objectID))
		assert.NotRegexp(t, `(?m)^(POST|PATCH|PUT|DELETE) graph\.[^ ]*(/applications|federated)`,
			strings.Join(f.requests, "\n"))
	}
	require.NoError(t, f.world.DeleteFederatedCredential(objectID, theirs.Name))
	d := f.provisioned(spec("images"))
	assert.False(t, d.Status.FederatedCredentials[0].Adopted)
	assert.Equal(t, integration.CredentialName(subject), f.world.FederatedCredentials(objectID)[0].Name)
}

func TestStrangersHoldTheName(t *testing.T) {
	t.Parallel()
	taken := fault{match: at(postApplication), status: 400, code: "Request_BadRequest",
		message: "Another object with the same value for property uniqueName already exists."}
	t.Run("a live application without our mark", func(t *testing.T) {
		f := newFixture(t)
		_, err := f.world.CreateApplication(world.Application{UniqueName: "ddoe-wif-0123abcd-my-service",
			DisplayName: "theirs"}, "")
		require.NoError(t, err)
		before := f.world.Applications()
		a, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Equal(t, diagnosis.CodeApplicationForeign,
			f.RequireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
		assert.Equal(t, before, f.world.Applications())
		assert.Equal(t, counts{applications: 1}, f.counts(), "nothing is made beside it")
	})
	t.Run("a deleted application that we know nothing of", func(t *testing.T) {
		f := newFixture(t)
		app, err := f.world.CreateApplication(world.Application{UniqueName: "ddoe-wif-0123abcd-my-service",
			DisplayName: "theirs"}, world.AppPrincipalID)
		require.NoError(t, err)
		require.NoError(t, f.world.DeleteApplication(app.ID))
		a, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Equal(t, diagnosis.CodeUniqueNameTaken,
			f.RequireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
	})
	t.Run("a raced write of our own on a stale replica", func(t *testing.T) {
		f := newFixture(t)
		taken.times = 1
		taken.after = true
		f.fails(taken)
		f.provisioned(spec("images"))
		assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	})
}

func TestReplicationIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetTiming(world.Timing{ReplicationMS: 25_000})
	f.provisioned(spec("images"))
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	assert.GreaterOrEqual(t, f.Slept(), 25*time.Second)
}

// TestDeadlineIsRespected parks the command in time instead of running into the invocation's deadline.
func TestDeadlineIsRespected(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(fault{match: at(patchPrincipal), status: 400, code: "Request_BadRequest",
		detail: "NoBackingApplicationObject"})
	a, cmd := f.submit(spec("images"))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	require.NoError(t, f.worker.Handle(ctx, cmd))
	assert.Zero(t, f.Slept())
	f.Command(a.Operation.ID + "-retry-1")
}

func TestNoPermissionToTearDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	f.fails(fault{match: at(`^DELETE management`), status: 403, code: "AuthorizationFailed"})
	a, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	assert.Equal(t, diagnosis.CodeARMPermissionMissing,
		f.RequireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
	assert.Equal(t, integration.PhaseDeprovisioning, f.Document().Status.Phase)
	assert.Equal(t, 1, f.counts().applications, "the principal stays while its assignment does")
	f.faults = nil
	_, down = f.remove(provision.TeardownOptions{})
	f.handle(down)
	assert.Equal(t, counts{deleted: 2}, f.counts())
}

func TestUnknownIntegration(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, kind := range []string{message.TypeProvision, message.TypeDeprovision, message.TypeAccessTest} {
		f.handle(message.Command{Type: kind, IntegrationID: "nowhere", OperationID: "op-" + kind})
		assert.Equal(t, diagnosis.CodeIntegrationNotFound,
			f.RequireStatus("op-"+kind, integration.OperationFailed).Error.Code)
	}
	f.handle(message.Command{Type: message.TypeVerify, IntegrationID: "nowhere", OperationID: "op"})
}
