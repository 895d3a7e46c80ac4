package integration_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestSetCondition: one of each type, with the time of the last change of its status; the second one too.
func TestSetCondition(t *testing.T) {
	t.Parallel()
	found := diagnosis.New(diagnosis.CodeRoleMissing)
	other := diagnosis.New(diagnosis.CodeGraphUnavailable)
	var d integration.Document
	d.SetCondition(at, integration.ConditionProvisioned, "True", nil, "made")
	d.SetCondition(at, integration.ConditionVerified, "Unknown", &found, "")
	want := []integration.Condition{
		{Type: "Provisioned", Status: "True", Message: "made", LastTransitionTime: at},
		{Type: "Verified", Status: "Unknown", Reason: found.Code, Message: found.Detail, LastTransitionTime: at,
			Diagnosis: &found}}
	assert.Equal(t, want, d.Status.Conditions)
	later := at.Add(time.Hour)
	d.SetCondition(later, integration.ConditionVerified, "Unknown", &other, "in other words")
	want[1].Reason, want[1].Message, want[1].Diagnosis = other.Code, "in other words", &other
	assert.Equal(t, want, d.Status.Conditions, "its status stays, and so does its time")
	d.SetCondition(later, integration.ConditionVerified, "False", &found, "")
	want[1] = integration.Condition{Type: "Verified", Status: "False", Reason: found.Code, Message: found.Detail,
		LastTransitionTime: later, Diagnosis: &found}
	assert.Equal(t, want, d.Status.Conditions)

	assert.True(t, d.HasCondition("Verified", "False", &found))
	assert.True(t, d.HasCondition("Provisioned", "True", nil))
	assert.False(t, d.HasCondition("Verified", "False", &other))
	assert.False(t, d.HasCondition("Verified", "False", nil))
	assert.False(t, d.HasCondition("Verified", "True", &found))
	assert.False(t, d.HasCondition("Provisioned", "False", &found))
}

// TestWithdraw takes both claims back, and that of the platform, and leaves what others hold as it was.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	held := &integration.DDOEStatus{Validated: true, DriverID: "driver"}
	d := integration.Document{Status: integration.Status{DDOE: held}}
	d.SetCondition(at, integration.ConditionProvisioned, "True", nil, "")
	later := at.Add(time.Hour)
	d.Withdraw(later)
	going := diagnosis.New(diagnosis.CodeDeprovisioning)
	want := []integration.Condition{
		{Type: "Provisioned", Status: "False", Reason: going.Code, Message: going.Detail, LastTransitionTime: later,
			Diagnosis: &going},
		{Type: "Verified", Status: "False", Reason: going.Code, Message: going.Detail, LastTransitionTime: later,
			Diagnosis: &going},
	}
	assert.Equal(t, want, d.Status.Conditions)
	assert.Equal(t, &integration.DDOEStatus{DriverID: "driver"}, d.Status.DDOE)
	assert.True(t, held.Validated)
	d.Withdraw(later.Add(time.Hour))
	assert.Equal(t, want, d.Status.Conditions, "again, it changes nothing")
	for _, st := range []*integration.DDOEStatus{nil, {DriverID: "driver"}} {
		d := integration.Document{Status: integration.Status{DDOE: st}}
		d.Withdraw(at)
		assert.Same(t, st, d.Status.DDOE)
	}
}

