package entra_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const identityID = world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"

// newIdentityFixture asks for tokens as a managed identity that trusts the fixture's subject.
func newIdentityFixture(t *testing.T) (*fixture, world.UserAssignedIdentity) {
	t.Helper()
	f := newFixture(t)
	identity, _ := f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: identityID})
	_, _, err := f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: identityID,
		Name: "trust", Issuer: world.Issuer, Subject: subject, Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
	f.app.AppID = identity.ClientID
	return f, identity
}

// TestIdentityExchangesByAzidentity: for the client it makes no difference that there is no application.
func TestIdentityExchangesByAzidentity(t *testing.T) {
	f, identity := newIdentityFixture(t)
	token, err := f.credential(t, world.TenantID, platform.TokenRequest{}).
		GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	require.NoError(t, err)
	principal, err := f.authority.Verify(token.Token, entra.ResourceStorage)
	require.NoError(t, err)
	assert.Equal(t, identity.PrincipalID, principal.ID)
	assert.Equal(t, identity.ClientID, principal.AppID)
	assert.Equal(t, world.TenantID, principal.TenantID)
}

// TestIdentityIsRefusedAsAnApplication has a row for what is different about an identity, and for the end of it.
func TestIdentityIsRefusedAsAnApplication(t *testing.T) {
	change := func(f *fixture, c world.UserAssignedIdentityCredential) error {
		c.IdentityID, c.Name = identityID, "trust"
		_, _, err := f.world.PutUserAssignedIdentityCredential(c)
		return err
	}
	for name, tc := range map[string]struct {
		arrange func(f *fixture, identity world.UserAssignedIdentity) error
		code    int
	}{
		"object id": {func(f *fixture, identity world.UserAssignedIdentity) error {
			f.app.AppID = identity.PrincipalID
			return nil
		}, 700016},
		"deleted": {func(f *fixture, _ world.UserAssignedIdentity) error {
			return f.world.DeleteUserAssignedIdentity(identityID)
		}, 700016},
		"made again": {func(f *fixture, _ world.UserAssignedIdentity) error {
			err := f.world.DeleteUserAssignedIdentity(identityID)
			f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: identityID})
			return err
		}, 700016},
		"principal gone": {func(f *fixture, identity world.UserAssignedIdentity) error {
			return f.world.DeleteServicePrincipal(identity.PrincipalID)
		}, 7000229},
		"disabled": {func(f *fixture, identity world.UserAssignedIdentity) error {
			_, err := f.world.UpdateServicePrincipal(identity.PrincipalID, func(sp *world.ServicePrincipal) error {
				sp.AccountEnabled = false
				return nil
			})
			return err
		}, 7000112},
		"no credential": {func(f *fixture, _ world.UserAssignedIdentity) error {
			return f.world.DeleteUserAssignedIdentityCredential(world.UserAssignedIdentityCredentialID(
				identityID, "trust"))
		}, 70025},
		"other audience": {func(f *fixture, _ world.UserAssignedIdentity) error {
			return change(f, world.UserAssignedIdentityCredential{Issuer: world.Issuer, Subject: subject,
				Audiences: []string{"api://other"}})
		}, 700212},
		"other issuer": {func(f *fixture, _ world.UserAssignedIdentity) error {
			return change(f, world.UserAssignedIdentityCredential{Issuer: "https://other.example", Subject: subject,
				Audiences: []string{entra.ResourceTokenExchange}})
		}, 700211},
		"other subject": {func(f *fixture, _ world.UserAssignedIdentity) error {
			return change(f, world.UserAssignedIdentityCredential{Issuer: world.Issuer, Subject: "other",
				Audiences: []string{entra.ResourceTokenExchange}})
		}, 700213},
	} {
		t.Run(name, func(t *testing.T) {
			f, identity := newIdentityFixture(t)
			require.NoError(t, tc.arrange(f, identity))
			assert.Equal(t, []int{tc.code}, f.refused(t, world.TenantID, f.form(t)).Codes)
		})
	}
}

// TestIdentityCredentialIsNoticedLate: what is written counts once the token service has it, and a change anew.
func TestIdentityCredentialIsNoticedLate(t *testing.T) {
	f, _ := newIdentityFixture(t)
	f.world.SetTiming(world.Timing{STSMS: 5000})
	assert.Equal(t, []int{70025}, f.refused(t, world.TenantID, f.form(t)).Codes)
	f.clock.advance(5 * time.Second)
	response := f.post(t, world.TenantID, f.form(t))
	assert.Equal(t, 200, response.StatusCode)

	_, created, err := f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{
		IdentityID: identityID, Name: "trust", Issuer: world.Issuer, Subject: subject,
		Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, 200, f.post(t, world.TenantID, f.form(t)).StatusCode, "nothing has changed")
	_, _, err = f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: identityID,
		Name: "second", Issuer: world.Issuer, Subject: "second", Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
	form := f.form(t)
	form.Set("client_assertion", f.mint(t, platform.TokenRequest{Subject: "second"}))
	assert.Equal(t, []int{700213}, f.refused(t, world.TenantID, form).Codes)
}
