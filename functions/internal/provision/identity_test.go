package provision_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const managedID = world.IdentitiesResourceGroupID +
	"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ddoe-wif-0123abcd-my-service"

// of asks for an identity of a kind.
func of(kind integration.IdentityKind, s integration.Spec) integration.Spec {
	s.Identity = &integration.Identity{Kind: kind}
	return s
}

// replaced submits a spec that may replace the identity.
func replaced(f *fixture, s integration.Spec) (operation.Accepted, message.Command) {
	f.t.Helper()
	a, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: s, Replace: true})
	require.NoError(f.t, err)
	return a, f.Command(a.Operation.ID)
}

// managed are the identities that the app has made.
func managed(f *fixture) []world.UserAssignedIdentity {
	var all []world.UserAssignedIdentity
	for _, u := range f.world.UserAssignedIdentities() {
		if rbac.IsScopeAbove(world.IdentitiesResourceGroupID, u.ID) {
			all = append(all, u)
		}
	}
	return all
}

// withoutGraph refuses every request to Graph.
func withoutGraph(f *fixture) *int {
	asked := 0
	f.hosts["graph.microsoft.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Error(w, r.Method+" "+r.URL.Path, http.StatusForbidden)
	})
	return &asked
}

// TestAManagedIdentityNeedsNoGraph from the first run to the end: provisioning, access, plan, drift, teardown.
func TestAManagedIdentityNeedsNoGraph(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked := withoutGraph(f)
	a, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	assert.ElementsMatch(t, []string{"managedIdentity created", "federatedCredential created",
		"roleAssignment created"}, outcomes(f.Operation(a.Operation.ID)), "trust and rights are made side by side")
	d := f.Document()
	require.Len(t, managed(f), 1)
	made := managed(f)[0]
	assert.Equal(t, map[string]string{"ddoe-wif": "0123abcd/" + id}, made.Tags)
	assert.Equal(t, integration.IdentityMade{Kind: integration.IdentityManaged, Key: managedID,
		Location: world.Location},
		d.Status.Identity)
	assert.Equal(t, []string{made.ClientID, made.PrincipalID},
		[]string{d.Status.ClientID, d.Status.ServicePrincipalID})
	f.verified(a.Operation.ID)
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase, "access was proved as the managed identity")
	report, _ := f.drift()
	assert.Equal(t, assessment.VerdictPass, report.Verdict)

	f.tearDown()
	assert.Empty(t, managed(f))
	assert.Zero(t, f.counts().assignments)
	assert.Empty(t, f.Document().Status.ClientID, "nothing can be restored")
	_, c = f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	assert.NotEqual(t, made.ClientID, f.Document().Status.ClientID)
	assert.Equal(t, made.ClientID, f.Document().Status.Identity.FormerClientID)
	assert.Zero(t, *asked)
}

func outcomes(o integration.Operation) []string {
	all := make([]string, len(o.Steps))
	for i, s := range o.Steps {
		all[i] = s.Name + " " + s.Outcome
	}
	return all
}

