package provision_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestRandomOrdersEndAsInTheModel provisions, changes, replaces the identity of, tears down and damages an integration
// in random orders, and kills the process at random effects. Whenever an operation has ended, the world is what the
// model states, and what others have made is what it was.
func TestRandomOrdersEndAsInTheModel(t *testing.T) {
	t.Parallel()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		require.NoError(t, flag.Set("rapid.checks", "25")) // each is a dozen operations
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"provision": m.provision,
			"teardown":  m.teardown,
			"damage":    m.damage,
		})
		m.isAsWanted(t)
	})
}

const somebodyElses = "somebody-elses" // the name of what others have made

// machine is a deployment, and the model of what it has made.
type machine struct {
	*fixture
	// wanted is the spec of the last operation that has ended; nil for none.
	wanted *integration.Spec
	// kind is that of the identity that is recorded, also after a teardown; empty for none.
	kind integration.IdentityKind
	// isDamaged is true where somebody has changed something since.
	isDamaged bool
	// conditions are those that an administrator has put on our assignments, by grant; isDisabled is one's decision
	// too.
	conditions map[string]string
	isDisabled bool
	// others are the objects that somebody else has made.
	others string
}

func newMachine(t *rapid.T) *machine {
	m := &machine{fixture: withPlatform(t), conditions: map[string]string{}}
	app, err := m.world.CreateApplication(world.Application{UniqueName: somebodyElses,
		DisplayName: "Somebody else's"}, "")
	require.NoError(t, err)
	_, err = m.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: app.ID, Name: "theirs",
		Issuer: world.Issuer, Subject: subject,
		Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(t, err)
	_, _, err = m.world.PutRoleAssignment(rbac.RoleAssignment{Name: "bbbbbbbb-0000-4000-8000-000000000001",
		Scope:            arm.Scope(world.DataAccountID, "images"),
		RoleDefinitionID: arm.RoleDefinitionID(world.SubscriptionID, integration.AccessReadWrite.Role().ID),
		PrincipalID:      "cccccccc-0000-4000-8000-000000000001"})
	require.NoError(t, err)
	m.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: world.IdentitiesResourceGroupID +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + somebodyElses,
		Tags: map[string]string{"owner": "Ada"}})
	require.NoError(t, m.world.PutDDOEObject(dataloop.Integrations, dataloop.Object{"id": "theirs", "name": "theirs",
		"type": "azureblob", "org": dataloop.OrganizationID,
		"createdAt": 1, "options": dataloop.Object{"secret": "theirs"}, "metadata": []any{}}))
	require.NoError(t, m.world.PutDDOEObject(dataloop.Drivers, dataloop.Object{"id": "theirs", "name": "theirs",
		"type": "azureblob", "projectId": dataloop.ProjectID,
		"integrationId": "theirs", "createdAt": 1, "containerName": "images", "path": ""}))
	m.others = m.theirs()
	return m
}

// theirs shows what somebody else has made, but for what is on our application.
func (m *machine) theirs() string {
	var all []any
	for _, a := range m.world.Applications() {
		if a.UniqueName == somebodyElses {
			all = append(all, a, m.world.FederatedCredentials(a.ID))
		}
	}
	for _, u := range managed(m.fixture) {
		if strings.HasSuffix(u.ID, somebodyElses) {
			all = append(all, u)
		}
	}
	for _, a := range m.world.RoleAssignments() {
		if strings.HasPrefix(a.PrincipalID, "cccccccc") {
			all = append(all, a)
		}
	}
	for _, sort := range []string{dataloop.Integrations, dataloop.Drivers} {
		o, _ := m.world.DDOEObject(sort, "theirs")
		all = append(all, o)
	}
	text, err := json.Marshal(all)
	require.NoError(m.t, err)
	return string(text)
}

