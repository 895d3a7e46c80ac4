package health_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const secondSubject = "system:serviceaccount:dataloop:second"

// withSecond gives the scene's integration a second subject, with its credential.
func (s *scene) withSecond() {
	s.t.Helper()
	s.document.Spec.Subjects = append(s.document.Spec.Subjects, secondSubject)
	_, _, err := s.graph.UpsertFederatedCredential(s.t.Context(), s.document.Status.Identity.ID,
		integration.CredentialName(secondSubject), graph.FederatedCredentialPatch{Issuer: world.Issuer,
			Subject: secondSubject, Audiences: []string{s.document.Spec.Audience}})
	require.NoError(s.t, err)
}

// checksOf are the checks of a report, as "id layer status code".
func checksOf(r assessment.Report) []string {
	var checks []string
	for _, c := range r.Checks {
		text := c.ID + " " + c.Layer + " " + string(c.Status)
		if c.Code != "" {
			text += " " + string(c.Code)
		}
		checks = append(checks, text)
	}
	return checks
}

// TestAReportOfTheStructureIsWhole: when and from where, how long, each check with its id and layer, and why access
// itself was not tested.
func TestAReportOfTheStructureIsWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source func(context.Context, string, string) (secret.Value, error)
		first  string
		title  string
	}{
		"no source": {nil, "token.source token skip subject-token-unavailable", "The platform issues a subject token"},
		"no answer": {func(context.Context, string, string) (secret.Value, error) {
			return secret.Value{}, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDDOEUnavailable)}
		}, "token.source token unknown ddoe-unavailable", diagnosis.New(diagnosis.CodeDDOEUnavailable).Title},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.withSecond()
			s.observer.TokenSource = c.source
			clock := time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))
			s.observer.Now = func() time.Time {
				clock = clock.Add(250 * time.Millisecond)
				return clock
			}
			began := clock
			r := s.look(true)
			assert.NoError(t, uuid.Validate(r.ID))
			assert.Equal(t, "access", r.Kind)
			assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
			assert.Equal(t, &assessment.Origin{Region: "westeurope"}, r.TestedFrom)
			assert.Equal(t, began.Add(250*time.Millisecond).UTC(), r.StartedAt)
			assert.Positive(t, r.DurationMS)
			assert.LessOrEqual(t, r.DurationMS, clock.Sub(began).Milliseconds())
			assert.Equal(t, time.UTC, r.StartedAt.Location())
			assert.NotNil(t, r.Leftovers, "an empty list, not null")
			assert.Equal(t, []string{c.first, "structure.application structure pass",
				"structure.servicePrincipal structure pass", "structure.federatedCredential structure pass",
				"structure.federatedCredential structure pass", "structure.roleAssignment structure pass"},
				checksOf(r))
			assert.Equal(t, c.title, r.Checks[0].Title)
			assert.Empty(t, r.Checks[0].DependsOn)
		})
	}
}

// TestTheFirstSubjectIsTested, for the integration's own audience, and each of the others is looked at.
func TestTheFirstSubjectIsTested(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.withSecond()
	source := s.observer.TokenSource
	var asked []string
	s.observer.TokenSource = func(ctx context.Context, subject, audience string) (secret.Value, error) {
		asked = append(asked, subject, audience)
		return source(ctx, subject, audience)
	}
	r := s.look(true)
	assert.Equal(t, []string{subject, s.document.Spec.Audience}, asked)
	assert.Equal(t, assessment.VerdictPass, r.Verdict)
	assert.Equal(t, subject, r.TestedAs.Subject)
	last := r.Checks[len(r.Checks)-1]
	assert.Equal(t, "structure.federatedCredential", last.ID)
	assert.Equal(t, integration.CredentialName(secondSubject), last.Target)
}

