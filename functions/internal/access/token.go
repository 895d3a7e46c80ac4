package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	// storageScope is what an access token for blobs is asked for, in every cloud.
	storageScope = "https://storage.azure.com/.default"
	// clockSkew is how far Entra's clock and the issuer's may differ.
	clockSkew = 5 * time.Minute
	// longLife is the lifetime from which a subject token is worth a warning.
	longLife = 24 * time.Hour
)

// The checks that others depend on.
const (
	checkFormat     = "token.format"
	checkKey        = "token.key"
	checkExchange   = "exchange.token"
	checkNetwork    = "access.network"
	checkContainers = "access.containers"
	checkProtection = "access.protection"
	checkList       = "access.list"
	checkRead       = "access.read"
	checkWrite      = "access.write"
	checkDelete     = "access.delete"
)

// checkToken compares the token's claims with the document, before anything is sent. It returns the id of the first
// check that forbids the exchange, or "".
func (r *test) checkToken() string {
	spec := r.request.Document.Spec
	r.subject = nearest(spec.Subjects, "")
	if r.request.Token.IsZero() {
		r.add(assessment.CheckOf(checkFormat, "token", diagnosis.New(diagnosis.CodeSubjectTokenUnavailable,
			diagnosis.WithContext(r.context("token")))))
		return checkFormat
	}
	claims, err := entra.ParseSubjectToken(r.request.Token)
	if err != nil {
		// The parser's text names the fault and holds no part of the token.
		r.add(assessment.CheckOf(checkFormat, "token", diagnosis.New(diagnosis.CodeTokenMalformed,
			diagnosis.WithDetail("%s", sentence(err)))))
		return checkFormat
	}
	r.subject = nearest(spec.Subjects, claims.Subject)
	first := len(r.checks)
	r.add(passed(checkFormat, "token", "The token is a JWT"))
	r.add(r.compare("token.issuer", "/issuer", diagnosis.CodeTokenIssuerMismatch,
		"The token comes from the integration's issuer", spec.Issuer, claims.Issuer))
	r.add(r.compareSubject(claims.Subject))
	r.add(r.compareAudience(claims.Audience))
	r.add(r.lifetime(claims), r.header("token.algorithm", diagnosis.CodeTokenAlgorithmUnsupported,
		"The token is signed with RS256", "RS256", claims.Algorithm, claims.Algorithm == "RS256"))
	r.add(r.header("token.type", diagnosis.CodeTokenTypeUnsupported, "The token's type is JWT", "JWT", claims.Type,
		claims.Type == "" || strings.EqualFold(claims.Type, "JWT")))
	r.isKeyUnnamed = claims.KeyID == ""
	r.add(r.header(checkKey, diagnosis.CodeTokenKeyIDMissing, "The token names its key", "", "",
		!r.isKeyUnnamed))
	for _, c := range r.checks[first:] {
		if c.Status == diagnosis.OutcomeFail {
			return c.ID
		}
	}
	return ""
}