// TestUnprovisionedTellsWhy: what the last operation has failed with, or what it waits for, else that it is under way.
func TestUnprovisionedTellsWhy(t *testing.T) {
	t.Parallel()
	found := diagnosis.New(diagnosis.CodeGraphUnavailable)
	found.Evidence = &diagnosis.Evidence{RequestID: "request-1"}
	bare := found
	bare.Remedy = nil
	plain := diagnosis.New(diagnosis.CodeNotProvisioned)
	for name, c := range map[string]struct {
		phase     integration.Phase
		kind      string
		status    string
		diagnosis *diagnosis.Diagnosis
		detail    string
		transient bool
		remedy    *diagnosis.Remedy
	}{
		"failed": {integration.PhaseFailed, "Provisioned", "False", &found,
			"The last operation, op-1, has failed with graph-unavailable: " + found.Detail, false, found.Remedy},
		"failed, without a remedy": {integration.PhaseFailed, "Provisioned", "False", &bare,
			"The last operation, op-1, has failed with graph-unavailable: " + found.Detail, false, plain.Remedy},
		"waiting": {integration.PhaseProvisioning, "Provisioned", "Unknown", &found,
			"The last operation, op-1, is tried again after graph-unavailable: " + found.Detail, plain.Transient,
			plain.Remedy},
		"under way": {integration.PhaseProvisioning, "Provisioned", "False", &found, plain.Detail, plain.Transient,
			plain.Remedy},
		"of access": {integration.PhaseFailed, "Verified", "False", &found, plain.Detail, plain.Transient,
			plain.Remedy},
		"without words": {integration.PhaseFailed, "Provisioned", "False", nil, plain.Detail, plain.Transient,
			plain.Remedy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{Status: integration.Status{Phase: c.phase, LastOperationID: "op-1",
				Conditions: []integration.Condition{{Type: "Other"},
					{Type: c.kind, Status: c.status, Diagnosis: c.diagnosis}}}}
			got := integration.Unprovisioned(d).Diagnosis
			assert.Equal(t, diagnosis.CodeNotProvisioned, got.Code)
			assert.Equal(t, c.detail, got.Detail)
			assert.Equal(t, c.transient, got.Transient)
			assert.Equal(t, c.remedy, got.Remedy)
			if c.detail != plain.Detail {
				assert.Equal(t, found.Evidence, got.Evidence)
			} else {
				assert.Nil(t, got.Evidence)
			}
		})
	}
}

// TestWantedCredentials: one for each of two subjects, by its own name or by that of the adopted one of the same
// trust.
func TestWantedCredentials(t *testing.T) {
	t.Parallel()
	const issuer, audience = "https://i", "api://a"
	adopted := integration.FederatedCredential{Name: "by-hand", Issuer: issuer, Subject: "two", Audience: audience,
		Adopted: true}
	own := func(subject string) integration.FederatedCredential {
		return integration.FederatedCredential{Name: integration.CredentialName(subject), Issuer: issuer,
			Subject: subject, Audience: audience}
	}
	for name, c := range map[string]struct {
		known func(f *integration.FederatedCredential)
		want  integration.FederatedCredential
	}{
		"adopted": {func(*integration.FederatedCredential) {}, adopted},
		"taken over": {func(f *integration.FederatedCredential) { f.Adopted = false },
			integration.FederatedCredential{Name: adopted.Name, Issuer: issuer, Subject: "two", Audience: audience}},
		"another issuer":   {func(f *integration.FederatedCredential) { f.Issuer += "/" }, own("two")},
		"another subject":  {func(f *integration.FederatedCredential) { f.Subject = "three" }, own("two")},
		"another audience": {func(f *integration.FederatedCredential) { f.Audience += "/" }, own("two")},
	} {
		known := adopted
		c.known(&known)
		d := integration.Document{Spec: integration.Spec{Issuer: issuer, Audience: audience,
			Subjects: []string{"one", "two"}},
			Status: integration.Status{FederatedCredentials: []integration.FederatedCredential{own("one"), known}}}
		assert.Equal(t, []integration.FederatedCredential{own("one"), c.want}, integration.WantedCredentials(d), name)
	}
	assert.Equal(t, "subject-bb7f4ff8b0ad3e16", integration.CredentialName("system:serviceaccount:dataloop:my-service"),
		"names that are in Entra stay")
}