// TestAnotherIdentityIsAskedFor: what would take a client id away that somebody may use needs replace.
func TestAnotherIdentityIsAskedFor(t *testing.T) {
	t.Parallel()
	other := integration.Identity{Kind: integration.IdentityManaged, ResourceGroup: "/subscriptions/" +
		world.SubscriptionID + "/resourceGroups/other"}
	for name, c := range map[string]struct {
		had, next integration.Spec
		refused   bool
	}{
		"application to managed identity": {spec("images"), of(integration.IdentityManaged, spec("images")), true},
		"managed identity to application": {of(integration.IdentityManaged, spec("images")),
			of(integration.IdentityApplication, spec("images")), true},
		"the same": {of(integration.IdentityManaged, spec("images")),
			of(integration.IdentityManaged, spec("images")), false},
		"it says nothing of it any more": {of(integration.IdentityManaged, spec("images")), spec("archive"), false},
		"another resource group": {of(integration.IdentityManaged, spec("images")),
			withIdentity(other), true},
		"another region": {of(integration.IdentityManaged, spec("images")),
			withIdentity(integration.Identity{Kind: integration.IdentityManaged, Location: "northeurope"}), true},
		"the same region in other letters": {of(integration.IdentityManaged, spec("images")),
			withIdentity(integration.Identity{Kind: integration.IdentityManaged, Location: "West Europe"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, c0 := f.submit(c.had)
			f.completed(c0)
			_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: c.next})
			_, planErr := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: c.next})
			byQueue := f.worker.Handle(t.Context(), message.Command{Type: message.TypeProvision, IntegrationID: id,
				OperationID: "by-queue", Spec: &c.next})
			require.NoError(t, byQueue)
			queued := f.Operation("by-queue")
			if !c.refused {
				require.NoError(t, err)
				require.NoError(t, planErr)
				assert.Nil(t, queued.Error)
				return
			}
			for _, err := range []error{err, planErr} {
				var refusal *diagnosis.Error
				require.ErrorAs(t, err, &refusal)
				assert.Equal(t, diagnosis.CodeIdentityReplaceRequired, refusal.Diagnosis.Code)
				assert.Regexp(t, "^The service would remove the .+ for good and make the .+, which has "+
					"another client id "+
					"than "+f.Document().Status.ClientID, refusal.Diagnosis.Detail)
				assert.Contains(t, strings.Join(refusal.Diagnosis.Remedy.Steps, " "), "?replace=true")
			}
			require.NotNil(t, queued.Error)
			assert.Equal(t, diagnosis.CodeIdentityReplaceRequired, queued.Error.Code)
			require.NoError(t, f.worker.Handle(t.Context(), message.Command{Type: message.TypeProvision,
				IntegrationID: id, OperationID: "asked-for",
				Spec: &c.next, Replace: true}))
			if o := f.Operation("asked-for"); c.next.Identity.ResourceGroup == "" {
				assert.Nil(t, o.Error)
			} else { // it is admitted, and the app has no right there
				assert.Equal(t, diagnosis.CodeManagedIdentityPermissionMissing, o.Error.Code)
			}
		})
	}
}

func withIdentity(i integration.Identity) integration.Spec {
	s := spec("images")
	s.Identity = &i
	return s
}

// directions are the changes of kind.
func directions() map[string][2]integration.IdentityKind {
	return map[string][2]integration.IdentityKind{
		"application to managed identity": {integration.IdentityApplication, integration.IdentityManaged},
		"managed identity to application": {integration.IdentityManaged, integration.IdentityApplication},
	}
}

// TestReplaceSurvivesEveryKill in both directions: the process ends before each of its effects, and the next one
// finishes.
func TestReplaceSurvivesEveryKill(t *testing.T) {
	t.Parallel()
	for name, kinds := range directions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var former string
			killedAnywhere(t, func() (*fixture, message.Command) {
				f := newFixture(t)
				_, c := f.submit(of(kinds[0], spec("images")))
				f.completed(c)
				former = f.Document().Status.ClientID
				_, c = replaced(f, of(kinds[1], spec("images")))
				return f, c
			}, func(f *fixture, c message.Command, n int) {
				f.completed(c)
				msg := fmt.Sprintf("killed at effect %d", n)
				d, want := f.Document(), counts{identities: 1, credentials: 1, assignments: 1}
				if kinds[1] == integration.IdentityApplication {
					want = counts{applications: 1, principals: 1, credentials: 1, assignments: 1}
				}
				assert.Equal(t, want, f.counts(), msg)
				assert.Equal(t, kinds[1] == integration.IdentityManaged, len(managed(f)) == 1, msg)
				assert.Equal(t, kinds[1], d.Status.Identity.Kind, msg)
				assert.NotEqual(t, former, d.Status.ClientID, msg)
				assert.Equal(t, former, d.Status.Identity.FormerClientID, "who has to be told, "+msg)
				require.Len(t, d.Status.RoleAssignments, 1, msg)
				assert.Equal(t, d.Status.ServicePrincipalID, d.Status.RoleAssignments[0].PrincipalID, msg)
				f.verified(c.OperationID)
				assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase, msg)
			})
		})
	}
}

// TestAReplacementCanBeTakenBack while it waits: the identity that is recorded is the one that the spec asks for
// again.
func TestAReplacementCanBeTakenBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	was := f.Document().Status.ClientID
	_, c := replaced(f, of(integration.IdentityManaged, spec("images")))
	again, err := f.service.Submit(t.Context(),
		provision.Submission{ID: id, Spec: of(integration.IdentityManaged, spec("images"))})
	require.NoError(t, err, "it is admitted already")
	assert.Equal(t, integration.IdentityManaged, again.Document.Spec.Identity.Kind)
	unsaid, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("archive")})
	require.NoError(t, err)
	assert.Equal(t, integration.IdentityManaged, unsaid.Document.Spec.Identity.Kind,
		"a spec that says nothing of it changes nothing of it")
	_, back := f.submit(of(integration.IdentityApplication, spec("images")))
	f.handle(c)
	f.completed(back)
	assert.Equal(t, was, f.Document().Status.ClientID)
	assert.Empty(t, managed(f))
}

