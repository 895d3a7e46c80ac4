package discovery_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAFileOfAnotherCloud that agrees with itself is of another cloud, and not of a wrong audience; one that
// contradicts itself is told both.
func TestAFileOfAnotherCloud(t *testing.T) {
	t.Parallel()
	const audience = "api://AzureADTokenExchange"
	for name, c := range map[string]struct {
		tenant, audience string
		root             string
		also             []string
	}{
		"US Government":      {govTenant, audience + "USGov", "cloud-mismatch", nil},
		"its tenant alone":   {govTenant, audience, "cloud-mismatch", nil},
		"its audience alone": {world.TenantID, audience + "USGov", "audience-other-cloud", nil},
		"its tenant, and China's audience": {govTenant, audience + "China", "audience-other-cloud",
			[]string{"cloud-mismatch"}},
		"its audience, of nobody's tenant": {nobody, audience + "USGov", "audience-other-cloud",
			[]string{"tenant-unknown"}},
		"its audience, and another fault": {govTenant, audience + "USGov/", "audience-trailing-slash",
			[]string{"cloud-mismatch"}},
	} {
		r := newInternet(t).look(t, map[string]string{"tenantId": c.tenant, "audience": c.audience}, "")
		assertTold(t, r)
		assert.Equal(t, c.root, string(r.Causes.Diagnosis.Code), name)
		var also []string
		for _, d := range r.Causes.Also {
			also = append(also, string(d.Code))
		}
		assert.Equal(t, c.also, also, name)
	}
}
