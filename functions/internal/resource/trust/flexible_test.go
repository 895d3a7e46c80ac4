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

// TestWhatLetsASubjectIn: one member that differs keeps it out, whichever it is.
func TestWhatLetsASubjectIn(t *testing.T) {
	t.Parallel()
	const issuer = "https://gitlab.com"
	wanted := integration.FederatedCredential{Issuer: issuer, Subject: "x", Audience: "a"}
	plain := resource.Credential{Issuer: issuer, Subject: "x", Audiences: []string{"a"}}
	flexible := resource.Credential{Issuer: issuer, Expression: "claims['sub'] eq 'x'", Audiences: []string{"a"}}
	assert.True(t, isAccepted(plain, wanted))
	assert.True(t, isAccepted(flexible, wanted))
	for name, change := range map[string]func(*resource.Credential){
		"issuer":         func(c *resource.Credential) { c.Issuer = "https://app.terraform.io" },
		"audience":       func(c *resource.Credential) { c.Audiences = []string{"b"} },
		"two audiences":  func(c *resource.Credential) { c.Audiences = []string{"a", "b"} },
		"no audience":    func(c *resource.Credential) { c.Audiences = nil },
		"subject":        func(c *resource.Credential) { c.Subject, c.Expression = "y", "claims['sub'] eq 'y'" },
		"another claim":  func(c *resource.Credential) { c.Expression = "claims['x'] eq 'x'" },
		"issuer of none": func(c *resource.Credential) { c.Issuer = "https://i" },
	} {
		for _, c := range []resource.Credential{plain, flexible} {
			if c.Expression == "" && name == "another claim" {
				continue
			}
			change(&c)
			assert.False(t, isAccepted(c, wanted), "%s: %v", name, c)
		}
	}
	elsewhere := wanted
	elsewhere.Issuer = "https://i"
	flexible.Issuer = "https://i"
	assert.False(t, isAccepted(flexible, elsewhere), "flexible ones work with three issuers alone")
}
