package provision_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// byHand leaves the platform's side to a person.
func byHand() integration.Spec {
	s := spec("images")
	s.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID}
	return s
}

func ready(f *fixture) [2]string {
	c := f.Document().Ready()
	return [2]string{c.Status, string(c.Reason)}
}

// usable provisions a spec and has access proved.
func makeUsable(f *fixture, s integration.Spec) {
	f.t.Helper()
	d := f.provisioned(s)
	f.verified(d.Status.LastOperationID)
	require.Equal(f.t, integration.PhaseUsable, f.Document().Status.Phase)
}

func confirm(f *fixture, c integration.DDOEConfirmation) (integration.Document, diagnosis.Code) {
	f.t.Helper()
	d, err := f.service.Confirm(f.t.Context(), id, c)
	var refusal *diagnosis.Error
	if errors.As(err, &refusal) {
		return d, refusal.Diagnosis.Code
	}
	require.NoError(f.t, err)
	return d, ""
}

// TestReadyFollowsWhatIsDone, from the request to the teardown: with a person's part, and without one.
func TestReadyFollowsWhatIsDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	accepted, c := f.submit(spec("images"))
	assert.Equal(t, [2]string{"False", "not-provisioned"}, ready(f))
	assert.Equal(t, 1, accepted.Document.Generation)
	f.handle(c)
	assert.Equal(t, [2]string{"Unknown", "awaiting-verification"}, ready(f))
	f.verified(c.OperationID)
	assert.Equal(t, [2]string{"True", ""}, ready(f), "nobody asks for the platform's side")
	assert.Equal(t, 1, f.Document().Ready().ObservedGeneration)

	makeUsable(f, spec("images"))
	assert.Equal(t, 1, f.Document().Generation, "the same spec")

	_, c = f.submit(byHand())
	assert.Equal(t, [2]string{"False", "not-provisioned"}, ready(f))
	assert.Equal(t, []int{2, 0}, []int{f.Document().Generation, f.Document().Ready().ObservedGeneration})
	f.handle(c)
	f.verified(c.OperationID)
	assert.Equal(t, [2]string{"False", "awaiting-person"}, ready(f))
	assert.Contains(t, f.Document().Ready().Message, "status.ddoe.form")
	assert.Equal(t, 2, f.Document().Ready().ObservedGeneration)
	_, code := confirm(f, integration.DDOEConfirmation{By: "key"})
	assert.Empty(t, code)
	assert.Equal(t, [2]string{"True", ""}, ready(f))

	f.remove(provision.TeardownOptions{})
	assert.Equal(t, [2]string{"False", "deprovisioning"}, ready(f))
}

// TestConfirm writes down who and when; said again it changes nothing, and it lasts as long as the form stays the
// same.
func TestConfirm(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	makeUsable(f, byHand())
	said := integration.DDOEConfirmation{By: "key", IntegrationID: "i"}
	want := said
	want.At = f.Now().UTC()
	first, code := confirm(f, said)
	require.Empty(t, code)
	assert.Equal(t, &want, first.Confirmation())
	assert.Equal(t, &want, f.Document().Confirmation())
	assert.Equal(t, []string{"provisioned", "usable"}, f.events())

	f.Advance(time.Hour)
	again, code := confirm(f, said)
	require.Empty(t, code)
	assert.Equal(t, first.ETag, again.ETag, "nothing is new")
	said.DriverID, want.DriverID, want.At = "d", "d", f.Now().UTC()
	other, _ := confirm(f, said)
	assert.Equal(t, &want, other.Confirmation(), "the driver is made, too")

	makeUsable(f, byHand())
	assert.Equal(t, &want, f.Document().Confirmation(), "the same spec")
	assert.Equal(t, [2]string{"True", ""}, ready(f))
	next := byHand()
	next.DisplayName = "another name"
	makeUsable(f, next)
	assert.Equal(t, [2]string{"False", "awaiting-person"}, ready(f))
	assert.Nil(t, f.Document().Confirmation())
	_, code = confirm(f, said)
	assert.Empty(t, code)
	assert.Equal(t, [2]string{"True", ""}, ready(f))
}

