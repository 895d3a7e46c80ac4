package trust

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// TestFlexibleIssuers: those of three services, by whole names.
func TestFlexibleIssuers(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{"https://token.actions.githubusercontent.com": true,
		"https://token.actions.githubusercontent.com/acme": true, "https://gitlab.com": true,
		"https://app.terraform.io": true, "http://gitlab.com": false, "gitlab.com": false,
		"https://gitlab.example": false, "https://gitlab.com.example": false, "https://x.gitlab.com": false,
		"https://": false, "": false} {
		assert.Equal(t, want, isFlexibleIssuer(issuer), issuer)
	}
}

// TestWhyAFlexibleOneDoesNotServe is told in whole sentences.
func TestWhyAFlexibleOneDoesNotServe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		issuer, expression string
		code               diagnosis.Code
		detail             string
	}{
		"another issuer": {"https://dataloop.ai/oauth2", "claims['sub'] eq 'x'",
			diagnosis.CodeCredentialFlexibleUnsupported, "The credential theirs is flexible, which works with the " +
				"issuers of GitHub, GitLab and Terraform Cloud alone."},
		"another claim": {"https://gitlab.com", "claims['x'] eq 'x'", diagnosis.CodeCredentialFlexibleUndecided,
			"The expression of the credential theirs asks for other claims than the subject, which the file does " +
				"not tell."},
		"another subject": {"https://gitlab.com", "claims['sub'] eq 'y'", diagnosis.CodeFederatedCredentialDiffers,
			"The credential theirs is flexible; its expression, issuer and audience do not all match."},
	} {
		code, detail := judgeFlexible(resource.Credential{Name: "theirs", Issuer: c.issuer, Expression: c.expression},
			integration.FederatedCredential{Subject: "x"})
		assert.Equal(t, c.code, code, name)
		assert.Equal(t, c.detail, detail, name)
	}
}
