package view_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// namesOf are the names of a struct's members.
func namesOf(v any) []string {
	var names []string
	for i := range reflect.TypeOf(v).NumField() {
		if f := reflect.TypeOf(v).Field(i); !f.Anonymous {
			names = append(names, f.Name)
		}
	}
	return names
}

// TestWhatIsLeftOut: whatever a document or an operation gains is either shown or named here, on purpose.
func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	d, o := storetest.Filled[integration.Document](), storetest.Filled[integration.Operation]()
	d.Spec.Identity, d.Status.DDOE.Form.ClientID = nil, d.Status.ClientID // nothing is being replaced
	toDo := view.DocumentOf(d).Status.DDOE.Next
	d.Confirm(*d.Status.DDOE.Confirmed)
	document, operation := view.DocumentOf(d), view.OperationOf(o)
	require.Empty(t, document.Status.DDOE.Next, "what is confirmed is not to be done again")
	document.Status.DDOE.Next = toDo
	for name, c := range map[string]struct {
		domain, visible any
		kept            []string
	}{
		"document": {d, document, []string{"Outbox", "ETag"}},
		"status": {d.Status, document.Status, []string{"Identity", "ClientID", "ServicePrincipalID",
			"ChangedBy"}},
		"platform": {*d.Status.DDOE, *document.Status.DDOE, []string{"OptionsHash", "ConfirmedHash"}},
		"operation": {o, operation, []string{"Standing", "Owner", "FirstOperationID", "Attempts", "IsClaimed",
			"RequestHash", "ETag"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.ElementsMatch(t, namesOf(c.domain), append(namesOf(c.visible), c.kept...))
			from, to := reflect.ValueOf(c.domain), reflect.ValueOf(c.visible)
			for i := range to.NumField() {
				member := to.Type().Field(i)
				require.False(t, to.Field(i).IsZero(), "%s is shown", member.Name)
				if member.Name == "Conditions" { // with Ready, which follows from all the others
					assert.Equal(t, d.Conditions(), document.Status.Conditions)
					continue
				}
				if same := from.FieldByName(member.Name); same.IsValid() && same.Type() == member.Type {
					assert.Equal(t, same.Interface(), to.Field(i).Interface(), member.Name)
				}
			}
		})
	}
}

// TestNobodyTypesInAnIdentityThatIsBeingReplaced: the form is shown of the identity that there is and stays.
func TestNobodyTypesInAnIdentityThatIsBeingReplaced(t *testing.T) {
	t.Parallel()
	application := integration.Identity{Kind: integration.IdentityApplication}
	for name, c := range map[string]struct {
		wanted    integration.Identity
		typed     string
		isVisible bool
	}{
		"it stays":           {application, "client", true},
		"it is being left":   {integration.Identity{Kind: integration.IdentityManaged}, "client", false},
		"it has gone":        {application, "former", false},
		"neither is it made": {application, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{Spec: integration.Spec{Identity: &c.wanted},
				Status: integration.Status{ClientID: "client", Identity: integration.IdentityMade{
					Kind: integration.IdentityApplication}, DDOE: &integration.DDOEStatus{Next: "Download it.",
					Form: &integration.DDOEForm{ClientID: c.typed}}}}
			visible := view.DocumentOf(d).Status.DDOE
			assert.Equal(t, c.isVisible, visible.Form != nil)
			assert.Equal(t, c.isVisible, visible.Next != "")
			assert.NotNil(t, d.Status.DDOE.Form, "the record keeps what a person may have made")
		})
	}
}

// TestAbsentMembers: what is not there yet is not in the answer, and an operation's steps are a list.
func TestAbsentMembers(t *testing.T) {
	t.Parallel()
	visible := view.DocumentOf(integration.Document{ID: "aaa", Generation: 1})
	require.Len(t, visible.Status.Conditions, 1, "whether it is ready is always known")
	visible.Status.Conditions = nil
	document, err := json.Marshal(visible)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"aaa","spec":{},"generation":1,"status":{"phase":""},"createdAt":"0001-01-01T00:00:00Z",`+
		`"updatedAt":"0001-01-01T00:00:00Z"}`, string(document))
	operation, err := json.Marshal(view.OperationOf(integration.Operation{ID: "x", Steps: []integration.Step{}}))
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"x","kind":"","status":"","steps":[],"createdAt":"0001-01-01T00:00:00Z",`+
		`"lastUpdatedAt":"0001-01-01T00:00:00Z"}`, string(operation))
}

// TestIdentitiesByTheNamesOfTheirKinds: the words of one kind are not used of the other.
func TestIdentitiesByTheNamesOfTheirKinds(t *testing.T) {
	t.Parallel()
	const application, managed = integration.IdentityApplication, integration.IdentityManaged
	for name, c := range map[string]struct {
		status integration.Status
		want   string
	}{
		"nothing made": {integration.Status{}, `{"phase":""}`},
		"an application": {integration.Status{ClientID: "c", ServicePrincipalID: "p",
			Identity: integration.IdentityMade{Kind: application, Key: "u", ID: "o"}}, `{"phase":"",` +
			`"identity":{"kind":"application"},"uniqueName":"u","clientId":"c","objectId":"o",` +
			`"servicePrincipalId":"p"}`},
		"a managed identity": {integration.Status{ClientID: "c", ServicePrincipalID: "p",
			Identity: integration.IdentityMade{
				Kind: managed, Key: "k", Location: "l", FormerClientID: "f"}}, `{"phase":"","identity":{"kind":` +
			`"managedIdentity","resourceId":"k","location":"l","formerClientId":"f"},"clientId":"c",` +
			`"servicePrincipalId":"p"}`},
		"what has been purged": {integration.Status{Identity: integration.IdentityMade{Key: "u"}},
			`{"phase":"","uniqueName":"u"}`},
		"what has been replaced": {integration.Status{Identity: integration.IdentityMade{FormerClientID: "f"}},
			`{"phase":"","identity":{"formerClientId":"f"}}`},
	} {
		status := view.DocumentOf(integration.Document{Status: c.status}).Status
		status.Conditions = nil
		body, err := json.Marshal(status)
		require.NoError(t, err)
		assert.Equal(t, c.want, string(body), name)
	}
}

// TestNoPlatformIsNoStatusOfOne: without the platform's side there is no empty one.
func TestNoPlatformIsNoStatusOfOne(t *testing.T) {
	t.Parallel()
	assert.Nil(t, view.DocumentOf(integration.Document{}).Status.DDOE)
	assert.NotNil(t, view.DocumentOf(integration.Document{Status: integration.Status{
		DDOE: &integration.DDOEStatus{}}}).Status.DDOE)
}