// TestPlanOfAReplacement shows what goes, what comes, and that the client id is another one; and does nothing.
func TestPlanOfAReplacement(t *testing.T) {
	t.Parallel()
	for name, kinds := range directions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, c := f.submit(of(kinds[0], spec("images")))
			f.completed(c)
			before, there := f.counts(), managed(f)
			p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: of(kinds[1], spec("images")),
				Replace: true})
			require.NoError(t, err)
			steps := map[string][]string{}
			told := ""
			for _, s := range p.Steps {
				steps[s.Name] = append(steps[s.Name], string(s.Action))
				if s.Diagnosis != nil && s.Diagnosis.Code == diagnosis.CodeIdentityReplaced {
					told = s.Diagnosis.Detail
					require.NotNil(t, s.Diagnosis.Remedy)
					assert.Contains(t, strings.Join(s.Diagnosis.Remedy.Steps, " "), "azure_credentials.json")
				}
			}
			both := []string{"delete", "create"}
			want := map[string][]string{"federatedCredential": both, "roleAssignment": both, "verify": {"schedule"},
				"application": {"delete"}, "servicePrincipal": {"delete"}, "managedIdentity": {"create"},
				"ddoeIntegration": {"manual"}}
			if kinds[0] == integration.IdentityManaged {
				want["application"], want["servicePrincipal"], want["managedIdentity"] = both[1:], both[1:], both[:1]
			}
			assert.Equal(t, want, steps)
			assert.Contains(t, told, f.Document().Status.ClientID)
			assert.Equal(t, before, f.counts())
			assert.Equal(t, there, managed(f))
		})
	}
}

// TestReplaceTellsThePlatform in the same run, where its side is made by the API. Then nobody has to be told any more.
func TestReplaceTellsThePlatform(t *testing.T) {
	t.Parallel()
	for name, kinds := range directions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			d := f.carried(of(kinds[0], wired()))
			_, c := replaced(f, of(kinds[1], wired()))
			f.completed(c)
			now := f.Document()
			assert.Equal(t, d.Status.DDOE.IntegrationID, now.Status.DDOE.IntegrationID, "the same integration")
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			sent := fmt.Sprint(f.world.DDOEObjects(dataloop.Integrations)[0])
			assert.Contains(t, sent, now.Status.ClientID)
			assert.NotContains(t, sent, d.Status.ClientID)
			assert.Empty(t, now.Status.Identity.FormerClientID)
		})
	}
}

// TestReplaceTellsAPerson, where the platform's side is made by hand.
func TestReplaceTellsAPerson(t *testing.T) {
	t.Parallel()
	form := newFixture(t)
	form.provisioned(spec("images"))
	_, c := replaced(form, of(integration.IdentityManaged, spec("images")))
	form.completed(c)
	assert.Equal(t, form.Document().Status.ClientID, form.Document().Status.DDOE.Form.ClientID)
	assert.Contains(t, form.Document().Status.DDOE.Next, form.Document().Status.Identity.FormerClientID,
		"a person is told")
}

// TestBothKindsSideBySide in one deployment know nothing of one another.
func TestBothKindsSideBySide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	a, err := f.service.Submit(t.Context(), provision.Submission{ID: "another", Spec: of(integration.IdentityManaged,
		spec("images"))})
	require.NoError(t, err)
	f.completed(f.Command(a.Operation.ID))
	assert.Equal(t, counts{applications: 1, principals: 1, identities: 1, credentials: 2, assignments: 2},
		f.counts())
	require.Len(t, managed(f), 1)
	f.tearDown()
	assert.Equal(t, counts{identities: 1, credentials: 1, assignments: 1, deleted: 2}, f.counts())
	assert.Len(t, managed(f), 1)
	assert.Len(t, f.world.UserAssignedIdentityCredentials(managed(f)[0].ID), 1)
}