// TestIdentitiesAreLearntAndForgotten: the former client id outlives both.
func TestIdentitiesAreLearntAndForgotten(t *testing.T) {
	t.Parallel()
	s := integration.Status{Identity: integration.IdentityMade{Kind: integration.IdentityApplication,
		Key: "u", ID: "o"},
		ClientID: "c-1", ServicePrincipalID: "p",
		FederatedCredentials: []integration.FederatedCredential{{}}, RoleAssignments: []integration.RoleAssignment{{}},
		LastOperationID: "op"}
	s.ForgetIdentity()
	assert.Equal(t, integration.Status{LastOperationID: "op",
		Identity: integration.IdentityMade{FormerClientID: "c-1"}}, s)
	s.ForgetIdentity()
	assert.Equal(t, "c-1", s.Identity.FormerClientID, "forgotten twice, it is still known")
	s.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged})
	assert.Equal(t, integration.IdentityMade{Kind: integration.IdentityManaged, FormerClientID: "c-1"}, s.Identity)
	s.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged, FormerClientID: "c-2"})
	assert.Equal(t, "c-2", s.Identity.FormerClientID)
	s.ClientID = "c-3"
	s.ForgetIdentity()
	assert.Equal(t, "c-3", s.Identity.FormerClientID, "the last one counts")
	var fresh integration.Status
	fresh.ForgetIdentity()
	assert.Empty(t, fresh.Identity)
	fresh.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityApplication})
	assert.Equal(t, integration.IdentityMade{Kind: integration.IdentityApplication}, fresh.Identity)
}

// TestIdentityKind is that of what there is, else of what is wanted.
func TestIdentityKind(t *testing.T) {
	t.Parallel()
	managed := &integration.Identity{Kind: integration.IdentityManaged}
	assert.Equal(t, integration.IdentityApplication, integration.Document{}.IdentityKind())
	d := integration.Document{Spec: integration.Spec{Identity: managed}}
	assert.Equal(t, integration.IdentityManaged, d.IdentityKind())
	d.Status.Identity.Kind = integration.IdentityApplication
	assert.Equal(t, integration.IdentityApplication, d.IdentityKind())
}

// TestIdentityGiven: what is given counts, then what there is, or what it is being replaced by.
func TestIdentityGiven(t *testing.T) {
	t.Parallel()
	const app, managed = integration.IdentityApplication, integration.IdentityManaged
	there := integration.Status{ClientID: "c", Identity: integration.IdentityMade{Kind: managed,
		Key: "/g/providers/x", Location: "there"}}
	kept := integration.Identity{Kind: managed, ResourceGroup: "/g", Location: "there"}
	other := integration.Identity{Kind: managed, ResourceGroup: "/other", Location: "other"}
	application := integration.Identity{Kind: app}
	for name, c := range map[string]struct {
		spec     *integration.Identity
		given    *integration.Identity
		want     integration.Identity
		replaces bool
	}{
		"nothing is given": {&kept, nil, kept, false},
		"nothing, of another case": {&integration.Identity{Kind: managed, ResourceGroup: "/G", Location: "THERE"},
			nil, kept, false},
		"another kind": {&kept, &application, application, false},
		"another group": {&kept, &integration.Identity{ResourceGroup: "/other"},
			integration.Identity{Kind: managed, ResourceGroup: "/other", Location: "there"}, false},
		"another region": {&kept, &integration.Identity{Location: "other"},
			integration.Identity{Kind: managed, ResourceGroup: "/g", Location: "other"}, false},
		"all of it":                  {&kept, &other, other, false},
		"a replacement is under way": {&other, nil, other, true},
		"of the kind":                {&application, nil, application, true},
		"of the region": {&integration.Identity{Kind: managed, ResourceGroup: "/g", Location: "x"}, nil,
			integration.Identity{Kind: managed, ResourceGroup: "/g", Location: "x"}, true},
		"nothing is wanted": {nil, nil, kept, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{Spec: integration.Spec{Identity: c.spec}, Status: there}
			assert.Equal(t, c.replaces, d.HasIdentityChange())
			assert.Equal(t, c.want, *d.IdentityGiven(c.given))
			d.Status = integration.Status{}
			assert.False(t, d.HasIdentityChange(), "there is none to be replaced")
			assert.Equal(t, c.given, d.IdentityGiven(c.given), "the defaults are for what is new")
		})
	}
}

