package provision_test

import (
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

// membersOfOthers are members of our objects that somebody else sets, each with what is told of it.
var membersOfOthers = map[string]struct {
	kind integration.IdentityKind
	set  func(f *fixture)
	// is shows the member as it is in the world.
	is     func(f *fixture) any
	item   string // its name in plans, and in ids of checks
	member string
	have   string
	code   diagnosis.Code // empty where it is told beside what is in place
}{
	"a condition on the assignment": {kind: integration.IdentityApplication, item: "roleAssignment",
		set: setAssignment(func(a *rbac.RoleAssignment) { a.Condition, a.ConditionVersion = byName, "2.0" }),
		is: func(f *fixture) any {
			return []string{assignment(f).Condition, assignment(f).ConditionVersion}
		}, member: "condition", have: byName,
		code: diagnosis.CodeRoleAssignmentConditioned},
	"a condition on the assignment of a managed identity": {kind: integration.IdentityManaged, item: "roleAssignment",
		set:    setAssignment(func(a *rbac.RoleAssignment) { a.Condition, a.ConditionVersion = byName, "2.0" }),
		is:     func(f *fixture) any { return assignment(f).Condition },
		member: "condition", have: byName, code: diagnosis.CodeRoleAssignmentConditioned},
	"another description of the assignment": {kind: integration.IdentityApplication, item: "roleAssignment",
		set:    setAssignment(func(a *rbac.RoleAssignment) { a.Description = "ask Ada first" }),
		is:     func(f *fixture) any { return assignment(f).Description },
		member: "description", have: "ask Ada first"},
	"another description of the credential": {kind: integration.IdentityApplication, item: "federatedCredential",
		set: func(f *fixture) {
			_, err := f.world.UpdateFederatedCredential(f.Document().Status.Identity.ID,
				integration.CredentialName(subject), func(o *world.FederatedIdentityCredential) error {
					o.Description = "ask Ada first"
					return nil
				})
			require.NoError(f.t, err)
		},
		is: func(f *fixture) any {
			c, _ := f.world.FederatedCredential(f.Document().Status.Identity.ID, integration.CredentialName(subject))
			return c
		},
		member: "description", have: "ask Ada first"},
	"an equal credential under another name": {kind: integration.IdentityApplication, item: "federatedCredential",
		set: func(f *fixture) {
			objectID, ours := f.Document().Status.Identity.ID, f.Document().Status.FederatedCredentials[0]
			require.NoError(f.t, f.world.DeleteFederatedCredential(objectID, ours.Name))
			_, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: objectID,
				Name: "by-hand", Issuer: ours.Issuer, Subject: ours.Subject, Audiences: []string{ours.Audience}})
			require.NoError(f.t, err)
		},
		is: func(f *fixture) any {
			for _, c := range f.world.FederatedCredentials(f.Document().Status.Identity.ID) {
				if c.Subject == subject {
					return c
				}
			}
			return nil
		},
		member: "name", have: "by-hand"},
	"an equal assignment under another name": {kind: integration.IdentityApplication, item: "roleAssignment",
		set: func(f *fixture) {
			a := assignment(f)
			_, err := f.world.DeleteRoleAssignment(a.ID)
			require.NoError(f.t, err)
			a.ID, a.Name = "", otherName
			_, _, err = f.world.PutRoleAssignment(a)
			require.NoError(f.t, err)
		},
		is: func(f *fixture) any {
			for _, a := range f.world.RoleAssignments() {
				if a.PrincipalID == f.Document().Status.ServicePrincipalID && strings.HasSuffix(a.Scope, "images") {
					return a
				}
			}
			return nil
		},
		member: "name", have: otherName},
	"a secret on the application": {kind: integration.IdentityApplication, item: "application",
		set:    setApplication(func(a *world.Application) { a.PasswordCredentials = addedLogin }),
		is:     func(f *fixture) any { return applicationOf(f).PasswordCredentials },
		member: "passwordCredentials", have: "by hand (key-1)",
		code: diagnosis.CodeLoginCredentialExtra},
	"a certificate on the application": {kind: integration.IdentityApplication, item: "application",
		set:    setApplication(func(a *world.Application) { a.KeyCredentials = addedLogin }),
		is:     func(f *fixture) any { return applicationOf(f).KeyCredentials },
		member: "keyCredentials", have: "by hand (key-1)",
		code: diagnosis.CodeLoginCredentialExtra},
	"an application that is deactivated": {kind: integration.IdentityApplication, item: "application",
		set:    setApplication(func(a *world.Application) { a.IsDisabled = true }),
		is:     func(f *fixture) any { return applicationOf(f).IsDisabled },
		member: "isDisabled", have: "true", code: diagnosis.CodeClientDisabled},
	"an application that Microsoft has disabled": {kind: integration.IdentityApplication, item: "application",
		set: setApplication(func(a *world.Application) {
			a.DisabledByMicrosoftStatus = "DisabledDueToViolationOfServicesAgreement"
		}),
		is:     func(f *fixture) any { return applicationOf(f).DisabledByMicrosoftStatus },
		member: "disabledByMicrosoftStatus", have: "DisabledDueToViolationOfServicesAgreement",
		code: diagnosis.CodeClientDisabled},
	"a secret on the service principal": {kind: integration.IdentityApplication, item: "servicePrincipal",
		set:    setPrincipal(func(p *world.ServicePrincipal) { p.PasswordCredentials = addedLogin }),
		is:     func(f *fixture) any { return principalOf(f).PasswordCredentials },
		member: "passwordCredentials", have: "by hand (key-1)",
		code: diagnosis.CodeLoginCredentialExtra},
	"the service principal is disabled": {kind: integration.IdentityApplication, item: "servicePrincipal",
		set: setPrincipal(func(p *world.ServicePrincipal) { p.AccountEnabled = false }),
		is:  func(f *fixture) any { return principalOf(f).AccountEnabled }, member: "accountEnabled", have: "false",
		code: diagnosis.CodeClientDisabled},
}

