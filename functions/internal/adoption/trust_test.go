package adoption_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// TestAnIdentityOfOthersTakesAnAdministrator: where it is not seen to let the subject in, nothing is written down, no
// claim on its subject either, and what keeps the service from seeing that is told.
func TestAnIdentityOfOthersTakesAnAdministrator(t *testing.T) {
	t.Parallel()
	outage := &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeGraphUnavailable)}
	elsewhere := &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityNotSeen)}
	for name, c := range map[string]struct {
		trust resource.Item
		code  diagnosis.Code
	}{
		"it lets the subject in": {resource.Item{State: resource.Unchanged}, ""},
		"it lets nobody in":      {resource.Item{State: resource.Missing}, diagnosis.CodeNotAllowed},
		"it lets another one in": {resource.Item{State: resource.Different}, diagnosis.CodeNotAllowed},
		"it is kept elsewhere":   {resource.Item{Err: elsewhere}, diagnosis.CodeNotAllowed},
		"nobody can tell":        {resource.Item{Err: outage}, diagnosis.CodeGraphUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			f.Claims = &entitlement.Claims{Repository: f.Repository}
			f.Policy.Grants = []entitlement.Grant{{Callers: []string{"role:Wif.Operate"}, Access: "read",
				Issuers: []string{"https://dataloop.ai/oauth2"}, Storage: []string{account},
				Subjects: []string{"system:serviceaccount:dataloop:my-service"}}}
			f.looker.items = func() []resource.Item {
				c.trust.Name = resource.FederatedCredential
				return append(seen()[:1], c.trust)
			}
			ctx := caller.With(t.Context(), caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleOperate}})
			_, err := f.Import(ctx, wanted())
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			refused(t, err, c.code)
			left, _, err := f.Repository.Store.List(t.Context(), "", "", 1000)
			require.NoError(t, err)
			assert.Empty(t, left)
			assert.Empty(t, f.watcher.asked)
			_, err = f.Import(caller.With(t.Context(), caller.Caller{ID: "boss",
				Roles: []caller.Role{caller.RoleAdmin}}), wanted())
			require.NoError(t, err)
			d, err := f.Repository.Get(t.Context(), "by-hand")
			require.NoError(t, err)
			assert.Equal(t, integration.PhaseProvisioned, d.Status.Phase)
		})
	}
}