// nearest is the subject that the token's is compared with: the equal one, the one that differs by case, or the one
// that shares the longest beginning.
func nearest(subjects []string, actual string) string {
	best, length := "", -1
	for _, s := range subjects {
		switch {
		case s == actual:
			return s
		case strings.EqualFold(s, actual):
			best, length = s, len(s)+len(actual)
		case common(s, actual) > length:
			best, length = s, common(s, actual)
		}
	}
	return best
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (r *test) compareSubject(actual string) assessment.Check {
	const title = "The token is for one of the integration's subjects"
	code := diagnosis.CodeTokenSubjectMismatch
	if assessment.Diff(r.subject, actual).Class == assessment.ClassCase {
		code = diagnosis.CodeSubjectCaseMismatch
	}
	field := "/subjects"
	if i := slices.Index(r.request.Document.Spec.Subjects, r.subject); i >= 0 {
		field = pointer("/subjects", i)
	}
	return r.compare("token.subject", field, code, title, r.subject, actual)
}

// compareAudience takes one audience alone: Entra refuses a token with several, whichever they are (AADSTS5002741).
func (r *test) compareAudience(actual []string) assessment.Check {
	expected := r.request.Document.Spec.Audience
	check := r.compare("token.audience", "/audience", diagnosis.CodeTokenAudienceMismatch,
		"The token is for the integration's audience", expected, strings.Join(actual, " "))
	if len(actual) > 1 {
		among := "is not"
		if slices.Contains(actual, expected) {
			among = "is"
		}
		check.Detail = fmt.Sprintf("The token has %d audiences, and the integration's %s among them; "+
			"Entra takes only "+
			"tokens with exactly one (AADSTS5002741).", len(actual), among)
	}
	return check
}

// compare checks one claim byte for byte, as Entra will.
func (r *test) compare(id, field string, code diagnosis.Code, title, expected, presented string) assessment.Check {
	if expected == presented {
		return passed(id, "token", title).Compared(assessment.Pair{Expected: expected, Presented: presented})
	}
	difference := assessment.Diff(expected, presented)
	d := diagnosis.New(code, diagnosis.WithContext(r.context("token")))
	check := assessment.CheckOf(id, "token", d)
	check.Field = field
	check = check.Compared(assessment.Pair{Expected: expected, Presented: presented})
	switch difference.Class {
	case assessment.ClassSlash:
		check.Detail += " Here they differ by a trailing slash only."
	case assessment.ClassCase:
		if code != diagnosis.CodeSubjectCaseMismatch { // that code tells it by itself
			check.Detail += " Here they differ by case only."
		}
	case assessment.ClassBlank:
		check.Detail += " Here they differ by blanks only."
	}
	if check.Presented != "" && check.Expected != "" {
		check.Detail += " The token has " + check.Presented + ", the integration " + check.Expected + "."
	}
	return check
}

func (r *test) lifetime(claims entra.Claims) assessment.Check {
	const id, title = "token.lifetime", "The token is valid now"
	now := r.tester.now()
	pair := func(expected, presented string) assessment.Pair {
		return assessment.Pair{Expected: expected, Presented: presented, IsDescribed: true}
	}
	fault := func(code diagnosis.Code, expected, presented string) assessment.Check {
		return assessment.CheckOf(id, "token", diagnosis.New(code)).Compared(pair(expected, presented))
	}
	switch {
	case claims.ExpiresAt.IsZero():
		return fault(diagnosis.CodeTokenNoExpiry, "exp after "+stamp(now), "no exp")
	case !claims.ExpiresAt.After(now):
		return fault(diagnosis.CodeTokenExpired, "exp after "+stamp(now), stamp(claims.ExpiresAt))
	case claims.NotBefore.After(now.Add(clockSkew)):
		return fault(diagnosis.CodeTokenNotYetValid, "nbf before "+stamp(now), stamp(claims.NotBefore))
	case claims.ExpiresAt.Sub(now) > longLife:
		return fault(diagnosis.CodeTokenLifetimeTooLong, "exp before "+stamp(now.Add(longLife)),
			stamp(claims.ExpiresAt))
	default:
		return passed(id, "token", title).Compared(pair("exp after "+stamp(now), stamp(claims.ExpiresAt)))
	}
}

func (r *test) header(id string, code diagnosis.Code, title, expected, presented string,
	ok bool) assessment.Check {
	if ok {
		return passed(id, "token", title)
	}
	return assessment.CheckOf(id, "token", diagnosis.New(code)).Compared(
		assessment.Pair{Expected: expected, Presented: presented})
}

// exchange presents the token to Entra, with a credential of its own. It returns the credential, or the id of the
// check that the rest depends on.
func (r *test) exchange(ctx context.Context, failed string) (azcore.TokenCredential, string) {
	const title = "Entra exchanges the token"
	if failed != "" {
		r.add(assessment.Skip(checkExchange, "exchange", title, failed))
		return nil, failed
	}
	d := r.request.Document
	cred, err := r.tester.Exchanger.Credential(d.Spec.TenantID, d.Status.ClientID, r.request.Token)
	if err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callBudget)
		defer cancel()
		// As azblob will ask for it: a token for the same scope without EnableCAE is another one, and another
		// exchange.
		_, err = cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{storageScope}, EnableCAE: true})
	}
	check := classify.Check(checkExchange, "exchange", title, err, r.context("exchange"))
	if check.Code == diagnosis.CodeSigningKeyUnknown && r.isKeyUnnamed {
		check.DependsOn, check.Remedy = checkKey, nil
	}
	r.add(check)
	if err != nil {
		return nil, checkExchange
	}
	r.claim = assessment.ClaimExchange
	return cred, ""
}

// context is what the words of a diagnosis are filled with.
func (r *test) context(operation diagnosis.Operation) diagnosis.Context {
	d := r.request.Document
	credential := ""
	for _, wanted := range integration.WantedCredentials(d) {
		if wanted.Subject == r.subject {
			credential = wanted.Name
		}
	}
	propagated := r.request.Propagated
	if propagated == nil {
		propagated = new(d.HasPropagated(r.tester.now()))
	}
	c := d.Words()
	c.Operation, c.Subject, c.Credential, c.Propagated = operation, r.subject, credential, *propagated
	return c
}

func passed(id, layer, title string) assessment.Check {
	return assessment.Check{ID: id, Layer: layer, Status: diagnosis.OutcomePass, Title: title}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func pointer(base string, i int) string { return fmt.Sprintf("%s/%d", base, i) }

// sentence makes an error's text a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
