package entra

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

// judgeAssertion decides whether the assertion may stand for the client. The order is Entra's as far as it is
// known: what the token is, then which credential it matches, and only then whose signature it bears.
func (s *Service) judgeAssertion(ctx context.Context, who client, compact string) error {
	token, err := jose.Parse(compact)
	if err != nil {
		return assertionMalformed()
	}
	if !isTypeAccepted(token.Header.Type) {
		return typeUnsupported()
	}
	if count := len(token.Audience()); count > 1 {
		return audienceNotSingle(count)
	}
	trusts := s.visible(who.trusts)
	if len(trusts) == 0 {
		return noCredentials(who.principal.AppID, who.principal.DisplayName)
	}
	if err := match(trusts, token); err != nil {
		return err
	}
	if isIssuedByEntra(token.Text("iss")) {
		return entraIssued()
	}
	return s.verifyAssertion(ctx, token)
}

// isTypeAccepted follows the two values that Entra's refusal names; a header without a type is accepted.
func isTypeAccepted(typ string) bool {
	return typ == "" || strings.EqualFold(typ, "JWT") || typ == "http://openid.net/specs/jwt/1.0"
}

// match finds the credential for the token, narrowing by issuer, then audience, then subject, each compared byte for
// byte; the refusal names the first that no credential has.
func match(trusts []trust, token jose.Token) error {
	issuer, subject := token.Text("iss"), token.Text("sub")
	audience := strings.Join(token.Audience(), "")

	sameIssuer := filter(trusts, func(f trust) bool { return f.issuer == issuer })
	if len(sameIssuer) == 0 {
		return noMatch(700211, "issuer", issuer)
	}
	sameAudience := filter(sameIssuer, func(f trust) bool { return slices.Contains(f.audiences, audience) })
	if len(sameAudience) == 0 {
		return noMatch(700212, "audience", audience)
	}
	if slices.ContainsFunc(sameAudience, func(f trust) bool { return f.subject == subject }) {
		return nil
	}
	if slices.ContainsFunc(sameAudience, func(f trust) bool { return strings.EqualFold(f.subject, subject) }) {
		return subjectCase(subject)
	}
	if slices.ContainsFunc(sameAudience, func(f trust) bool { return f.isFlexible }) {
		return flexibleIssuerRefused(issuer)
	}
	return noMatch(700213, "subject", subject)
}

func filter(all []trust, keep func(trust) bool) []trust {
	var kept []trust
	for _, one := range all {
		if keep(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// isIssuedByEntra tells whether the issuer is one of Entra's own, whose tokens an application may not exchange.
func isIssuedByEntra(issuer string) bool {
	parsed, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	hosts := []string{Host, "login.windows.net", "login.microsoft.com", "sts.windows.net"}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return parsed.Hostname() == host || strings.HasSuffix(parsed.Hostname(), "."+host)
	})
}

// verifyAssertion checks the signature with the keys that the issuer publishes, and then the times.
func (s *Service) verifyAssertion(ctx context.Context, token jose.Token) error {
	issuer := token.Text("iss")
	keys, err := s.issuers.keys(ctx, issuer)
	if err != nil {
		return err
	}
	key, ok := keys[token.Header.KeyID]
	if !ok {
		return keyUnknown(token.Header.KeyID, issuer)
	}
	if err := token.Verify(key); err != nil {
		return signatureInvalid()
	}
	return s.judgeTimes(token)
}

// judgeTimes compares nbf (else iat) and exp with the clock. A claim that is missing counts as 1970: that is what
// Entra's error text shows for a token without exp.
func (s *Service) judgeTimes(token jose.Token) error {
	now, from, to := s.world.Now(), time.Unix(0, 0), time.Unix(0, 0)
	if seconds, ok := token.Unix("nbf"); ok {
		from = time.Unix(seconds, 0)
	} else if seconds, ok := token.Unix("iat"); ok {
		from = time.Unix(seconds, 0)
	}
	if seconds, ok := token.Unix("exp"); ok {
		to = time.Unix(seconds, 0)
	}
	if now.Before(from.Add(-clockSkew)) || !now.Before(to.Add(clockSkew)) {
		return outsideLifetime(now, from, to)
	}
	return nil
}