// TestRoles: each access has its role, and each role its name.
func TestRoles(t *testing.T) {
	t.Parallel()
	for access, name := range map[integration.Access]string{integration.AccessRead: "Storage Blob Data Reader",
		integration.AccessReadWrite: "Storage Blob Data Contributor"} {
		role := access.Role()
		assert.Equal(t, name, role.Name)
		assert.Equal(t, name, integration.RoleName(role.ID))
		assert.Equal(t, name, integration.RoleName("/subscriptions/x/roleDefinitions/"+role.ID))
	}
	assert.Equal(t, "other", integration.RoleName("/x/other"))
	assert.Equal(t, "a", integration.LastSegment("a"))
	assert.Empty(t, integration.LastSegment("a/"))
}

// TestWordsAreTheDocumentsOwn, each in its place.
func TestWordsAreTheDocumentsOwn(t *testing.T) {
	t.Parallel()
	d := integration.Document{Spec: integration.Spec{Issuer: "issuer", Audience: "audience", TenantID: "tenant"},
		Status: integration.Status{ClientID: "client", ServicePrincipalID: "principal",
			Identity: integration.IdentityMade{Kind: integration.IdentityManaged, Key: "identity"}}}
	assert.Equal(t, diagnosis.Context{Issuer: "issuer", Audience: "audience", TenantID: "tenant", ClientID: "client",
		PrincipalID: "principal", Upkeep: diagnosis.InResourceGroup, IdentityID: "identity"}, d.Words())
}

// TestAnOutboxKeepsItsOrder, and each notice once; a copy of it that was handed out stays as it is.
func TestAnOutboxKeepsItsOrder(t *testing.T) {
	t.Parallel()
	var o integration.Outbox
	for _, id := range []string{"a", "b", "a", "c", "b"} {
		before := o
		length := len(before)
		o.Add(integration.Notice{ID: id})
		assert.Len(t, before, length)
	}
	assert.Equal(t, integration.Outbox{{ID: "a"}, {ID: "b"}, {ID: "c"}}, o)
	before := o
	o.Remove([]string{"c", "a", "x"})
	assert.Equal(t, integration.Outbox{{ID: "b"}}, o)
	assert.Equal(t, integration.Outbox{{ID: "a"}, {ID: "b"}, {ID: "c"}}, before)
}

// TestACloneSharesNothing that a change of a document reaches: every member has a value, and each is changed.
func TestACloneSharesNothing(t *testing.T) {
	t.Parallel()
	original := storetest.Filled[integration.Document]()
	before, err := json.Marshal(original)
	require.NoError(t, err)
	copied := original.Clone()
	assert.Equal(t, original, copied)
	for _, part := range []any{&copied.Spec, &copied.Status.Identity, copied.Status.Health, copied.Status.DDOE.Driver,
		copied.Status.DDOE.Form, &copied.Status.FederatedCredentials[0], &copied.Status.RoleAssignments[0],
		&copied.Status.Conditions[0], copied.Spec.Identity, copied.Spec.HealthCheck, copied.Spec.DDOE.Driver,
		&copied.Spec.Subjects[0], &copied.Spec.Storage[0]} {
		reflect.ValueOf(part).Elem().SetZero()
	}
	*copied.Status.DDOE = integration.DDOEStatus{}
	copied.Status = integration.Status{}
	after, err := json.Marshal(original)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
	assert.Equal(t, integration.Document{}, integration.Document{}.Clone(), "what is absent stays absent")
}