// TestADifferenceMinutesAfterAChange is excused, and lasts from ten minutes on: with a token and without one, of what
// is tested and of what is only looked at.
func TestADifferenceMinutesAfterAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remove func(s *scene)
		tokens bool
	}{
		"the second subject's trust": {func(s *scene) {
			require.NoError(s.t, s.world.DeleteFederatedCredential(s.document.Status.Identity.ID,
				integration.CredentialName(secondSubject)))
		}, true},
		"its trust, without a token": {func(s *scene) {
			require.NoError(s.t, s.world.DeleteFederatedCredential(s.document.Status.Identity.ID,
				integration.CredentialName(secondSubject)))
		}, false},
		"the right": {func(s *scene) {
			_, err := s.world.DeleteRoleAssignment(s.document.Status.RoleAssignments[0].ID)
			require.NoError(s.t, err)
		}, true},
		"the right, without a token": {func(s *scene) {
			_, err := s.world.DeleteRoleAssignment(s.document.Status.RoleAssignments[0].ID)
			require.NoError(s.t, err)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.withSecond()
			if !c.tokens {
				s.observer.TokenSource = nil
			}
			c.remove(s)
			now := time.Now()
			s.observer.Now = func() time.Time { return now }
			for ago, transient := range map[time.Duration]bool{time.Minute: true, integration.Propagation - 1: true,
				integration.Propagation: false} {
				s.document.UpdatedAt = now.Add(-ago)
				r := s.observer.Look(t.Context(), s.document)
				found, _ := r.Decisive()
				assert.Equal(t, transient, found.Transient, "%v after a change: %+v", ago, found)
				assert.Equal(t, assessment.VerdictFail, r.Verdict)
			}
		})
	}
}

// elsewhere is a kind apart, as the platform's are, with two items.
type elsewhere struct {
	resource.Kind
	items []resource.Item
}

// Name implements resource.Kind.
func (elsewhere) Name() string { return "elsewhere" }

// Needs implements resource.Kind.
func (elsewhere) Needs() []string { return nil }

// Observe implements resource.Kind: all of it may be read in vain where only a part is of interest.
func (e elsewhere) Observe(_ context.Context, v resource.View) []resource.Item {
	if !v.Apart || v.Document.ID != id {
		return nil
	}
	return e.items
}

// TestWhatATestOfAccessIsCompletedBy: what was made elsewhere, and the trust of the other subjects; of a test by
// somebody's own token the former alone.
func TestWhatATestOfAccessIsCompletedBy(t *testing.T) {
	t.Parallel()
	items := []resource.Item{{Name: "here"}, {Name: "own", Subject: "one"}, {Name: "other", Subject: "two"},
		{Name: "apart", Apart: true}, {Name: "bad", Apart: true, Code: diagnosis.CodeRoleMissing},
		{Name: "apart-own", Apart: true, Subject: "one"}}
	tested := &assessment.TestedAs{Subject: "one"}
	for name, c := range map[string]struct {
		extend  func(r assessment.Report) assessment.Report
		as      *assessment.TestedAs
		want    []string
		verdict assessment.Verdict
	}{
		"completed": {func(r assessment.Report) assessment.Report {
			return health.Completed(t.Context(), kindsOf(items), integration.Document{ID: id}, true, r)
		}, tested, []string{"first", "structure.other", "structure.apart", "structure.bad", "structure.apart-own"},
			assessment.VerdictFail},
		"completed, of nobody": {func(r assessment.Report) assessment.Report {
			return health.Completed(t.Context(), kindsOf(items), integration.Document{ID: id}, true, r)
		}, nil, []string{"first", "structure.own", "structure.other", "structure.apart", "structure.bad",
			"structure.apart-own"}, assessment.VerdictFail},
		"with others": {func(r assessment.Report) assessment.Report {
			return health.WithOthers(t.Context(), kindsOf(items), integration.Document{ID: id}, true, r)
		}, tested, []string{"first", "structure.apart", "structure.bad"}, assessment.VerdictFail},
		"with nothing": {func(r assessment.Report) assessment.Report {
			return health.WithOthers(t.Context(), kindsOf(items[:3]), integration.Document{ID: id}, true, r)
		}, tested, []string{"first"}, assessment.VerdictPass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := assessment.Report{TestedAs: c.as, Verdict: assessment.VerdictPass,
				Checks: []assessment.Check{{ID: "first", Status: diagnosis.OutcomePass}}}
			r := c.extend(given)
			var ids []string
			for _, check := range r.Checks {
				ids = append(ids, check.ID)
				if check.Code != "" {
					assert.False(t, check.Transient, "all has propagated")
				}
			}
			assert.Equal(t, c.want, ids)
			assert.Equal(t, c.verdict, r.Verdict)
			assert.Len(t, given.Checks, 1)
		})
	}
}

