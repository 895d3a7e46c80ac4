package resourcetest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// twoScopes is an integration with two containers, whose principal is there.
func twoScopes(t *testing.T, access integration.Access) (assignments, *resourcetest.Wire, integration.Document) {
	t.Helper()
	w := resourcetest.NewWire()
	a := assignments{newAzure(t, w)}
	d := a.identified(t, document(subject))
	d.Spec.Storage[0].Access = access
	d.Spec.Storage = append(d.Spec.Storage, integration.StorageAccess{ResourceID: world.DataAccountID,
		Container: "archive", Access: access})
	return a, w, d
}

func (a assignments) kind() *grant.Kind { return grant.New(a.arm, a.requests) }

// TestAGrantThatACrashLeftBehind is ours by its name, whatever access it gives: it goes where it is wanted no more.
func TestAGrantThatACrashLeftBehind(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, assignment.Salts())
	for made, wanted := range map[integration.Access]integration.Access{
		integration.AccessRead: integration.AccessReadWrite, integration.AccessReadWrite: integration.AccessRead} {
		for _, salt := range assignment.Salts() {
			a, _, d := twoScopes(t, wanted)
			entry := d.Spec.Storage[1]
			entry.Access = made
			left := assignment.Derived(d, entry, salt)
			_, _, err := a.PutRoleAssignment(rbac.RoleAssignment{Name: integration.LastSegment(left.ID),
				Scope: left.Scope, PrincipalID: principalID, PrincipalType: "ServicePrincipal",
				RoleDefinitionID: left.RoleDefinitionID})
			require.NoError(t, err)
			items := a.kind().Observe(t.Context(), resource.View{Document: d})
			require.Len(t, items, 3)
			assert.Equal(t, []resource.State{resource.Missing, resource.Missing, resource.Unwanted},
				[]resource.State{items[0].State, items[1].State, items[2].State}, "%s, salt %q", made, salt)
			assert.True(t, strings.EqualFold(left.ID, items[2].Key))
			assert.Equal(t, []diagnosis.MemberDifference{{Member: "roleDefinitionId", Have: made.Role().Name,
				Owner: diagnosis.OwnerOurs}}, items[2].Differences)
			results := a.kind().Remove(t.Context(), resource.View{Document: d}, items[2:])
			require.NoError(t, results[0].Err)
			assert.Empty(t, a.ours())
		}
	}
}

// TestATeardownLooksWhereSomethingWasGranted, also where the spec asks for nothing any more: each scope of the record.
func TestATeardownLooksWhereSomethingWasGranted(t *testing.T) {
	t.Parallel()
	a, _, d := twoScopes(t, integration.AccessRead)
	items := a.kind().Observe(t.Context(), resource.View{Document: d})
	require.Len(t, items, 2)
	for _, result := range a.kind().Apply(t.Context(), resource.View{Document: d}, items) {
		require.NoError(t, result.Err)
		result.Learn(&d.Status)
	}
	d.Spec.Storage = nil
	items = a.kind().Observe(t.Context(), resource.View{Document: d, Ending: true})
	require.Len(t, items, 2)
	for i, made := range d.Status.RoleAssignments {
		assert.Equal(t, resource.Unwanted, items[i].State)
		assert.Equal(t, made.ID, items[i].Key)
		assert.False(t, items[i].IsAbsent)
	}
	_, err := a.DeleteRoleAssignment(d.Status.RoleAssignments[1].ID)
	require.NoError(t, err)
	items = a.kind().Observe(t.Context(), resource.View{Document: d, Ending: true})
	require.Len(t, items, 2)
	assert.Equal(t, []bool{false, true}, []bool{items[0].IsAbsent, items[1].IsAbsent}, "looked at, and gone")
}

