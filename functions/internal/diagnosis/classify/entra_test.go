package classify

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// exchangeFake is a refusal of the token service as package entra shows it.
type exchangeFake struct {
	status                    int
	oauth                     string
	number                    int
	issuer, subject, audience string
	expected, explanation     string
}

func (e *exchangeFake) Error() string            { return "refused" }
func (e *exchangeFake) HTTPStatus() int          { return e.status }
func (e *exchangeFake) OAuthError() string       { return e.oauth }
func (e *exchangeFake) AADSTS() int              { return e.number }
func (e *exchangeFake) ServiceRequestID() string { return "request" }
func (e *exchangeFake) CorrelationID() string    { return "correlation" }
func (e *exchangeFake) ExpectedSubject() string  { return e.expected }
func (e *exchangeFake) Explanation() string      { return e.explanation }
func (e *exchangeFake) Presented() (issuer, subject, audience string) {
	return e.issuer, e.subject, e.audience
}

// exchangeCodes are the rows of the reference.
var exchangeCodes = []struct {
	code      string
	numbers   []int
	transient bool
	outcome   diagnosis.Outcome
}{
	{"credential-mismatch", []int{70021}, true, diagnosis.OutcomeFail},
	{"credential-issuer-mismatch", []int{700211}, true, diagnosis.OutcomeFail},
	{"credential-audience-mismatch", []int{700212}, true, diagnosis.OutcomeFail},
	{"credential-subject-mismatch", []int{700213, 7002137}, true, diagnosis.OutcomeFail},
	{"credential-subject-case-mismatch", []int{7002138}, true, diagnosis.OutcomeFail},
	{"credential-flexible-unsupported", []int{7002131, 7002241, 700235, 700233, 700234, 700237}, false,
		diagnosis.OutcomeFail},
	{"credential-audience-not-exchange", []int{700214}, false, diagnosis.OutcomeFail},
	{"assertion-from-entra", []int{700222, 700236, 700229}, false, diagnosis.OutcomeFail},
	{"federation-disabled", []int{700223}, false, diagnosis.OutcomeFail},
	{"issuer-not-allowed", []int{700238, 7002381}, false, diagnosis.OutcomeFail},
	{"credential-ambiguous", []int{700263}, false, diagnosis.OutcomeFail},
	{"federated-credential-missing", []int{70025, 7000226}, true, diagnosis.OutcomeFail},
	{"identity-missing", []int{700016, 700011}, true, diagnosis.OutcomeFail},
	{"service-principal-missing", []int{7000229}, true, diagnosis.OutcomeFail},
	{"client-disabled", []int{7000112, 70001}, true, diagnosis.OutcomeFail},
	{"assertion-expired", []int{700024}, false, diagnosis.OutcomeFail},
	{"signing-key-unknown", []int{7000272}, true, diagnosis.OutcomeFail},
	{"signature-invalid", []int{7000274, 700027}, false, diagnosis.OutcomeFail},
	{"assertion-type-unsupported", []int{5002727}, false, diagnosis.OutcomeFail},
	{"assertion-malformed", []int{50027}, false, diagnosis.OutcomeFail},
	{"issuer-unreachable", []int{501661, 90061, 50166}, true, diagnosis.OutcomeFail},
	{"issuer-keys-invalid", []int{900612}, false, diagnosis.OutcomeFail},
	{"tenant-unknown", []int{90002}, false, diagnosis.OutcomeFail},
	{"tenant-malformed", []int{900023}, false, diagnosis.OutcomeFail},
	{"authority-invalid", []int{50049, 50059, 90019, 9001023}, false, diagnosis.OutcomeFail},
	{"cloud-mismatch", []int{90038, 900382, 900432, 900439, 900440}, false, diagnosis.OutcomeFail},
	{"application-audience-unsupported", []int{70052}, false, diagnosis.OutcomeFail},
	{"scope-invalid", []int{500011, 50001, 70011, 1002012, 28002}, false, diagnosis.OutcomeFail},
	{"conditional-access-blocked", []int{53003, 530032, 50131}, false, diagnosis.OutcomeFail},
	{"secret-path-taken", []int{7000215, 7000222, 7000218, 7000216, 700025, 7000114}, false, diagnosis.OutcomeFail},
	{"tenant-blocked", []int{5000224, 5000225, 5000229}, false, diagnosis.OutcomeFail},
	{"entra-throttled", []int{90055, 50196}, true, diagnosis.OutcomeUnknown},
	{"entra-unavailable", []int{90024, 90033, 90006, 90012, 90090, 50033}, true, diagnosis.OutcomeUnknown},
	{"unexpected-flow", []int{500133, 50013, 50076, 50034, 65001, 50146, 16000, 16003, 500341, 501051, 5000811}, false,
		diagnosis.OutcomeFail},
	{"entra-unrecognised", []int{700215, 700216, 700221, 700224, 999999, 0}, false, diagnosis.OutcomeUnknown},
}

// TestExchangeCodes is the table of the reference, row by row.
func TestExchangeCodes(t *testing.T) {
	for _, tt := range exchangeCodes {
		for _, number := range tt.numbers {
			for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
				t.Run(fmt.Sprintf("AADSTS%d with %d", number, status), func(t *testing.T) {
					err := fmt.Errorf("wrapped: %w", &exchangeFake{status: status, oauth: "invalid_client",
						number: number})
					d := Error(err, diagnosis.Context{Operation: "exchange"})
					assert.Equal(t, tt.code, string(d.Code))
					assert.Equal(t, tt.transient, d.Transient)
					assert.Equal(t, &diagnosis.Evidence{Service: "entra", HTTPStatus: status,
						OAuthError: "invalid_client", AADSTS: number, RequestID: "request",
						CorrelationID: "correlation"}, d.Evidence)
					assert.Equal(t, tt.outcome, Check("c", "exchange", "t", err, diagnosis.Context{}).Status)
				})
			}
		}
	}
}