func drawSpec(t *rapid.T) integration.Spec {
	subjects := []string{subject, other, "system:serviceaccount:dataloop:third"}
	storage := []integration.StorageAccess{
		{ResourceID: world.DataAccountID, Container: "images", Access: integration.AccessReadWrite},
		{ResourceID: world.DataAccountID, Container: "images", Access: integration.AccessRead},
		{ResourceID: world.DataAccountID, Container: "archive", Access: integration.AccessRead},
		{ResourceID: world.LockedAccountID, Container: "images", Access: integration.AccessRead},
	}
	s := integration.Spec{DisplayName: rapid.SampledFrom([]string{"My service", "Renamed"}).Draw(t, "displayName"),
		Subjects: rapid.SliceOfNDistinct(rapid.SampledFrom(subjects), 1, 3, rapid.ID[string]).Draw(t, "subjects"),
		Storage: rapid.SliceOfNDistinct(rapid.SampledFrom(storage), 1, 3, func(s integration.StorageAccess) string {
			return s.ResourceID + s.Container
		}).
			Draw(t, "storage")}
	s = of(rapid.SampledFrom([]integration.IdentityKind{integration.IdentityApplication,
		integration.IdentityManaged}).Draw(t, "identity"), s)
	// it is about one container, which it writes to
	if platform := rapid.SampledFrom([]string{"none", "ours", "theirs"}).Draw(t, "platform"); platform != "none" {
		s.Storage = []integration.StorageAccess{{ResourceID: world.DataAccountID, Container: s.Storage[0].Container,
			Access: integration.AccessReadWrite}}
		s.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID, Integration: true}
		if platform == "theirs" {
			s.DDOE.IntegrationID = "theirs"
		}
		if rapid.Bool().Draw(t, "with a driver") {
			s.DDOE.Driver = &integration.Driver{ProjectID: dataloop.ProjectID,
				Name: rapid.SampledFrom([]string{"images", "other"}).Draw(t, "driver"),
				Path: rapid.SampledFrom([]string{"", "a", "a/b"}).Draw(t, "path")}
		}
	}
	return s
}

func (m *machine) provision(t *rapid.T) {
	s := drawSpec(t)
	if m.wanted != nil && rapid.Bool().Draw(t, "same spec") {
		s = *m.wanted
	}
	kind := s.Identity.Kind
	isReplaced := m.wanted != nil && kind != m.wanted.Identity.Kind
	replace := rapid.Bool().Draw(t, "replace")
	a, err := m.service.Submit(t.Context(), provision.Submission{ID: id, Spec: s, Replace: replace})
	if isReplaced && !replace {
		var refused *diagnosis.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, diagnosis.CodeIdentityReplaceRequired, refused.Diagnosis.Code)
		m.isAsWanted(t)
		return
	}
	require.NoError(t, err)
	m.carryOut(t, a)
	if m.wanted != nil && m.wanted.DDOE != nil && m.wanted.DDOE.IntegrationID == "" && s.DDOE != nil &&
		s.DDOE.IntegrationID != "" { // the driver moves first, and ours goes with the next run
		a, err = m.service.Submit(t.Context(), provision.Submission{ID: id, Spec: s, Replace: replace})
		require.NoError(t, err)
		m.carryOut(t, a)
	}
	if kind != m.kind { // another identity: what was set on the one before, or granted to it, has gone with it
		m.conditions, m.isDisabled = map[string]string{}, false
	}
	m.wanted, m.kind, m.isDamaged = &s, kind, false
	for grant := range m.conditions {
		if !slices.Contains(grantsOf(s), grant) {
			delete(m.conditions, grant)
		}
	}
	m.isAsWanted(t)
}

func (m *machine) teardown(t *rapid.T) {
	if m.wanted == nil {
		t.Skip("there is nothing")
	}
	purge := rapid.Bool().Draw(t, "purge")
	a, err := m.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{Purge: purge})
	require.NoError(t, err)
	m.carryOut(t, a)
	m.wanted, m.isDamaged, m.conditions, m.isDisabled = nil, false, map[string]string{}, m.isDisabled && !purge
	m.isAsWanted(t)
}

// carryOut has the command carried out by processes that are killed, and then by one that is not.
func (m *machine) carryOut(t *rapid.T, a operation.Accepted) {
	m.t = t
	c := m.Command(a.Operation.ID)
	for _, at := range rapid.SliceOfN(rapid.IntRange(1, 40), 0, 3).Draw(t, "killed at") {
		_ = m.worker.Handle(m.Doom(t.Context(), at, false), c)
		m.Revive()
		m.untouched(t)
		if m.Operation(c.OperationID).Status.IsFinal() {
			break
		}
	}
	m.handle(c)
	o := m.ended(t, c)
	require.Equal(t, integration.OperationSucceeded, o.Status, "%+v %+v", o.Error, o.Steps)
}

// ended carries out the parked copies of a command, as far as there are any.
func (m *machine) ended(t *rapid.T, c message.Command) integration.Operation {
	for n := 1; n < 12 && !m.Operation(c.OperationID).Status.IsFinal(); n++ {
		copied := fmt.Sprintf("%s-retry-%d", c.OperationID, n)
		if slices.ContainsFunc(m.Sent(), func(s operationtest.Sent) bool { return s.ID == copied }) {
			m.Advance(m.retryAt(c.OperationID, n).Sub(m.Now()))
			m.handle(m.Command(copied))
		}
	}
	return m.Operation(c.OperationID)
}