// TestGrantsOfOthersAreToldInOneOrder: two looks at the same thing tell the same.
func TestGrantsOfOthersAreToldInOneOrder(t *testing.T) {
	t.Parallel()
	a, _, d := twoScopes(t, integration.AccessReadWrite)
	reads := integration.AccessRead.Role().ID
	for i, entry := range d.Spec.Storage {
		entry.Access = integration.AccessRead
		scope := assignment.Derived(d, entry, "").Scope
		_, _, err := a.PutRoleAssignment(rbac.RoleAssignment{Scope: scope, PrincipalID: principalID,
			Name: "bbbbbbbb-0000-4000-8000-00000000000" + string(rune('1'+i)), PrincipalType: "ServicePrincipal",
			RoleDefinitionID: "/subscriptions/" + world.SubscriptionID +
				"/providers/Microsoft.Authorization/roleDefinitions/" + reads})
		require.NoError(t, err)
	}
	for range 20 {
		items := a.kind().Observe(t.Context(), resource.View{Document: d})
		require.Len(t, items, 4)
		assert.Equal(t, []string{"archive", "images"}, []string{integration.LastSegment(items[2].Target),
			integration.LastSegment(items[3].Target)})
		for _, item := range items[2:] {
			assert.Equal(t, resource.Extra, item.State)
			assert.Equal(t, diagnosis.CodeRoleAssignmentExtra, item.Code)
			assert.Equal(t, "Storage Blob Data Reader", item.Context.Role)
			assert.Equal(t, []diagnosis.MemberDifference{{Member: "roleDefinitionId", Have: "Storage Blob Data Reader",
				Owner: diagnosis.OwnerOther}}, item.Differences)
		}
	}
}

// refuse has ARM refuse some requests.
func refuse(w *resourcetest.Wire, status int, code string, which func(*http.Request) bool) {
	next := w.Hosts["management.azure.com"]
	w.Hosts["management.azure.com"] = http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		if !which(r) {
			next.ServeHTTP(to, r)
			return
		}
		to.Header().Set("x-ms-request-id", "refused")
		to.WriteHeader(status)
		_, _ = to.Write([]byte(`{"error":{"code":"` + code + `","message":"m"}}`))
	})
}

// TestAGrantWhoseNameIsTakenUnseen is not made and not recorded: what holds the name could not be looked at.
func TestAGrantWhoseNameIsTakenUnseen(t *testing.T) {
	t.Parallel()
	a, w, d := twoScopes(t, integration.AccessReadWrite)
	taken := assignment.Derived(d, d.Spec.Storage[0], "")
	a.put(t, integration.LastSegment(taken.ID), integration.AccessReadWrite, "cccccccc-0000-4000-8000-000000000001")
	refuse(w, http.StatusForbidden, "AuthorizationFailed", func(r *http.Request) bool {
		return r.Method == http.MethodGet
	})
	items := a.kind().Observe(t.Context(), resource.View{Document: d, Fresh: true})
	results := a.kind().Apply(t.Context(), resource.View{Document: d, Fresh: true}, items)
	require.Len(t, results, 2)
	var failed *policy.Failure
	require.ErrorAs(t, results[0].Err, &failed)
	assert.Equal(t, policy.RoleList, failed.Operation)
	assert.Empty(t, results[0].Outcome)
	assert.Nil(t, results[0].Learn)
	require.NoError(t, results[1].Err, "the other one is made")
	assert.Equal(t, resource.OutcomeCreated, results[1].Outcome)
}

// TestAScopeThatCannotBeRead states nothing of the other one, and nothing about what is there.
func TestAScopeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{403: "AuthorizationFailed", 404: "ResourceNotFound"} {
		a, w, d := twoScopes(t, integration.AccessRead)
		refuse(w, status, code, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/archive/") })
		d.Status.RoleAssignments = []integration.RoleAssignment{assignment.Derived(d, d.Spec.Storage[0], ""),
			assignment.Derived(d, d.Spec.Storage[1], "")}
		items := a.kind().Observe(t.Context(), resource.View{Document: d})
		require.Len(t, items, 2)
		require.NoError(t, items[0].Err)
		assert.Equal(t, resource.Missing, items[0].State)
		var failed *policy.Failure
		require.ErrorAs(t, items[1].Err, &failed, "%d %s", status, code)
		assert.Equal(t, policy.RoleList, failed.Operation)
		assert.Equal(t, policy.IsNotThere(policy.RoleList, failed), status == http.StatusNotFound)
		ending := a.kind().Observe(t.Context(), resource.View{Document: d, Ending: true})
		require.Len(t, ending, 2)
		assert.Equal(t, []bool{true, false}, []bool{ending[0].IsAbsent, ending[1].IsAbsent},
			"only where a list and a read have shown nothing")
	}
}