func TestExchangeStatusBeforeNumber(t *testing.T) {
	tests := map[string]struct {
		err  *exchangeFake
		want diagnosis.Code
	}{
		"429 in plain text":       {&exchangeFake{status: 429}, "entra-throttled"},
		"429 with a refusal":      {&exchangeFake{status: 429, number: 700213}, "entra-throttled"},
		"503":                     {&exchangeFake{status: 503}, "entra-unavailable"},
		"temporarily_unavailable": {&exchangeFake{status: 400, oauth: "temporarily_unavailable"}, "entra-unavailable"},
		"server_error":            {&exchangeFake{status: 400, oauth: "server_error"}, "entra-unavailable"},
		"a number before it": {&exchangeFake{status: 400, oauth: "server_error", number: 90002},
			"tenant-unknown"},
		"408":                     {&exchangeFake{status: 408, number: 90002}, "entra-unavailable"},
		"499":                     {&exchangeFake{status: 499}, "entra-unrecognised"},
		"500":                     {&exchangeFake{status: 500}, "entra-unavailable"},
		"success without a token": {&exchangeFake{status: 200}, "entra-unrecognised"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, Error(tt.err, diagnosis.Context{}).Code) })
	}
}

// document is what the words of Entra are compared with.
var document = diagnosis.Context{Issuer: "https://dataloop.ai/oauth2",
	Subject: "system:serviceaccount:dataloop:my-service", Audience: "api://AzureADTokenExchange"}

// wordCases are refusals that tell what was presented.
var wordCases = map[string]struct {
	err              *exchangeFake
	field            string
	expected, actual string
	at               int
}{
	"issuer": {&exchangeFake{number: 700211, issuer: "https://dataloop.ai/oauth2/"}, "/issuer",
		document.Issuer, "https://dataloop.ai/oauth2/", 26},
	"subject": {&exchangeFake{number: 700213, subject: "system:serviceaccount:ddoe:x"}, "/subject",
		document.Subject, "system:serviceaccount:ddoe:x", 23},
	"subject, the credential's is told": {&exchangeFake{number: 7002137, subject: "a:b", expected: "a:c"}, "/subject",
		document.Subject, "a:c", 0},
	"subject, the credential's is right": {&exchangeFake{number: 7002137, subject: "a:b",
		expected: document.Subject}, "/subject", document.Subject, "a:b", 0},
	"audience": {&exchangeFake{number: 700212, audience: "api://x"}, "/audience", document.Audience,
		"api://x", 6},
	"subject's case": {&exchangeFake{number: 7002138, subject: "a"}, "/subject", document.Subject, "a", 0},
	"audience that is not for it": {&exchangeFake{number: 700214, audience: "api://x"}, "/audience",
		document.Audience, "api://x", 6},
	"legacy, the first": {&exchangeFake{number: 70021, issuer: "i", subject: "s", audience: "a"}, "/issuer",
		document.Issuer, "i", 0},
	"legacy, the third": {&exchangeFake{number: 70021, issuer: document.Issuer, subject: document.Subject,
		audience: "api://x"}, "/audience", document.Audience, "api://x", 6},
	"legacy, the first is not told": {&exchangeFake{number: 70021, subject: "s"}, "/subject",
		document.Subject, "s", 1},
	"legacy, the second": {&exchangeFake{number: 70021, issuer: document.Issuer, subject: "s",
		audience: document.Audience}, "/subject", document.Subject, "s", 1},
}

func TestExchangeWords(t *testing.T) {
	for name, tt := range wordCases {
		t.Run(name, func(t *testing.T) {
			check := Check("c", "exchange", "t", tt.err, document)
			assert.Equal(t, tt.field, check.Field)
			assert.Equal(t, tt.expected, check.Expected)
			if tt.actual == tt.err.expected {
				assert.Equal(t, [2]string{tt.actual, ""}, [2]string{check.Actual, check.Presented})
			} else {
				assert.Equal(t, [2]string{"", tt.actual}, [2]string{check.Actual, check.Presented})
				assert.Contains(t, check.Detail, tt.actual)
			}
			require.NotNil(t, check.DiffAt)
			assert.Equal(t, tt.at, *check.DiffAt)
		})
	}
	t.Run("legacy, nothing that differs", func(t *testing.T) {
		for _, c := range []diagnosis.Context{{}, document} {
			check := Check("c", "exchange", "t", &exchangeFake{number: 70021, issuer: document.Issuer,
				explanation: "It was told so."}, c)
			assert.Empty(t, check.Field+check.Expected+check.Actual+check.Presented)
			assert.True(t, strings.HasSuffix(check.Detail, " It was told so."), check.Detail)
		}
	})
	t.Run("another refusal shows no values", func(t *testing.T) {
		check := Check("c", "exchange", "t", &exchangeFake{number: 90002, issuer: "i", subject: "s", audience: "a"},
			document)
		assert.Empty(t, check.Field+check.Expected+check.Actual+check.Presented)
	})
	t.Run("masked", func(t *testing.T) {
		check := Check("c", "exchange", "t", &exchangeFake{number: 700213}, document)
		assert.Equal(t, diagnosis.CodeCredentialSubjectMismatch, check.Code)
		assert.Nil(t, check.DiffAt)
	})
	t.Run("other words", func(t *testing.T) {
		d := Error(&exchangeFake{number: 700024, explanation: "Entra's clock said now."}, document)
		assert.Contains(t, d.Detail, "Entra's clock said now.")
	})
}
