package provision_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// defaultsOf are what a deployment leaves identities to be made of.
type defaultsOf struct {
	kind     integration.IdentityKind
	group    string
	location string
}

func (f *fixture) setDefaults(d defaultsOf) {
	f.service.Defaults.IdentityKind, f.service.Defaults.Location = d.kind, d.location
	f.service.Defaults.IdentityGroup = armid.ResourceGroup{}
	if d.group != "" {
		f.service.Defaults.IdentityGroup = armid.ResourceGroup{SubscriptionID: world.SubscriptionID,
			Name: d.group}
	}
}

// TestADefaultIsForWhatIsNew: an operator's change of the defaults changes nothing of what is made, and refuses
// nothing of it. What a spec leaves out is what there is.
func TestADefaultIsForWhatIsNew(t *testing.T) {
	t.Parallel()
	managed := defaultsOf{integration.IdentityManaged, "identities", world.Location}
	application := defaultsOf{}
	for name, c := range map[string]struct {
		first, then defaultsOf
		given       *integration.Identity
	}{
		"an application, then managed identities": {application, managed, nil},
		"an application, then managed identities without a place": {application,
			defaultsOf{kind: integration.IdentityManaged}, nil},
		"a managed identity, then applications": {managed, application, nil},
		"a managed identity, then another place": {managed, defaultsOf{managed.kind, "elsewhere",
			"northeurope"}, nil},
		"the kind is given, then no place": {managed, application, &integration.Identity{Kind: managed.kind}},
		"the place is given, then applications": {managed, application,
			&integration.Identity{Location: world.Location}},
		"the group is given, then another default": {managed, application,
			&integration.Identity{ResourceGroup: world.IdentitiesResourceGroupID}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.setDefaults(c.first)
			s := spec("images")
			s.Identity = c.given
			f.provisioned(s)
			was := f.Document()
			f.setDefaults(c.then)
			p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
			require.NoError(t, err)
			for _, step := range p.Steps[:3] {
				assert.Equal(t, provision.ActionUnchanged, step.Action, step.Name)
			}
			a, command := f.submit(s)
			f.completed(command)
			assert.Equal(t, was.Spec, f.Document().Spec)
			for _, outcome := range outcomes(f.Operation(a.Operation.ID)) {
				assert.True(t, strings.HasSuffix(outcome, " unchanged"), outcome)
			}
			require.NoError(t, f.worker.Handle(t.Context(), message.Command{Type: message.TypeProvision,
				IntegrationID: id, OperationID: "by-queue", Spec: &s}))
			f.RequireStatus("by-queue", integration.OperationSucceeded)
			assert.Equal(t, was.Spec, f.Document().Spec)
		})
	}
}

// TestTheDefaultOfWhatIsNew is the one of now.
func TestTheDefaultOfWhatIsNew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	f.service.Defaults.IdentityKind = integration.IdentityManaged
	a, err := f.service.Submit(t.Context(), provision.Submission{ID: "another", Spec: spec("images")})
	require.NoError(t, err)
	assert.Equal(t, integration.IdentityManaged, a.Document.Spec.Identity.Kind)
}

// TestWhatIsGivenIsHeldAgainstWhatThereIs, not against a default: an application has no region.
func TestWhatIsGivenIsHeldAgainstWhatThereIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	f.setDefaults(defaultsOf{integration.IdentityManaged, "identities", world.Location})
	s := withIdentity(integration.Identity{Location: "northeurope"})
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: s})
	_, planErr := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
	f.handle(message.Command{Type: message.TypeProvision, IntegrationID: id, OperationID: "by-queue", Spec: &s})
	queued := f.RequireStatus("by-queue", integration.OperationFailed)
	s.Issuer = "http://dataloop.ai"
	_, both := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: s})
	for _, found := range []diagnosis.Diagnosis{requireCode(t, "invalid-spec", err),
		requireCode(t, "invalid-spec", planErr), *queued.Error} {
		require.Len(t, found.Findings, 1)
		assert.Contains(t, found.Findings[0].Pointer, "/identity/location")
	}
	found := requireCode(t, "invalid-spec", both)
	require.Len(t, found.Findings, 2, "all faults at once")
	assert.Equal(t, "/issuer", found.Findings[0].Pointer)
}

// TestAnotherKindAfterATeardown needs no replace: nobody can use the client id any more. What could be restored makes
// room.
func TestAnotherKindAfterATeardown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	former := f.Document().Status.ClientID
	f.tearDown()
	require.Equal(t, 2, f.counts().deleted)
	_, err := f.service.Plan(t.Context(),
		provision.Submission{ID: id, Spec: of(integration.IdentityManaged, spec("images"))})
	require.NoError(t, err)
	_, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	assert.Equal(t, counts{identities: 1, credentials: 1, assignments: 1}, f.counts())
	assert.Len(t, managed(f), 1)
	assert.Equal(t, former, f.Document().Status.Identity.FormerClientID)
}

// TestADefaultIsNotHeldAgainstASpecWhileTheStoreIsDown: whether the spec is complete by what there is, nobody knows.
func TestADefaultIsNotHeldAgainstASpecWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setDefaults(defaultsOf{kind: integration.IdentityManaged}) // without a place
	f.Store.Before = func(operationtest.Call) error { return errors.New("the store does not answer") }
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	requireCode(t, diagnosis.CodeStoreUnavailable, err)
	f.Store.Before = nil
	_, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	requireCode(t, diagnosis.CodeInvalidSpec, err)
}