// TestADeletedManagedIdentityComesBackAsAnother: there is no recycle bin, so drift and status say so.
func TestADeletedManagedIdentityComesBackAsAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(f *fixture)
		code  diagnosis.Code
	}{
		"deleted": {func(f *fixture) { require.NoError(t, f.world.DeleteUserAssignedIdentity(managedID)) },
			diagnosis.CodeIdentityMissing},
		"made anew by somebody, with our tags": {func(f *fixture) {
			u, _ := f.world.UserAssignedIdentity(managedID)
			require.NoError(t, f.world.DeleteUserAssignedIdentity(managedID))
			f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID, Tags: u.Tags})
		}, diagnosis.CodeManagedIdentityReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, first := f.submit(of(integration.IdentityManaged, spec("images")))
			f.completed(first)
			was := f.Document().Status
			c.spoil(f)
			report, _ := f.drift()
			found := map[diagnosis.Code]assessment.Check{}
			for _, check := range report.Checks {
				found[check.Code] = check
			}
			require.Contains(t, found, c.code)
			assert.NotContains(t, fmt.Sprint(report), "az ad app")
			p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
			require.NoError(t, err)
			require.NotNil(t, p.Steps[0].Diagnosis)
			assert.Contains(t, p.Steps[0].Diagnosis.Detail, was.ClientID)
			_, again := f.submit(spec("images"))
			f.completed(again)
			now := f.Document().Status
			assert.NotEqual(t, was.ClientID, now.ClientID)
			assert.Equal(t, was.ClientID, now.Identity.FormerClientID)
			assert.Equal(t, counts{identities: 1, credentials: 1, assignments: 1}, f.counts(),
				"the old principal's has gone")
			f.verified(again.OperationID)
			assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
		})
	}
}

// TestTwentySubjectsAtAzuresRate: the plan tells how long it takes, and no write is refused. Two looks at the identity
// may meet: the later one is repeated.
func TestTwentySubjectsAtAzuresRate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetLimits(world.Limits{ManagedIdentityRates: true})
	s := of(integration.IdentityManaged, trusting(20, "service-00"))
	p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
	require.NoError(t, err)
	assert.Equal(t, "20 federatedCredentials: about 80 s", p.Takes)
	f.Advance(time.Minute)
	throttled := 0
	management := f.hosts["management.azure.com"]
	f.hosts["management.azure.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w = statusWriter{w, &throttled}
		}
		management.ServeHTTP(w, r)
	})
	began := f.Now()
	f.provisioned(s)
	assert.Equal(t, 76*time.Second, f.Now().Sub(began), "19 pauses of 4 s")
	assert.Len(t, f.world.UserAssignedIdentityCredentials(managedID), 20)
	f.tearDown()
	assert.Empty(t, managed(f))
	assert.Zero(t, throttled, "writes that Azure has refused")
}

// statusWriter counts what is throttled.
type statusWriter struct {
	http.ResponseWriter
	throttled *int
}

func (w statusWriter) WriteHeader(status int) {
	if status == http.StatusTooManyRequests {
		*w.throttled++
	}
	w.ResponseWriter.WriteHeader(status)
}

