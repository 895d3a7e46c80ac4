package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// A token in the shapes in which people paste it, and the cut one that ends a log line.
const (
	jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ"
	spaced = "ewogICJhbGciOiAiUlMyNTYiCn0.ewogICJzdWIiOiAicGxhbnRlZCIKfQ.c2lnbmF0dXJlLXBsYW50ZWQ"
)

func TestWhatLooksLikeATokenIsNotShown(t *testing.T) {
	for text, shown := range map[string]string{
		jwt: "[redacted]", spaced: "[redacted]", jwt[:24]: "[redacted]", "Bearer " + jwt + "!": "Bearer [redacted]!",
		"/api/operations/" + jwt:                        "/api/operations/[redacted]",
		"wif-tests/v1.2.3":                              "wif-tests/v1.2.3",
		"https://acmedata.blob.core.windows.net/images": "https://acmedata.blob.core.windows.net/images",
		"monkeyJumpingHigh.a.b":                         "monkeyJumpingHigh.a.b",
		"ai.ddoe.wif.provision.v1":                      "ai.ddoe.wif.provision.v1",
		"system:serviceaccount:dataloop:my-service":     "system:serviceaccount:dataloop:my-service",
	} {
		assert.Equal(t, shown, diagnosis.Redact(text))
		assert.Equal(t, shown, diagnosis.Printable(text))
	}
}

func TestRedactJSON(t *testing.T) {
	for body, kept := range map[string]string{
		`{"data":{"subjectToken":"` + jwt + `"}}`:              `{"data":{"subjectToken":"[redacted]"}}`,
		`{"subject_token" : "opa\"que","mode":"oracle"}`:       `{"subject_token" : "[redacted]","mode":"oracle"}`,
		`{"prefix":"` + jwt + `"`:                              `{"prefix":"[redacted]"`,
		`not JSON, ` + jwt[:30]:                                `not JSON, [redacted]`,
		`{"integrationId":"my-service","federatedToken":null}`: `{"integrationId":"my-service","federatedToken":null}`,
	} {
		assert.Equal(t, kept, string(diagnosis.RedactJSON([]byte(body))))
	}
}