// unconfirmable are documents about which there is nothing to confirm, or nothing yet.
var unconfirmable = map[string]struct {
	make   func(t *testing.T) *fixture
	code   diagnosis.Code
	detail string
}{
	"nothing there": {func(t *testing.T) *fixture { return newFixture(t) }, "integration-not-found", ""},
	"nobody asks for the platform's side": {func(t *testing.T) *fixture {
		f := newFixture(t)
		makeUsable(f, spec("images"))
		return f
	}, "nothing-to-confirm", "does not ask for"},
	"its API has made it": {func(t *testing.T) *fixture {
		f := withPlatform(t)
		f.carried(wired())
		return f
	}, "nothing-to-confirm", "looked after by its API"},
	"its API had made it": {func(t *testing.T) *fixture {
		f := withPlatform(t)
		f.carried(wired())
		f.setPlatform(resourceplatform.Platform{})
		s := wired()
		s.HealthCheck = &integration.HealthCheck{Interval: "1h"}
		f.carried(s)
		return f
	}, "nothing-to-confirm", "exists already"},
	"not made yet": {func(t *testing.T) *fixture {
		f := newFixture(t)
		f.submit(byHand())
		return f
	}, "not-provisioned", ""},
	"another form is to come": {func(t *testing.T) *fixture {
		f := newFixture(t)
		makeUsable(f, byHand())
		s := byHand()
		s.DisplayName = "another name"
		f.submit(s)
		return f
	}, "not-provisioned", ""},
	"being torn down": {func(t *testing.T) *fixture {
		f := newFixture(t)
		makeUsable(f, byHand())
		f.remove(provision.TeardownOptions{})
		return f
	}, "deprovisioning", ""},
	"torn down": {func(t *testing.T) *fixture {
		f := newFixture(t)
		makeUsable(f, byHand())
		_, c := f.remove(provision.TeardownOptions{})
		f.completed(c)
		return f
	}, "integration-deleted", ""},
}

// TestThereMayBeNothingToConfirm, or nothing yet: it is refused, and the document stays as it is.
func TestThereMayBeNothingToConfirm(t *testing.T) {
	t.Parallel()
	for name, c := range unconfirmable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.make(t)
			before, _ := f.Repository.Get(t.Context(), id)
			_, err := f.service.Confirm(t.Context(), id, integration.DDOEConfirmation{By: "key"})
			var refusal *diagnosis.Error
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, c.code, refusal.Diagnosis.Code)
			assert.Contains(t, refusal.Diagnosis.Detail, c.detail)
			after, _ := f.Repository.Get(t.Context(), id)
			assert.Equal(t, before, after)
		})
	}
}

// TestAccessThatIsProvedLaterMakesUsable what has failed for want of it, with its event, and nothing else that failed.
func TestAccessThatIsProvedLaterMakesUsable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.provisioned(spec("images"))
	lost, err := f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	f.verified(d.Status.LastOperationID)
	require.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
	assert.Equal(t, [2]string{"False", "role-missing"}, ready(f))
	_, _, err = f.world.PutRoleAssignment(lost)
	require.NoError(t, err)
	_, err = f.service.TestAccess(t.Context(), id, access.Request{})
	require.NoError(t, err)
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	assert.Equal(t, [2]string{"True", ""}, ready(f))
	assert.Equal(t, []string{"provisioned", "failed", "usable"}, f.events())

	refused := diagnosis.New(diagnosis.CodeRoleMissing)
	_, err = f.Repository.Update(t.Context(), id, func(d *integration.Document) error {
		d.Status.Phase = integration.PhaseFailed
		d.SetCondition(f.Now(), integration.ConditionProvisioned, "False", &refused, "")
		return nil
	})
	require.NoError(t, err)
	_, err = f.service.TestAccess(t.Context(), id, access.Request{})
	require.NoError(t, err)
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase, "not all is made")
}