// refuse has Azure refuse requests with a code.
func refuse(method, path string, status int, code string) func(f *fixture) {
	return func(f *fixture) {
		management := f.hosts["management.azure.com"]
		f.hosts["management.azure.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method && strings.Contains(r.URL.Path, path) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("x-ms-request-id", "refused")
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"refused"}}`, code)
				return
			}
			management.ServeHTTP(w, r)
		})
	}
}

// TestWhatAzureRefusesIsNamed: a region without support, a policy, a group without rights.
func TestWhatAzureRefusesIsNamed(t *testing.T) {
	t.Parallel()
	const identities, credentials = "/userAssignedIdentities/", "/federatedIdentityCredentials/"
	in := func(location, group string) integration.Spec {
		return withIdentity(integration.Identity{Kind: integration.IdentityManaged, Location: location,
			ResourceGroup: group})
	}
	none := func(*fixture) {}
	for name, c := range map[string]struct {
		spec  integration.Spec
		spoil func(f *fixture)
		code  diagnosis.Code
	}{
		"a region without federation": {in("malaysiasouth", ""), none, diagnosis.CodeManagedIdentityRegionUnsupported},
		"a group that is not there": {in("", ""), refuse(http.MethodPut, identities, 404, "ResourceGroupNotFound"),
			diagnosis.CodeIdentityGroupNotFound},
		"a subscription that is not there": {in("", ""), refuse(http.MethodPut, identities, 404,
			"SubscriptionNotFound"),
			diagnosis.CodeSubscriptionNotFound},
		"a group without a right": {in("", "/subscriptions/"+world.SubscriptionID+"/resourceGroups/elsewhere"), none,
			diagnosis.CodeManagedIdentityPermissionMissing},
		"no right": {in("", ""), refuse(http.MethodPut, identities, 403, "AuthorizationFailed"),
			diagnosis.CodeManagedIdentityPermissionMissing},
		"a credential is refused": {in("", ""), refuse(http.MethodPut, credentials, 400, "BadRequest"),
			diagnosis.CodeManagedCredentialRefused},
		"an identity is refused": {in("", ""), refuse(http.MethodPut, identities, 400,
			"InvalidResourceName"), diagnosis.CodeManagedIdentityRefused},
		"a region that is none": {in("", ""), refuse(http.MethodPut, identities, 400,
			"LocationNotAvailableForResourceType"), diagnosis.CodeManagedIdentityRegionUnsupported},
		"writers meet for ever": {in("", ""), refuse(http.MethodPut, credentials, 409,
			"ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"),
			diagnosis.CodeManagedIdentityBusy},
		"throttled for ever": {in("", ""), refuse(http.MethodPut, credentials, 429, "TooManyRequests"),
			diagnosis.CodeThrottled},
		"never replicated": {in("", ""), refuse(http.MethodPut, credentials, 404, "ParentResourceNotFound"),
			diagnosis.CodeManagedIdentityNotReplicated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.spoil(f)
			a, command := f.submit(c.spec)
			f.handle(command)
			o := f.Operation(a.Operation.ID)
			found := o.Error
			if found == nil {
				require.NotNil(t, o.Waiting)
				found = &o.Waiting.Diagnosis
			}
			assert.Equal(t, c.code, found.Code)
			assert.NotContains(t, found.Remedy.Command, "az ad ")
		})
	}
}

// TestADenyingPolicyIsNamed: what it denies, the kind of identity that it is about, and the policy itself, which the
// operator looks for. A plan cannot know of it.
func TestADenyingPolicyIsNamed(t *testing.T) {
	t.Parallel()
	const identities = "Microsoft.ManagedIdentity/userAssignedIdentities"
	for denied, code := range map[string]diagnosis.Code{
		identities: diagnosis.CodeManagedIdentityPolicyDenied,
		identities + "/federatedIdentityCredentials": diagnosis.CodeManagedIdentityPolicyDenied,
		"Microsoft.Authorization/roleAssignments":    diagnosis.CodePolicyDenied,
	} {
		f := newFixture(t)
		f.world.SetLimits(world.Limits{DeniedTypes: []string{denied}})
		a, command := f.submit(of(integration.IdentityManaged, spec("images")))
		f.handle(command)
		found := f.RequireStatus(a.Operation.ID, integration.OperationFailed).Error
		require.NotNil(t, found)
		assert.Equal(t, code, found.Code, denied)
		assert.Contains(t, found.Detail, `"policyAssignment":{"name":"Not in this subscription"`, denied)
		assert.Equal(t, "RequestDisallowedByPolicy", found.Evidence.ServiceCode)
		f.world.SetLimits(world.Limits{})
		_, again := f.submit(of(integration.IdentityManaged, spec("images")))
		f.completed(again)
	}
}

// TestPlanOfAGroupWithoutARight: a refused look at an identity is told as that, as the run would tell it.
func TestPlanOfAGroupWithoutARight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p, err := f.service.Plan(t.Context(), provision.Submission{ID: id,
		Spec: withIdentity(integration.Identity{Kind: integration.IdentityManaged,
			ResourceGroup: "/subscriptions/" + world.SubscriptionID + "/resourceGroups/elsewhere"})})
	require.NoError(t, err)
	require.Equal(t, "managedIdentity", p.Steps[0].Name)
	assert.Equal(t, provision.ActionUnknown, p.Steps[0].Action)
	require.NotNil(t, p.Steps[0].Diagnosis)
	assert.Equal(t, diagnosis.CodeManagedIdentityPermissionMissing, p.Steps[0].Diagnosis.Code)
	assert.Equal(t, diagnosis.WhoOperator, p.Steps[0].Diagnosis.Remedy.Who)
}

// TestTheTwentyFirstCredential: the code of Azure's refusal is not documented, so the list tells.
func TestTheTwentyFirstCredential(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	for n := range 19 {
		_, _, err := f.world.PutUserAssignedIdentityCredential(
			world.UserAssignedIdentityCredential{IdentityID: managedID,
				Name: fmt.Sprintf("by-hand-%d", n), Issuer: world.Issuer, Subject: fmt.Sprintf("theirs-%d", n),
				Audiences: []string{"api://AzureADTokenExchange"}})
		require.NoError(t, err)
	}
	s := spec("images")
	s.Subjects = []string{other}
	a, command := f.submit(s)
	f.handle(command)
	require.NotNil(t, f.Operation(a.Operation.ID).Error)
	assert.Equal(t, diagnosis.CodeFederatedCredentialLimit, f.Operation(a.Operation.ID).Error.Code)
}