// TestWhatIsWantedOnThePlatform: an integration that is made, or one that is there.
func TestWhatIsWantedOnThePlatform(t *testing.T) {
	t.Parallel()
	var none *integration.DDOE
	assert.False(t, none.IsWanted())
	assert.False(t, (&integration.DDOE{OrganizationID: "o"}).IsWanted())
	assert.True(t, (&integration.DDOE{Integration: true}).IsWanted())
	assert.True(t, (&integration.DDOE{IntegrationID: "i"}).IsWanted())
}

// TestReplaceSpecDoubtsTheOptionsForEachSource: tenant, issuer, audience, first subject and first entry are what they
// are made of, and the second ones are not.
func TestReplaceSpecDoubtsTheOptionsForEachSource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *integration.Spec)
		hash   string
	}{
		"tenant":         {func(s *integration.Spec) { s.TenantID = "x" }, ""},
		"issuer":         {func(s *integration.Spec) { s.Issuer = "x" }, ""},
		"audience":       {func(s *integration.Spec) { s.Audience = "x" }, ""},
		"subject":        {func(s *integration.Spec) { s.Subjects[0] = "x" }, ""},
		"no subject":     {func(s *integration.Spec) { s.Subjects = nil }, ""},
		"account":        {func(s *integration.Spec) { s.Storage[0].ResourceID = "x" }, ""},
		"container":      {func(s *integration.Spec) { s.Storage[0].Container = "x" }, ""},
		"no storage":     {func(s *integration.Spec) { s.Storage = nil }, ""},
		"second subject": {func(s *integration.Spec) { s.Subjects = append(s.Subjects, "x") }, "hash"},
		"second entry": {func(s *integration.Spec) {
			s.Storage = append(s.Storage, integration.StorageAccess{})
		}, "hash"},
		"access": {func(s *integration.Spec) { s.Storage[0].Access = "read" }, "hash"},
		"name":   {func(s *integration.Spec) { s.DisplayName = "x" }, "hash"},
	} {
		d := integration.Document{Spec: platformSpec(), Status: integration.Status{DDOE: &integration.DDOEStatus{
			OptionsHash: "hash"}}}
		next := platformSpec()
		c.change(&next)
		d.ReplaceSpec(next)
		assert.Equal(t, c.hash, d.Status.DDOE.OptionsHash, name)
	}
}

// TestWordsThatAreStored, and that callers read: another word would make every record of before another one.
func TestWordsThatAreStored(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []integration.Phase{"pending", "provisioning", "provisioned", "usable", "failed",
		"deprovisioning", "deleted"}, []integration.Phase{integration.PhasePending, integration.PhaseProvisioning,
		integration.PhaseProvisioned, integration.PhaseUsable, integration.PhaseFailed,
		integration.PhaseDeprovisioning, integration.PhaseDeleted})
	assert.Equal(t, []integration.OperationKind{"provision", "deprovision", "accessTest", "unknown"},
		[]integration.OperationKind{integration.KindProvision, integration.KindDeprovision,
			integration.KindAccessTest, integration.KindUnknown})
	statuses := []integration.OperationStatus{integration.OperationNotStarted, integration.OperationRunning,
		integration.OperationSucceeded, integration.OperationFailed, integration.OperationCanceled}
	assert.Equal(t, []integration.OperationStatus{"NotStarted", "Running", "Succeeded", "Failed",
		"Canceled"}, statuses)
	for i, status := range statuses {
		assert.Equal(t, i > 1, status.IsFinal(), status)
	}
	assert.Equal(t, []integration.HealthState{"healthy", "degraded", "unhealthy", "unknown"},
		[]integration.HealthState{integration.HealthHealthy, integration.HealthDegraded, integration.HealthUnhealthy,
			integration.HealthUnknown})
	assert.Equal(t, []string{"Provisioned", "Verified", "read", "readWrite", "application", "managedIdentity"},
		[]string{integration.ConditionProvisioned, integration.ConditionVerified, string(integration.AccessRead),
			string(integration.AccessReadWrite), string(integration.IdentityApplication),
			string(integration.IdentityManaged)})
}
