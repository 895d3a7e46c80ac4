package diagnosis

import (
	"errors"
	"fmt"
)

// exchangeError is what entra's typed error tells by codes.
type exchangeError interface {
	error
	AADSTS() int
	OAuthError() string
	HTTPStatus() int
	ServiceRequestID() string
}

// explainedError is what entra's typed error tells by text: what the service says it was presented with, and what it
// would have expected.
type explainedError interface {
	CorrelationID() string
	Presented() (issuer, subject, audience string)
	ExpectedSubject() string
	Explanation() string
}

func classifyExchange(err error, c Context) (classified, bool) {
	var exchange exchangeError
	if !errors.As(err, &exchange) {
		return classified{}, false
	}
	evidence := &Evidence{Service: "entra", HTTPStatus: exchange.HTTPStatus(), OAuthError: exchange.OAuthError(),
		AADSTS: exchange.AADSTS(), RequestID: exchange.ServiceRequestID()}
	k := classified{code: exchangeCode(exchange), evidence: evidence}
	var explained explainedError
	if errors.As(err, &explained) {
		evidence.CorrelationID = explained.CorrelationID()
		k.words = exchangeWords(k.code, explained, c)
	}
	return k, true
}

// exchangeCode decides by HTTP status and OAuth error where they say "try again", by the AADSTS number else.
func exchangeCode(e exchangeError) Code {
	if code := byStatus(e.HTTPStatus(), CodeEntraThrottled, CodeEntraUnavailable); code != "" {
		return code
	}
	if code, ok := catalogue().byAADSTS[e.AADSTS()]; ok {
		return code
	}
	if e.OAuthError() == "temporarily_unavailable" || e.OAuthError() == "server_error" {
		return CodeEntraUnavailable
	}
	return CodeEntraUnrecognised
}

// exchangeWords lays what Entra says it saw beside what the document says.
func exchangeWords(code Code, e explainedError, c Context) words {
	issuer, subject, audience := e.Presented()
	var w words
	switch code {
	case CodeCredentialIssuerMismatch:
		w = words{field: "/issuer", expected: c.Issuer, actual: issuer}
	case CodeCredentialSubjectMismatch, CodeCredentialSubjectCaseMismatch:
		w = words{field: "/subject", expected: c.Subject, actual: subject}
		if expected := e.ExpectedSubject(); expected != "" {
			w.expected = expected
		}
	case CodeCredentialAudienceMismatch, CodeCredentialAudienceNotExchange:
		w = words{field: "/audience", expected: c.Audience, actual: audience}
	case CodeCredentialMismatch:
		w = firstDifference(c, issuer, subject, audience)
	}
	if w.actual != "" {
		w.detail = fmt.Sprintf("Entra was presented with %q.", w.actual)
	} else if text := e.Explanation(); text != "" {
		w.detail = text
	}
	return w
}

// firstDifference serves the legacy text, which names all three values without saying which one is wrong.
func firstDifference(c Context, issuer, subject, audience string) words {
	for _, pair := range []words{
		{field: "/issuer", expected: c.Issuer, actual: issuer},
		{field: "/subject", expected: c.Subject, actual: subject},
		{field: "/audience", expected: c.Audience, actual: audience},
	} {
		if pair.actual != "" && pair.expected != "" && pair.actual != pair.expected {
			return pair
		}
	}
	return words{}
}