const otherName = "99999999-9999-4999-8999-999999999999"

var addedLogin = []world.LoginCredential{{KeyID: "key-1", DisplayName: "by hand"}}

func applicationOf(f *fixture) world.Application { return f.world.Applications()[0] }

func setApplication(change func(a *world.Application)) func(f *fixture) {
	return func(f *fixture) {
		_, err := f.world.UpdateApplication(applicationOf(f).ID, func(a *world.Application) error {
			change(a)
			return nil
		})
		require.NoError(f.t, err)
	}
}

func principalOf(f *fixture) world.ServicePrincipal {
	p, _ := f.world.ServicePrincipal(f.Document().Status.ServicePrincipalID)
	return p
}

func setPrincipal(change func(p *world.ServicePrincipal)) func(f *fixture) {
	return func(f *fixture) {
		_, err := f.world.UpdateServicePrincipal(principalOf(f).ID, func(p *world.ServicePrincipal) error {
			change(p)
			return nil
		})
		require.NoError(f.t, err)
	}
}

// byName is a condition that narrows a grant to one container.
const byName = "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'images')"

func assignment(f *fixture) rbac.RoleAssignment {
	for _, a := range f.world.RoleAssignments() {
		if a.ID == f.Document().Status.RoleAssignments[0].ID {
			return a
		}
	}
	return rbac.RoleAssignment{}
}

func setAssignment(change func(a *rbac.RoleAssignment)) func(f *fixture) {
	return func(f *fixture) {
		a := assignment(f)
		change(&a)
		_, _, err := f.world.PutRoleAssignment(a)
		require.NoError(f.t, err)
	}
}

// TestAMemberOfOthersIsReportedAndKept, through all loops: drift and dry run show it with its owner, and neither the
// same PUT nor another one sets it. An outcome states it.
func TestAMemberOfOthersIsReportedAndKept(t *testing.T) {
	t.Parallel()
	for name, c := range membersOfOthers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			had := of(c.kind, spec("images"))
			f.carried(had)
			plain := c.is(f)
			c.set(f)
			is := c.is(f)
			require.NotEqual(t, plain, is)

			report, found := f.drift()
			delete(found, "ddoe.integration") // the spec asks for nothing there
			showsTheirs(f, report, c.item, c.member, c.have)
			step := theirStep(f, had, c.item, c.member)
			assert.Equal(t, provision.ActionUnchanged, step.Action)
			if c.code == "" {
				assert.Empty(t, found)
				assert.Nil(t, step.Diagnosis)
			} else {
				assert.Equal(t, map[string]string{"structure." + c.item: string(c.code)}, found)
				require.NotNil(t, step.Diagnosis)
				assert.Equal(t, c.code, step.Diagnosis.Code)
			}

			next := had
			next.Subjects = []string{subject, other}
			next.Storage = append(spec("archive").Storage, had.Storage...)
			for _, s := range []integration.Spec{had, next} {
				d := f.carried(s)
				assert.Equal(t, is, c.is(f), "it is kept")
				for _, step := range f.Operation(d.Status.LastOperationID).Steps {
					isAbout := step.Name == c.item && !strings.HasSuffix(step.Target, "archive") &&
						step.Target != integration.CredentialName(other)
					assert.True(t, !isAbout || step.Outcome == "unchanged", "%+v", step)
				}
			}
			report, _ = f.drift()
			showsTheirs(f, report, c.item, c.member, c.have)
		})
	}
}

// showsTheirs holds that one check of a report has the member, as somebody else's.
func showsTheirs(f *fixture, report assessment.Report, item, member, have string) {
	f.t.Helper()
	var reported []diagnosis.MemberDifference
	for _, check := range report.Checks {
		if check.ID != "structure."+item {
			assert.Empty(f.t, check.Differences, check.ID)
			continue
		}
		reported = append(reported, check.Differences...)
	}
	require.Len(f.t, reported, 1)
	assert.Equal(f.t, []string{member, have, string(diagnosis.OwnerOther)},
		[]string{reported[0].Member, reported[0].Have, string(reported[0].Owner)})
}

// theirStep is the one step of a dry run that shows the member, as somebody else's.
func theirStep(f *fixture, s integration.Spec, item, member string) provision.PlannedStep {
	f.t.Helper()
	p, err := f.service.Plan(f.t.Context(), provision.Submission{ID: id, Spec: s})
	require.NoError(f.t, err)
	var reported []provision.PlannedStep
	for _, step := range p.Steps {
		if len(step.Differences) > 0 {
			reported = append(reported, step)
		}
	}
	require.Len(f.t, reported, 1)
	assert.Equal(f.t, item, reported[0].Name)
	require.Len(f.t, reported[0].Differences, 1)
	assert.Equal(f.t, member, reported[0].Differences[0].Member)
	assert.Equal(f.t, diagnosis.OwnerOther, reported[0].Differences[0].Owner)
	return reported[0]
}