// TestAContainerThatCannotBeLookedAt, though its assignment is there, is no finding: it is not known.
func TestAContainerThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	a, w, d := twoScopes(t, integration.AccessRead)
	view := resource.View{Document: d}
	for _, result := range a.kind().Apply(t.Context(), view, a.kind().Observe(t.Context(), view)) {
		require.NoError(t, result.Err)
		result.Learn(&d.Status)
	}
	refuse(w, http.StatusForbidden, "AuthorizationFailed", func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/containers/archive")
	})
	items := a.kind().Observe(t.Context(), resource.View{Document: d, Told: true})
	require.Len(t, items, 2)
	require.NoError(t, items[0].Err)
	var failed *policy.Failure
	require.ErrorAs(t, items[1].Err, &failed)
	assert.Equal(t, policy.LookContainer, failed.Operation)
	assert.Empty(t, items[1].Code)
}

// TestAGrantThatNoListShows yet: the assignment itself has the last word. Where that cannot be read, nothing is known.
func TestAGrantThatNoListShows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		isThere, isRefused bool
		state              resource.State
	}{
		"there":     {true, false, resource.Unchanged},
		"not there": {false, false, resource.Missing},
		"refused":   {true, true, resource.Missing},
	} {
		a, w, d := twoScopes(t, integration.AccessRead)
		for _, entry := range d.Spec.Storage {
			made := assignment.Derived(d, entry, "")
			d.Status.RoleAssignments = append(d.Status.RoleAssignments, made)
			if c.isThere {
				_, _, err := a.PutRoleAssignment(rbac.RoleAssignment{Name: integration.LastSegment(made.ID),
					Scope: made.Scope, PrincipalID: principalID, PrincipalType: "ServicePrincipal",
					RoleDefinitionID: made.RoleDefinitionID})
				require.NoError(t, err)
			}
		}
		next := w.Hosts["management.azure.com"]
		w.Hosts["management.azure.com"] = http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/roleAssignments") { // a list
				to.Header().Set("x-ms-request-id", "list")
				to.Header().Set("Content-Type", "application/json")
				_, _ = to.Write([]byte(`{"value":[]}`))
				return
			}
			next.ServeHTTP(to, r)
		})
		if c.isRefused {
			refuse(w, http.StatusForbidden, "AuthorizationFailed", func(r *http.Request) bool {
				return !strings.HasSuffix(r.URL.Path, "/roleAssignments")
			})
		}
		items := a.kind().Observe(t.Context(), resource.View{Document: d})
		require.Len(t, items, 2, name)
		for _, item := range items {
			assert.Equal(t, c.isRefused, item.Err != nil, name)
			assert.Equal(t, c.state, item.State, name)
		}
	}
}

// TestWhatIsInherited by a scope is nobody's extra there, and is not removed at the end.
func TestWhatIsInherited(t *testing.T) {
	t.Parallel()
	a, _, d := twoScopes(t, integration.AccessRead)
	for i, scope := range []string{world.DataAccountID, "/subscriptions/" + world.SubscriptionID} {
		_, _, err := a.PutRoleAssignment(rbac.RoleAssignment{Scope: scope, PrincipalID: principalID,
			Name: "bbbbbbbb-0000-4000-8000-00000000000" + string(rune('1'+i)), PrincipalType: "ServicePrincipal",
			RoleDefinitionID: "/providers/Microsoft.Authorization/roleDefinitions/" +
				integration.AccessReadWrite.Role().ID})
		require.NoError(t, err)
	}
	for _, ending := range []bool{false, true} {
		items := a.kind().Observe(t.Context(), resource.View{Document: d, Ending: ending})
		for _, item := range items {
			assert.Contains(t, item.Target, "/containers/")
			assert.NotEqual(t, resource.Extra, item.State)
		}
	}
}

// TestAGrantOfAWholeAccount: there is no container to be looked at; and of two grants, one that could not be read says
// nothing of its container.
func TestAGrantOfAWholeAccount(t *testing.T) {
	t.Parallel()
	a, w, d := twoScopes(t, integration.AccessRead)
	d.Spec.Storage[0].Container = ""
	refuse(w, http.StatusForbidden, "AuthorizationFailed", func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/archive/providers/Microsoft.Authorization")
	})
	asked := 0
	next := w.Hosts["management.azure.com"]
	w.Hosts["management.azure.com"] = http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/containers") && !strings.Contains(r.URL.Path, "Authorization") {
			asked++
		}
		next.ServeHTTP(to, r)
	})
	items := a.kind().Observe(t.Context(), resource.View{Document: d, Told: true})
	require.Len(t, items, 2)
	require.NoError(t, items[0].Err)
	assert.Equal(t, resource.Missing, items[0].State)
	assert.Empty(t, items[0].Context.Container)
	require.Error(t, items[1].Err)
	assert.Zero(t, asked)
}
