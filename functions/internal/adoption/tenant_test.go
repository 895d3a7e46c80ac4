package adoption_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestAnImportByDomain takes a file that names its tenant by a domain, as Entra does, and keeps the GUID; where nobody
// tells whose the domain is, it is refused with the code that the file's report has.
func TestAnImportByDomain(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.Defaults.TenantOf = func(_ context.Context, domain string) (string, error) {
		if domain != "acme.example" {
			return "", errors.New("nobody's")
		}
		return tenant, nil
	}
	in := wanted()
	in.File = []byte(strings.ReplaceAll(file, tenant, "acme.example"))
	assert.Equal(t, tenant, f.imported(t, in).Spec.TenantID)

	in.File = []byte(strings.ReplaceAll(file, tenant, "nobody.example"))
	_, err := f.Import(t.Context(), in)
	told := refused(t, err, diagnosis.CodeInvalidCredentialFile)
	assert.Equal(t, []string{"/credentials/tenantId tenant-id-domain"}, findings(told))
}
