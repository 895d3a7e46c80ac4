package classify

import (
	"errors"
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// exchangeError is what entra's typed error tells by codes.
type exchangeError interface {
	error
	AADSTS() int
	OAuthError() string
	HTTPStatus() int
	ServiceRequestID() string
}

// explainedError is what entra's typed error tells by text: what the service was presented with, and what it
// would have expected.
type explainedError interface {
	CorrelationID() string
	Presented() (issuer, subject, audience string)
	ExpectedSubject() string
	Explanation() string
}

func exchangeCause(err error, c diagnosis.Context) (cause, bool) {
	var exchange exchangeError
	if !errors.As(err, &exchange) {
		return cause{}, false
	}
	evidence := &diagnosis.Evidence{Service: "entra", HTTPStatus: exchange.HTTPStatus(),
		OAuthError: exchange.OAuthError(),
		AADSTS:     exchange.AADSTS(), RequestID: exchange.ServiceRequestID()}
	k := cause{code: exchangeCode(exchange), evidence: evidence}
	var explained explainedError
	if errors.As(err, &explained) {
		evidence.CorrelationID = explained.CorrelationID()
		k.words = exchangeWords(k.code, explained, c)
	}
	return k, true
}

// exchangeCode decides by HTTP status and OAuth error where they say "try again", by the AADSTS number else.
func exchangeCode(e exchangeError) diagnosis.Code {
	if code := byStatus(e.HTTPStatus(), diagnosis.CodeEntraThrottled, diagnosis.CodeEntraUnavailable); code != "" {
		return code
	}
	if code, ok := diagnosis.OfAADSTS(e.AADSTS()); ok {
		return code
	}
	if e.OAuthError() == "temporarily_unavailable" || e.OAuthError() == "server_error" {
		return diagnosis.CodeEntraUnavailable
	}
	return diagnosis.CodeEntraUnrecognised
}

// exchangeWords compares what Entra was presented with to the document.
func exchangeWords(code diagnosis.Code, e explainedError, c diagnosis.Context) words {
	issuer, subject, audience := e.Presented()
	var w words
	switch code {
	case diagnosis.CodeCredentialIssuerMismatch:
		w = presented("/issuer", c.Issuer, issuer)
	case diagnosis.CodeCredentialSubjectMismatch, diagnosis.CodeCredentialSubjectCaseMismatch:
		w = presented("/subject", c.Subject, subject)
		w.pair.Actual = e.ExpectedSubject() // the credential's
	case diagnosis.CodeCredentialAudienceMismatch, diagnosis.CodeCredentialAudienceNotExchange:
		w = presented("/audience", c.Audience, audience)
	case diagnosis.CodeCredentialMismatch:
		w = firstDifference(c, issuer, subject, audience)
	}
	if w.pair.Presented != "" {
		w.detail = fmt.Sprintf("Entra was presented with %q.", w.pair.Presented)
	} else if text := e.Explanation(); text != "" {
		w.detail = text
	}
	return w
}

// firstDifference serves the legacy text, which names all three values without saying which one is wrong.
func firstDifference(c diagnosis.Context, issuer, subject, audience string) words {
	for _, w := range []words{presented("/issuer", c.Issuer, issuer), presented("/subject", c.Subject, subject),
		presented("/audience", c.Audience, audience)} {
		if p := w.pair; p.Presented != "" && p.Expected != "" && p.Presented != p.Expected {
			return w
		}
	}
	return words{}
}

// presented compares what should be with what the token holds: a refusal does not tell what the identity has.
func presented(field, expected, value string) words {
	return words{field: field, pair: assessment.Pair{Expected: expected, Presented: value}}
}
