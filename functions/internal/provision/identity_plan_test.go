package provision_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// stepsOf are the steps of a plan with a name.
func stepsOf(p provision.Plan, name string) []provision.PlannedStep {
	var steps []provision.PlannedStep
	for _, step := range p.Steps {
		if step.Name == name {
			steps = append(steps, step)
		}
	}
	return steps
}

// TestAPlanTellsOfAPlaceThatIsNotThere: what cannot be made is not planned as if it could, by what Azure answers to
// reads; where the app may not look, nothing is claimed.
func TestAPlanTellsOfAPlaceThatIsNotThere(t *testing.T) {
	t.Parallel()
	const read = `^GET .*/userAssignedIdentities/[^/]*$`
	const container = `^GET .*/blobServices/default/containers/[^/]*$`
	absent := of(integration.IdentityManaged, spec("absent"))
	absent.Storage[0].Container = "absent"
	elsewhere := withIdentity(integration.Identity{Kind: integration.IdentityManaged,
		ResourceGroup: "/subscriptions/99999999-2222-4222-8222-222222222222/resourceGroups/identities"})
	for name, c := range map[string]struct {
		spec   integration.Spec
		fault  *fault
		step   string
		action provision.Action
		code   diagnosis.Code
	}{
		"subscription": {elsewhere, nil, "managedIdentity", provision.ActionBlocked,
			diagnosis.CodeSubscriptionNotFound},
		"resource group": {of(integration.IdentityManaged, spec("images")), &fault{match: at(read), times: 1,
			status: http.StatusNotFound, code: "ResourceGroupNotFound"}, "managedIdentity", provision.ActionBlocked,
			diagnosis.CodeIdentityGroupNotFound},
		"the group may not be looked at": {of(integration.IdentityManaged, spec("images")), &fault{match: at(read),
			times: 1, status: http.StatusForbidden, code: "AuthorizationFailed"}, "managedIdentity",
			provision.ActionUnknown, diagnosis.CodeManagedIdentityPermissionMissing},
		"identity": {of(integration.IdentityManaged, spec("images")), nil, "managedIdentity",
			provision.ActionCreate, ""},
		"container": {absent, nil, "roleAssignment", provision.ActionCreate, diagnosis.CodeContainerNotFound},
		"the container may not be looked at": {absent, &fault{match: at(container), times: 1,
			status: http.StatusForbidden, code: "AuthorizationFailed"}, "roleAssignment", provision.ActionCreate, ""},
		"a container that is there": {of(integration.IdentityManaged, spec("images")), nil, "roleAssignment",
			provision.ActionCreate, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if c.fault != nil {
				f.fails(*c.fault)
			}
			p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: c.spec})
			require.NoError(t, err)
			steps := stepsOf(p, c.step)
			require.Len(t, steps, 1)
			assert.Equal(t, c.action, steps[0].Action)
			if c.code == "" {
				assert.Nil(t, steps[0].Diagnosis)
				return
			}
			require.NotNil(t, steps[0].Diagnosis)
			assert.Equal(t, c.code, steps[0].Diagnosis.Code)
			if c.action == provision.ActionBlocked {
				for _, step := range append(stepsOf(p, "federatedCredential"), stepsOf(p, "roleAssignment")...) {
					assert.Equal(t, provision.ActionBlocked, step.Action, "it needs the identity: %s", step.Name)
					assert.Nil(t, step.Diagnosis)
				}
				assert.Empty(t, p.Takes)
			}
		})
	}
}

// TestAPlanLeavesCredentialsOfStrangers: those below an identity that somebody else has made under our name are not
// ours to delete.
func TestAPlanLeavesCredentialsOfStrangers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, first := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(first)
	next := of(integration.IdentityApplication, spec("images"))
	ours, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: next, Replace: true})
	require.NoError(t, err)
	assert.Len(t, stepsOf(ours, "federatedCredential"), 2, "one goes and one comes")
	assert.Contains(t, ours.Takes, "what is there now takes to go")
	takenOver(f)
	p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: next, Replace: true})
	require.NoError(t, err)
	steps := stepsOf(p, "federatedCredential")
	require.Len(t, steps, 1)
	assert.Equal(t, provision.ActionCreate, steps[0].Action)
}