// TestWhatATestCouldNotTellIsLookedForInTheStructure: what that shows to be wrong is wrong. That there is no way to an
// account that is not there follows from it; that there is none to another one does not.
func TestWhatATestCouldNotTellIsLookedForInTheStructure(t *testing.T) {
	t.Parallel()
	const account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/"
	d := integration.Document{ID: id, Spec: integration.Spec{Storage: []integration.StorageAccess{
		{ResourceID: account + "there"}, {ResourceID: account + "gone"}}}}
	absent := &arm.Error{Op: "list role assignments", StatusCode: 404, Code: "ResourceNotFound", RequestID: "r"}
	items := []resource.Item{{Name: "one"}, {Name: "own", Subject: "one"}, {Name: "other", Subject: "two"},
		{Name: resource.RoleAssignment, Context: diagnosis.Context{Scope: account + "there"}},
		{Name: resource.RoleAssignment, Context: diagnosis.Context{Scope: account + "gone", Target: account + "gone"},
			Err: policy.Fail(policy.RoleList, diagnosis.Context{}, absent)}}
	unreached := func(n int) assessment.Check {
		return assessment.Check{ID: "access.network", Layer: "network", Status: diagnosis.OutcomeUnknown,
			Code: diagnosis.CodeNetworkDNS, Field: fmt.Sprintf("/storage/%d", n), Title: fmt.Sprint(n)}
	}
	for name, extend := range map[string]func(context.Context, []resource.Kind, integration.Document, bool,
		assessment.Report) assessment.Report{"completed": health.Completed, "with others": health.WithOthers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := extend(t.Context(), []resource.Kind{whole{items: items}}, d, true, assessment.Report{
				TestedAs: &assessment.TestedAs{Subject: "one"}, ClaimLevel: assessment.ClaimExchange,
				Checks: []assessment.Check{unreached(0), unreached(1)}})
			assert.Equal(t, assessment.VerdictFail, r.Verdict)
			assert.Equal(t, diagnosis.CodeStorageAccountNotFound, r.Diagnosis.Code)
			require.Len(t, r.Also, 1)
			assert.Equal(t, "0", r.Also[0].Title)
			var ids []string
			for _, c := range r.Checks {
				ids = append(ids, c.ID)
			}
			assert.Equal(t, name == "completed", slices.Contains(ids, "structure.other"))
			assert.Contains(t, ids, "structure.own")
		})
	}
}

// whole is a kind that is looked at as a whole.
type whole struct {
	resource.Kind
	items []resource.Item
}

// Name implements resource.Kind.
func (whole) Name() string { return "whole" }

// Needs implements resource.Kind.
func (whole) Needs() []string { return nil }

// Observe implements resource.Kind.
func (w whole) Observe(_ context.Context, v resource.View) []resource.Item {
	if v.Apart || !v.Told {
		return nil
	}
	return w.items
}

func kindsOf(items []resource.Item) []resource.Kind {
	return []resource.Kind{elsewhere{items: items[:len(items)/2]}, elsewhere{items: items[len(items)/2:]}}
}

// TestATestThatCannotBeMade tells the structure, and why.
func TestATestThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.document.Status.ClientID = "" // which the tester refuses
	s.observer.TokenSource = func(context.Context, string, string) (secret.Value, error) {
		return secret.New("token"), nil
	}
	r := s.look(true)
	require.NotEmpty(t, r.Checks)
	assert.Equal(t, "token.source token unknown not-provisioned", checksOf(r)[0])
	assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
	s.observer.TokenSource = func(context.Context, string, string) (secret.Value, error) {
		return secret.Value{}, errors.New("a slip")
	}
	r = s.look(true)
	assert.Equal(t, diagnosis.OutcomeUnknown, r.Checks[0].Status)
}