func (m *machine) assignments(principalID string) []rbac.RoleAssignment {
	return slices.DeleteFunc(m.world.RoleAssignments(), func(a rbac.RoleAssignment) bool {
		return a.PrincipalID != principalID
	})
}

// grantOf names a grant: a role at a scope.
func grantOf(scope, role string) string {
	return strings.ToLower(integration.LastSegment(role) + " at " + scope)
}

func grantsOf(s integration.Spec) []string {
	all := []string{}
	for _, entry := range s.Storage {
		all = append(all, grantOf(arm.Scope(entry.ResourceID, entry.Container), entry.Access.Role().ID))
	}
	return all
}

func (m *machine) untouched(t *rapid.T) {
	require.Equal(t, m.others, m.theirs(), "an object of somebody else was changed or removed")
}

// isAsWanted compares the world with the model.
func (m *machine) isAsWanted(t *rapid.T) {
	m.untouched(t)
	if m.isDamaged {
		return
	}
	var want, have state
	if m.wanted != nil {
		for _, wanted := range m.wanted.Subjects {
			want.Credentials = append(want.Credentials, wanted+" of "+world.Issuer+" for [api://AzureADTokenExchange]")
		}
		if m.kind == integration.IdentityManaged {
			want.Identities = []string{"0123abcd/" + id}
		} else {
			want.Applications, want.Principals = []string{m.wanted.DisplayName +
				" of managed-by:ddoe-wif integration:" + id}, []bool{!m.isDisabled}
		}
		for _, grant := range grantsOf(*m.wanted) {
			want.Grants = append(want.Grants, grant+m.conditions[grant])
		}
		if p := m.wanted.DDOE; p != nil {
			if p.IntegrationID == "" {
				want.Integrations = []string{m.wanted.DisplayName}
			}
			if p.Driver != nil {
				want.Drivers = []string{p.Driver.Name + " in " + m.wanted.Storage[0].Container + "/" + p.Driver.Path +
					" on " + cmp.Or(p.IntegrationID, "ours")}
			}
		}
	}
	have = m.state()
	want.sort()
	have.sort()
	require.Equal(t, want, have)
}

// state is what there is of ours.
type state struct {
	Applications, Identities, Credentials, Grants, Integrations, Drivers []string
	Principals                                                           []bool
}

func (s *state) sort() {
	s.Credentials, s.Grants = slices.Clone(s.Credentials), slices.Clone(s.Grants)
	slices.Sort(s.Credentials)
	slices.Sort(s.Grants)
}

func (m *machine) state() state {
	var s state
	for _, a := range m.world.Applications() {
		if a.UniqueName == somebodyElses {
			continue
		}
		s.Applications = append(s.Applications, a.DisplayName+" of "+strings.Join(a.Tags, " "))
		for _, c := range m.world.FederatedCredentials(a.ID) {
			s.Credentials = append(s.Credentials, fmt.Sprint(c.Subject, " of ", c.Issuer, " for ", c.Audiences))
		}
	}
	for _, u := range managed(m.fixture) {
		if strings.HasSuffix(u.ID, somebodyElses) {
			continue
		}
		s.Identities = append(s.Identities, u.Tags["ddoe-wif"])
		for _, c := range m.world.UserAssignedIdentityCredentials(u.ID) {
			s.Credentials = append(s.Credentials, fmt.Sprint(c.Subject, " of ", c.Issuer, " for ", c.Audiences))
		}
	}
	for _, p := range m.world.ServicePrincipals() {
		if p.ServicePrincipalType == "Application" {
			s.Principals = append(s.Principals, p.AccountEnabled)
		}
	}
	for _, a := range m.world.RoleAssignments() {
		if a.PrincipalID != world.AppPrincipalID && !strings.HasPrefix(a.PrincipalID, "cccccccc") {
			s.Grants = append(s.Grants, grantOf(a.Scope, a.RoleDefinitionID)+a.Condition)
		}
	}
	on := map[any]string{"theirs": "theirs"}
	for _, o := range m.world.DDOEObjects(dataloop.Integrations) {
		if o["id"] != "theirs" {
			on[o["id"]] = "ours"
			s.Integrations = append(s.Integrations, fmt.Sprint(o["name"]))
		}
	}
	for _, o := range m.world.DDOEObjects(dataloop.Drivers) {
		if o["id"] != "theirs" {
			s.Drivers = append(s.Drivers, fmt.Sprintf("%v in %v/%v on %s", o["name"], o["containerName"], o["path"],
				on[o["integrationId"]]))
		}
	}
	return s
}
