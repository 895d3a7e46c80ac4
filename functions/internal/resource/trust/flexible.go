package trust

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// isFlexibleIssuer reports whether flexible credentials work with an issuer: those of GitHub, GitLab and Terraform
// Cloud alone. Source: learn.microsoft.com, Flexible federated identity credentials, "Supported issuers".
func isFlexibleIssuer(issuer string) bool {
	host, isHTTPS := strings.CutPrefix(issuer, "https://")
	host, _, _ = strings.Cut(host, "/")
	return isHTTPS && slices.Contains([]string{"token.actions.githubusercontent.com", "gitlab.com",
		"app.terraform.io"}, host)
}

// match is what an expression states of a subject.
type match int

const (
	undecided match = iota // it asks for other claims than the subject
	unmatched
	matched
)

// comparison is one comparison of an expression: claims['sub'] eq 'value', or matches with * and ? as wildcards.
var comparison = regexp.MustCompile(`^claims\['([A-Za-z0-9_-]+)'\]\s+(eq|matches)\s+'([^']*)'$`)

// joint is what stands between two comparisons; an expression knows no "or". Source: as isFlexibleIssuer, "Language
// structure, syntax, operators".
var joint = regexp.MustCompile(`\s+and\s+`)

// matches evaluates the expression of a flexible credential for a subject.
func matches(expression, subject string) match {
	result := matched
	for _, part := range joint.Split(strings.TrimSpace(expression), -1) {
		c := comparison.FindStringSubmatch(part)
		switch {
		case c == nil || c[1] != "sub":
			result = undecided
		case c[2] == "eq" && c[3] != subject, c[2] == "matches" && !hasPattern(subject, c[3]):
			return unmatched
		}
	}
	return result
}

// hasPattern reports whether a text matches a pattern, in which * stands for any characters and ? for one.
func hasPattern(text, pattern string) bool {
	quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString(text)
}

// judgeFlexible tells why a flexible credential does not let the subject in, or that it may.
func judgeFlexible(f resource.Credential, w integration.FederatedCredential) (diagnosis.Code, string) {
	name := redact.Printable(f.Name)
	switch {
	case !isFlexibleIssuer(f.Issuer):
		return diagnosis.CodeCredentialFlexibleUnsupported, fmt.Sprintf("The credential %s is flexible, which works "+
			"with the issuers of GitHub, GitLab and Terraform Cloud alone.", name)
	case matches(f.Expression, w.Subject) == undecided:
		return diagnosis.CodeCredentialFlexibleUndecided, fmt.Sprintf("The expression of the credential %s asks for "+
			"other claims than the subject, which the file does not tell.", name)
	default:
		return diagnosis.CodeFederatedCredentialDiffers, fmt.Sprintf("The credential %s is flexible; its expression, "+
			"issuer and audience do not all match.", name)
	}
}
