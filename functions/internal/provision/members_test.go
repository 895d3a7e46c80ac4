package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	"the service principal is disabled": {kind: integration.IdentityApplication, item: "servicePrincipal",
		set: func(f *fixture) {
			_, err := f.world.UpdateServicePrincipal(f.Document().Status.ServicePrincipalID,
				func(p *world.ServicePrincipal) error {
					p.AccountEnabled = false
					return nil
				})
			require.NoError(f.t, err)
		},
		is: func(f *fixture) any {
			p, _ := f.world.ServicePrincipal(f.Document().Status.ServicePrincipalID)
			return p.AccountEnabled
		}, member: "accountEnabled", have: "false",
		code: diagnosis.CodeServicePrincipalDisabled},
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

// TestAMemberOfOthersIsShownAndKept, through all loops: drift and dry run show it with its owner, and neither the same
// PUT nor another one sets it. An outcome says so.
func TestAMemberOfOthersIsShownAndKept(t *testing.T) {
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
					isAbout := step.Name == c.item && (c.item != "roleAssignment" ||
						step.Target == d.Status.RoleAssignments[0].Scope)
					assert.True(t, !isAbout || step.Outcome == "unchanged", "%+v", step)
				}
			}
			report, _ = f.drift()
			showsTheirs(f, report, c.item, c.member, c.have)
		})
	}
}

// showsTheirs holds that one check of a report has the member, as somebody else's.
func showsTheirs(f *fixture, report diagnosis.Report, item, member, have string) {
	f.t.Helper()
	var shown []diagnosis.MemberDifference
	for _, check := range report.Checks {
		if check.ID != "structure."+item {
			assert.Empty(f.t, check.Differences, check.ID)
			continue
		}
		shown = append(shown, check.Differences...)
	}
	require.Len(f.t, shown, 1)
	assert.Equal(f.t, []string{member, have, string(diagnosis.OwnerOther)},
		[]string{shown[0].Member, shown[0].Have, string(shown[0].Owner)})
}

// theirStep is the one step of a dry run that shows the member, as somebody else's.
func theirStep(f *fixture, s integration.Spec, item, member string) provision.PlannedStep {
	f.t.Helper()
	p, err := f.service.Plan(f.t.Context(), id, s, false)
	require.NoError(f.t, err)
	var shown []provision.PlannedStep
	for _, step := range p.Steps {
		if len(step.Differences) > 0 {
			shown = append(shown, step)
		}
	}
	require.Len(f.t, shown, 1)
	assert.Equal(f.t, item, shown[0].Name)
	require.Len(f.t, shown[0].Differences, 1)
	assert.Equal(f.t, member, shown[0].Differences[0].Member)
	assert.Equal(f.t, diagnosis.OwnerOther, shown[0].Differences[0].Owner)
	return shown[0]
}