// TestWhatFollowsIsFolded: without an identity there are no credentials either, so only the identity is to be mended.
func TestWhatFollowsIsFolded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  integration.IdentityKind
		spoil func(f *fixture)
		root  string
	}{
		"managed identity": {integration.IdentityManaged, func(f *fixture) {
			require.NoError(t, f.world.DeleteUserAssignedIdentity(managedID))
		}, "structure.managedIdentity"},
		"application": {integration.IdentityApplication, func(f *fixture) {
			require.NoError(t, f.world.DeleteObject("applications", f.Document().Status.Identity.ID))
		}, "structure.application"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, first := f.submit(of(c.kind, spec("images")))
			f.completed(first)
			c.spoil(f)
			report, _ := f.drift()
			assert.Equal(t, assessment.VerdictFail, report.Verdict)
			folded := 0
			for _, check := range report.Checks {
				if check.Code == diagnosis.CodeFederatedCredentialMissing {
					folded++
					assert.Equal(t, diagnosis.OutcomeSkip, check.Status)
					assert.Equal(t, c.root, check.DependsOn)
					assert.Nil(t, check.Remedy, "it has no command of its own")
				}
			}
			assert.Equal(t, 1, folded, fmt.Sprint(report.Checks))
			assert.Equal(t, c.root, report.Checks[0].ID)
			assert.Equal(t, diagnosis.OutcomeFail, report.Checks[0].Status)
		})
	}
}

// TestAnOperationsResultHasNoEmptyIDs: an application alone has an object id.
func TestAnOperationsResultHasNoEmptyIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetLimits(world.Limits{})
	_, command := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(command)
	o := f.Operation(command.OperationID)
	assert.Contains(t, string(o.Result), `"servicePrincipalId"`)
	assert.NotContains(t, string(o.Result), `""`)
	assert.NotContains(t, string(o.Result), `"objectId"`)
}

// TestAPlanOfAReplacementUnderTheSameName: the identity of another region has the name of the one that goes first.
// What is in another group does not go with it.
func TestAPlanOfAReplacementUnderTheSameName(t *testing.T) {
	t.Parallel()
	const marked, another = "there and ours", "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	for name, c := range map[string]struct {
		group, location string
		action          provision.Action
	}{
		"another region":           {"", "northeurope", provision.ActionCreate},
		"another group":            {world.DataResourceGroupID, "", provision.ActionCreate},
		"another group, " + marked: {world.DataResourceGroupID, "", provision.ActionUnchanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, first := f.submit(of(integration.IdentityManaged, spec("images")))
			f.completed(first)
			_, _, err := f.world.PutRoleAssignment(rbac.RoleAssignment{Name: "00000000-0000-4000-8000-000000000009",
				PrincipalID: world.AppPrincipalID, PrincipalType: "ServicePrincipal", Scope: world.DataResourceGroupID,
				RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleContributor)})
			require.NoError(t, err)
			if strings.HasSuffix(name, marked) {
				there, isThere := f.world.UserAssignedIdentity(managedID)
				require.True(t, isThere)
				f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{Location: there.Location, Tags: there.Tags,
					ID: world.DataResourceGroupID + another + there.Name})
			}
			moved := of(integration.IdentityManaged, spec("images"))
			moved.Identity.ResourceGroup, moved.Identity.Location = c.group, c.location
			plan, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: moved, Replace: true})
			require.NoError(t, err)
			steps := stepsOf(plan, "managedIdentity")
			require.Len(t, steps, 2, "%+v", plan.Steps)
			assert.Equal(t, provision.ActionDelete, steps[0].Action)
			assert.Equal(t, c.action, steps[1].Action, "%+v", steps[1])
			assert.Equal(t, c.group == "", steps[0].Key == steps[1].Key)
			assert.Empty(t, steps[1].Differences)
		})
	}
}

// TestNothingIsPlannedOnTheIdentityOfAStranger: a run would stop before it, so none of it is told as if it were made.
func TestNothingIsPlannedOnTheIdentityOfAStranger(t *testing.T) {
	t.Parallel()
	for kind, c := range map[integration.IdentityKind]struct {
		make  func(f *fixture) error
		steps []string
	}{
		integration.IdentityManaged: {func(f *fixture) error {
			f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID})
			return nil
		}, []string{"managedIdentity", "federatedCredential", "roleAssignment"}},
		integration.IdentityApplication: {func(f *fixture) error {
			_, err := f.world.CreateApplication(world.Application{UniqueName: "ddoe-wif-0123abcd-my-service",
				DisplayName: "theirs"}, "")
			return err
		}, []string{"application", "servicePrincipal", "federatedCredential", "roleAssignment"}},
	} {
		f := newFixture(t)
		require.NoError(t, c.make(f))
		p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: of(kind, spec("images"))})
		require.NoError(t, err)
		for _, name := range c.steps {
			steps := stepsOf(p, name)
			require.Len(t, steps, 1, "%s: %s", kind, name)
			assert.Equal(t, provision.ActionBlocked, steps[0].Action, "%s: %s", kind, name)
			assert.Equal(t, name == c.steps[0], steps[0].Diagnosis != nil, "only the cause has words")
		}
		assert.Empty(t, p.Takes)
	}
}
