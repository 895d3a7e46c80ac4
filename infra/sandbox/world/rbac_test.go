package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	blobRead  = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	blobWrite = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
	somebody  = "99999999-9999-4999-8999-999999999999"
	oneName   = "00000000-0000-4000-8000-000000000001"
	twoName   = "00000000-0000-4000-8000-000000000002"
)

func TestMatchesAction(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern, action string
		want            bool
	}{
		"all":                   {"*", "anything/at/all", true},
		"exact":                 {"a/b/read", "a/b/read", true},
		"exact, longer":         {"a/b/read", "a/b/read/x", false},
		"suffix":                {"*/read", "a/b/c/read", true},
		"suffix, other":         {"*/read", "a/b/c/write", false},
		"prefix":                {"a/b/*", "a/b/c/read", true},
		"prefix, other":         {"a/b/*", "a/c/read", false},
		"in the middle":         {"a/*/write", "a/b/c/write", true},
		"two":                   {"a/*/c/*", "a/b/c/d", true},
		"two, wrong order":      {"a/*/d/*/c", "a/b/c/d", false},
		"parts must not share":  {"ab*ba", "aba", false},
		"star is possibly none": {"a/*b", "a/b", true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, matchesAction(tc.pattern, tc.action)) })
	}
}

func TestBuiltInRoles(t *testing.T) {
	for name, tc := range map[string]struct {
		role, action string
		data, want   bool
	}{
		"reader reads blobs":                      {RoleBlobDataReader, blobRead, true, true},
		"reader does not write":                   {RoleBlobDataReader, blobWrite, true, false},
		"contributor writes":                      {RoleBlobDataContributor, blobWrite, true, true},
		"contributor deletes":                     {RoleBlobDataContributor, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", true, true},
		"contributor makes containers":            {RoleBlobDataContributor, "Microsoft.Storage/storageAccounts/blobServices/containers/write", false, true},
		"data actions are no actions":             {RoleBlobDataContributor, blobWrite, false, false},
		"owner of all reads no blob":              {RoleOwner, blobRead, true, false},
		"account contributor reads no blob":       {RoleStorageAccountContributor, blobRead, true, false},
		"account contributor reads account":       {RoleStorageAccountContributor, "Microsoft.Storage/storageAccounts/read", false, true},
		"contributor assigns no roles":            {RoleContributor, "Microsoft.Authorization/roleAssignments/write", false, false},
		"contributor reads assignments":           {RoleContributor, "Microsoft.Authorization/roleAssignments/read", false, true},
		"RBAC administrator assigns":              {RoleRBACAdministrator, "Microsoft.Authorization/roleAssignments/write", false, true},
		"RBAC administrator reads":                {RoleRBACAdministrator, "Microsoft.Storage/storageAccounts/read", false, true},
		"RBAC administrator changes nothing":      {RoleRBACAdministrator, "Microsoft.Storage/storageAccounts/write", false, false},
		"sender sends":                            {RoleServiceBusDataSender, "Microsoft.ServiceBus/namespaces/messages/send/action", true, true},
		"sender does not receive":                 {RoleServiceBusDataSender, "Microsoft.ServiceBus/namespaces/messages/receive/action", true, false},
		"receiver receives":                       {RoleServiceBusDataReceiver, "Microsoft.ServiceBus/namespaces/messages/receive/action", true, true},
		"actions are compared without their case": {RoleBlobDataReader, "microsoft.storage/STORAGEACCOUNTS/blobservices/containers/blobs/READ", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			role, ok := RoleByID(RoleDefinitionID(SubscriptionID, tc.role))
			require.True(t, ok)
			assert.Equal(t, tc.want, role.Allows(tc.action, tc.data))
		})
	}
}

func TestAllowedByScope(t *testing.T) {
	container := DataAccountID + "/blobServices/default/containers/images"
	for name, tc := range map[string]struct {
		granted, asked string
		want           bool
	}{
		"at the scope":        {DataAccountID, DataAccountID, true},
		"above":               {DataResourceGroupID, container, true},
		"subscription":        {"/subscriptions/" + SubscriptionID, container, true},
		"everything":          {"/", container, true},
		"below":               {container, DataAccountID, false},
		"beside":              {LockedAccountID, DataAccountID, false},
		"a name that is part": {DataAccountID, DataAccountID + "2", false},
		"other case":          {DataAccountID, "/SUBSCRIPTIONS" + container[len("/subscriptions"):], true},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := newSeeded(t)
			_, _, err := w.PutRoleAssignment(RoleAssignment{Name: oneName, Scope: tc.granted, PrincipalID: somebody, RoleDefinitionID: RoleBlobDataReader})
			require.NoError(t, err)
			assert.Equal(t, tc.want, w.Allowed(somebody, blobRead, tc.asked, true))
			assert.False(t, w.Allowed(AppPrincipalID, blobRead, tc.asked, true), "another principal")
		})
	}
}

