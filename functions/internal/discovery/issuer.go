package discovery

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

const (
	checkIssuer = "discovery.issuer"
	checkKeys   = "discovery.keys"

	checkJWKSURI = checkIssuer + ".jwksUri"

	titleIssuer = "The issuer publishes a discovery document"
	titleKeys   = "The issuer publishes its keys"
)

// document is the part of a discovery document that matters to Entra.
type document struct {
	Issuer                string   `json:"issuer"`
	JWKSURI               string   `json:"jwks_uri"`
	AuthorizationEndpoint *string  `json:"authorization_endpoint"`
	SubjectTypes          []string `json:"subject_types_supported"`
	Algorithms            []string `json:"id_token_signing_alg_values_supported"`
	// contentType is that of the answer.
	contentType string
}

// documentRule is one rule of a discovery document, about a member. keeps returns what is compared where it is broken.
type documentRule struct {
	id, title, member, detail string
	code                      diagnosis.Code
	keeps                     func(d document, issuer string) (bool, assessment.Pair)
}

// documentRules are the rules, each with its source. OIDC is OpenID Connect Discovery 1.0, Entra is
// learn.microsoft.com, Considerations for workload identity federation, and the table of AADSTS 501661.
func documentRules() []documentRule {
	isHTTPS := func(address string) bool {
		u, err := url.Parse(address)
		return err == nil && u.Scheme == "https" && u.Host != ""
	}
	none := assessment.Pair{}
	return []documentRule{
		{checkIssuer + ".name", "The document names the issuer as the file does", "issuer", "", // OIDC 4.3; Entra
			diagnosis.CodeIssuerDocumentMismatch, func(d document, issuer string) (bool, assessment.Pair) {
				return d.Issuer == issuer, assessment.Pair{Expected: d.Issuer, Actual: issuer}
			}},
		{checkJWKSURI, "The document names the keys", "jwks_uri", "no absolute https URL.", // OIDC 3
			diagnosis.CodeIssuerDocumentInvalid, func(d document, _ string) (bool, assessment.Pair) {
				return isHTTPS(d.JWKSURI), assessment.Pair{Expected: "an https URL", Actual: d.JWKSURI,
					IsDescribed: true}
			}},
		{checkIssuer + ".algorithms", "The issuer signs with RS256", // Entra takes RS256 alone; OIDC 3
			"id_token_signing_alg_values_supported", "without RS256, the one algorithm that Entra takes.",
			diagnosis.CodeIssuerDocumentInvalid, func(d document, _ string) (bool, assessment.Pair) {
				return slices.Contains(d.Algorithms, "RS256"), assessment.Pair{Expected: "RS256",
					Actual: strings.Join(d.Algorithms, ", "), IsDescribed: true}
			}},
		{checkIssuer + ".subjectTypes", "The document names subject types", // Entra: seen with AADSTS 501661; OIDC 3
			"subject_types_supported", "absent or empty.", diagnosis.CodeIssuerDocumentInvalid,
			func(d document, _ string) (bool, assessment.Pair) { return len(d.SubjectTypes) > 0, none }},
		{checkIssuer + ".authorizationEndpoint", "An authorization endpoint is a URL, or absent",
			"authorization_endpoint", "no absolute https URL. Absent is fine, and empty is not.",
			diagnosis.CodeIssuerDocumentInvalid, // Entra: seen with AADSTS 501661
			func(d document, _ string) (bool, assessment.Pair) {
				return d.AuthorizationEndpoint == nil || isHTTPS(*d.AuthorizationEndpoint), none
			}},
		{checkIssuer + ".contentType", "The document is served as JSON", // OIDC 4.2
			"Content-Type", "not application/json.", diagnosis.CodeIssuerDocumentUnusual,
			func(d document, _ string) (bool, assessment.Pair) {
				media, _, _ := mime.ParseMediaType(d.contentType)
				return media == "application/json", assessment.Pair{Expected: "application/json",
					Actual: d.contentType, IsDescribed: true}
			}},
	}
}

