package resolve_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestATenantByItsDomain: a spec takes what a file may have, and keeps the GUID. Where nobody tells whose the domain
// is, the finding is the one that a file gets.
func TestATenantByItsDomain(t *testing.T) {
	t.Parallel()
	const other = "33333333-3333-4333-8333-333333333333"
	for name, c := range map[string]struct {
		given, found string
		err          error
		want         string
		asked        bool
	}{
		"our own":              {"acme.example", strings.ToUpper(tenant), nil, "", true},
		"another's":            {"other.example", other, nil, "tenant-not-served", true},
		"of nobody":            {"acme.example", "", errors.New("x"), "tenant-id-domain", true},
		"an answer of no GUID": {"acme.example", "x", nil, "tenant-id-domain", true},
		"an id":                {tenant, other, nil, "", false},
		"an alias":             {"common", other, nil, "tenant-id-alias", false},
		"a path":               {"../acme.example", other, nil, "tenant-id-not-guid", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, asked := defaults(), false
			d.TenantOf = func(_ context.Context, domain string) (string, error) {
				asked = true
				assert.Equal(t, c.given, domain)
				return c.found, c.err
			}
			spec := valid()
			spec.TenantID = c.given
			resolved, findings, err := d.Resolve(t.Context(), "my-service", spec)
			require.NoError(t, err)
			assert.Equal(t, c.asked, asked)
			if c.want == "" {
				assert.Empty(t, findings)
				assert.Equal(t, tenant, resolved.TenantID)
				return
			}
			require.Len(t, findings, 1)
			assert.Equal(t, c.want, string(findings[0].Code))
		})
	}
}