func TestAssignmentTakesEffectAfterRBACMS(t *testing.T) {
	w, c := newSeeded(t)
	w.SetTiming(Timing{RBACMS: 1000})
	_, _, err := w.PutRoleAssignment(RoleAssignment{Name: oneName, Scope: DataAccountID, PrincipalID: somebody, RoleDefinitionID: RoleBlobDataReader})
	require.NoError(t, err)
	assert.False(t, w.Allowed(somebody, blobRead, DataAccountID, true))
	assert.Empty(t, w.EffectiveRoles(somebody, DataAccountID))
	c.advance(999 * time.Millisecond)
	assert.False(t, w.Allowed(somebody, blobRead, DataAccountID, true))
	c.advance(time.Millisecond)
	assert.True(t, w.Allowed(somebody, blobRead, DataAccountID, true))
	assert.True(t, w.Allowed(AppPrincipalID, blobRead, StateAccountID, true), "the seeded ones are old")
	assert.Len(t, w.EffectiveRoles(somebody, DataAccountID), 1)

	_, err = w.DeleteRoleAssignment(RoleAssignmentID(DataAccountID, oneName))
	require.NoError(t, err)
	assert.False(t, w.Allowed(somebody, blobRead, DataAccountID, true), "what is deleted has no effect at once")
	_, err = w.DeleteRoleAssignment(RoleAssignmentID(DataAccountID, oneName))
	require.ErrorIs(t, err, ErrNotFound)
}

func TestSeededRights(t *testing.T) {
	w, _ := newSeeded(t)
	for name, tc := range map[string]struct {
		action, scope string
		data, want    bool
	}{
		"state is written":       {blobWrite, StateAccountID, true, true},
		"customer's is not read": {blobRead, DataAccountID, true, false},
		"sends":                  {"Microsoft.ServiceBus/namespaces/messages/send/action", ServiceBusNamespaceID + "/queues/wif-commands", true, true},
		"listens":                {"Microsoft.ServiceBus/namespaces/messages/receive/action", ServiceBusNamespaceID + "/queues/wif-commands", true, true},
		"assigns roles":          {"Microsoft.Authorization/roleAssignments/write", DataAccountID, false, true},
		"not on itself":          {"Microsoft.Authorization/roleAssignments/write", StateAccountID, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, w.Allowed(AppPrincipalID, tc.action, tc.scope, tc.data))
		})
	}
	assert.Equal(t, []string{AppRoleReadWriteOwnedBy}, w.AppRoles(AppPrincipalID))
}

func TestPutRoleAssignmentConflicts(t *testing.T) {
	w, _ := newSeeded(t)
	base := RoleAssignment{Name: oneName, Scope: DataAccountID, PrincipalID: somebody, RoleDefinitionID: RoleDefinitionID(SubscriptionID, RoleReader)}
	_, created, err := w.PutRoleAssignment(base)
	require.NoError(t, err)
	assert.True(t, created)
	_, created, err = w.PutRoleAssignment(base)
	require.NoError(t, err)
	assert.False(t, created)

	var exists *RoleAssignmentExistsError
	other := base
	other.Name, other.RoleDefinitionID = twoName, "/providers/Microsoft.Authorization/roleDefinitions/"+RoleReader
	_, _, err = w.PutRoleAssignment(other)
	require.ErrorAs(t, err, &exists)
	assert.Equal(t, RoleAssignmentID(DataAccountID, oneName), exists.ExistingID)

	var conflict *RoleAssignmentConflictError
	other = base
	other.PrincipalID = AppPrincipalID
	_, _, err = w.PutRoleAssignment(other)
	require.ErrorAs(t, err, &conflict)
	assert.False(t, conflict.OtherScope)
	other = base
	other.Scope = LockedAccountID
	_, _, err = w.PutRoleAssignment(other)
	require.ErrorAs(t, err, &conflict)
	assert.True(t, conflict.OtherScope)
}