// lookAtIssuer fetches the issuer's documents as Entra does, and judges them.
func (s *Service) lookAtIssuer(ctx context.Context, value credential.Value) []assessment.Check {
	if value.BrokenBy != "" {
		return []assessment.Check{assessment.Skip(checkIssuer, layer, titleIssuer, value.BrokenBy),
			assessment.Skip(checkKeys, layer, titleKeys, value.BrokenBy)}
	}
	var d document
	// OIDC 4.1: the path follows the issuer, less a slash at its end.
	address := strings.TrimSuffix(value.Text, "/") + "/.well-known/openid-configuration"
	contentType, published := s.read(ctx, checkIssuer, titleIssuer, address, diagnosis.CodeIssuerDocumentInvalid,
		diagnosis.Context{Issuer: value.Text, Target: address}, &d)
	checks := published
	for i := range checks {
		checks[i].Field = value.Pointer
	}
	if checks[0].Status != diagnosis.OutcomePass {
		return append(checks, assessment.Skip(checkKeys, layer, titleKeys, checkIssuer))
	}
	d.contentType = contentType
	hasKeys := true
	for _, r := range documentRules() {
		keeps, pair := r.keeps(d, value.Text)
		made := passed(r.id, r.title)
		if !keeps {
			detail := r.detail
			if detail != "" {
				detail = r.member + ": " + detail
			}
			made = faulty(r.id, r.code, detail, diagnosis.Context{Issuer: value.Text, Target: r.member}, pair)
			hasKeys = hasKeys && r.id != checkJWKSURI
		}
		made.Field = value.Pointer
		checks = append(checks, made)
	}
	if !hasKeys {
		return append(checks, assessment.Skip(checkKeys, layer, titleKeys, checkJWKSURI))
	}
	return append(checks, s.lookAtKeys(ctx, d.JWKSURI, value)...)
}

// read fetches a JSON document and returns its Content-Type, and the checks of it, the first of which is of the
// document itself. What is there, but no such document, is of the code. A document that is not there is not there for
// Entra either; any other refusal may be about us alone.
func (s *Service) read(ctx context.Context, id, title, address string, invalid diagnosis.Code, c diagnosis.Context,
	into any) (string, []assessment.Check) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", []assessment.Check{check(id, title, err, c)}
	}
	response, err := s.Fetcher.Do(request)
	if err != nil {
		return "", []assessment.Check{check(id, title, err, c)}
	}
	code, detail := diagnosis.Code(""), ""
	var odd []oddity
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		body, err := io.ReadAll(response.Body)
		if err == nil {
			odd, err = readExactly(body, into)
		}
		if err != nil {
			code, detail = invalid, "What is published at "+address+" is no JSON object of the right shape."
		}
	case status == http.StatusNotFound, status == http.StatusGone:
		code, detail = diagnosis.CodeIssuerUnreachable, "Nothing is published at "+address+"."
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests,
		status >= http.StatusInternalServerError:
		code = diagnosis.CodeIssuerUnavailable
	default:
		code = diagnosis.CodeAnswerNotFromService
	}
	made := passed(id, title)
	if code != "" {
		made = faulty(id, code, detail, c, assessment.Pair{})
		made.Evidence = &diagnosis.Evidence{HTTPStatus: response.StatusCode}
	}
	made.Target = address
	return response.Header.Get("Content-Type"), append([]assessment.Check{made}, judgeNames(id, odd, invalid, c)...)
}

// judgeNames is the check of members that stand under no exact name, or more than once; none where there is none.
func judgeNames(id string, odd []oddity, invalid diagnosis.Code, c diagnosis.Context) []assessment.Check {
	code, words := diagnosis.CodeIssuerDocumentUnusual, []string{}
	for _, o := range odd {
		words = append(words, o.name+": "+o.why+".")
		if o.isFatal {
			code = invalid
		}
	}
	if len(odd) == 0 {
		return nil
	}
	made := faulty(id+".names", code, strings.Join(words[:min(len(words), 3)], " "), c, assessment.Pair{})
	made.Target = c.Target
	return []assessment.Check{made}
}
