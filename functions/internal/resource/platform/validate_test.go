package platform_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func (f *fixture) prover() resource.Prover {
	return f.kinds()[1].(resource.Prover)
}

func (f *fixture) validate() string {
	f.t.Helper()
	require.True(f.t, f.prover().CanProve(f.document))
	proof := f.prover().Prove(f.t.Context(), resource.View{Document: f.document})
	if proof.Learn != nil {
		proof.Learn(&f.document.Status)
	}
	assert.Equal(f.t, proof.Diagnosis == nil, proof.Proved)
	if proof.Proved {
		return ""
	}
	assert.Equal(f.t, string(proof.Diagnosis.Code) == "ddoe-validation-slow", proof.Pending)
	return string(proof.Diagnosis.Code)
}

func TestValidates(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	assert.Empty(t, f.validate())
	st := f.document.Status.DDOE
	assert.True(t, st.Validated)
	assert.NotNil(t, st.CheckedAt)
	assert.Empty(t, st.ValidationID)
	f.calm()
	assert.Empty(t, f.validate())
	assert.Empty(t, f.requests, "what was proved is not asked again")
}

func TestValidationThatDoesNotPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(f *fixture)
		code  string
	}{
		"the storage refuses": {func(f *fixture) {
			f.storage = func(*http.Request) int { return http.StatusForbidden }
		}, "ddoe-driver-test-failed"},
		"the platform is down": {func(f *fixture) { f.strike("", 0, status(503)) }, "ddoe-unavailable"},
		"no answer":            {func(f *fixture) { f.strike("", 0, fault{}) }, "network-connect"},
		"the role is missing": {func(f *fixture) { f.strike("POST /drivers/validate", 0, status(403)) },
			"ddoe-project-role-missing"},
		"a web page": {func(f *fixture) { f.strike("GET /drivers/", 0, fault{answer: page(200)}) },
			"ddoe-answer-invalid"},
		"it fails": {func(f *fixture) {
			f.strike("GET /commands/", 0,
				fault{answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
					return respond(r, 200, http.Header{"Content-Type": {"application/json"}},
						`{"id": "c", "status": "timeout", "error": "too slow"}`), nil
				}})
		}, "ddoe-validation-failed"},
		"it does not end": {func(f *fixture) {
			f.strike("GET /commands/", 0,
				fault{answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
					return respond(r, 200, http.Header{"Content-Type": {"application/json"}},
						`{"id": "c", "status": "in-progress"}`), nil
				}})
		}, "ddoe-validation-slow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			c.given(f)
			assert.Equal(t, c.code, f.validate())
			assert.False(t, f.document.Status.DDOE.Validated)
			f.calm()
			f.storage = func(*http.Request) int { return http.StatusCreated }
			if f.document.Status.DDOE.ValidationID != "" {
				// one that the platform does not know any more is begun anew
				f.document.Status.DDOE.ValidationID = "gone"
			}
			assert.Empty(t, f.validate())
			assert.True(t, f.document.Status.DDOE.Validated)
		})
	}
}

// Others' drivers are validated along with ours, which has passed its own test.
func TestOthersDriversFailTheValidation(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	f.put(dataloop.Drivers, dataloop.Object{"id": "other", "name": "other",
		"integrationId": f.document.Status.DDOE.IntegrationID, "projectId": dataloop.ProjectID,
		"containerName": "nowhere", "createdAt": f.now().UnixMilli()})
	f.storage = func(r *http.Request) int {
		if r.URL.Path == "/nowhere" {
			return http.StatusNotFound
		}
		return http.StatusCreated
	}
	assert.Empty(t, f.validate())
	assert.True(t, f.document.Status.DDOE.Validated)
}

func TestNothingToValidate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	assert.False(t, f.prover().CanProve(f.document))
	f.document.Spec.DDOE.Driver = nil
	require.Empty(t, f.run(resource.View{}).errs)
	assert.False(t, f.prover().CanProve(f.document))
}

// TestValidationIsJudgedByThePolicyTable: one refusal of a request that may be sent twice is repeated, and what lasts
// is told as what it is, and not as an outcome of the validation.
func TestValidationIsJudgedByThePolicyTable(t *testing.T) {
	t.Parallel()
	failed := fault{answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return respond(r, 200, http.Header{"Content-Type": {"application/json"}}, `{"id": "c", "status": "failed"}`),
			nil
	}}
	for name, c := range map[string]struct {
		request string
		status  int
		code    string // where it lasts
		passing bool
	}{
		"the validation, 401":   {"POST /drivers/validate", 401, "ddoe-unauthorized", false},
		"the validation, 409":   {"POST /drivers/validate", 409, "ddoe-unrecognised", false},
		"the validation, 503":   {"POST /drivers/validate", 503, "ddoe-unavailable", true},
		"the command, 401":      {"GET /commands/", 401, "ddoe-unauthorized", false},
		"the command, 412":      {"GET /commands/", 412, "ddoe-unrecognised", false},
		"the count, 401":        {"GET /drivers/byIntegration/", 401, "ddoe-unauthorized", false},
		"the count, 503":        {"GET /drivers/byIntegration/", 503, "ddoe-unavailable", true},
		"the driver's own, 404": {"GET /drivers/[^/]+/test", 404, "ddoe-driver-test-failed", true},
	} {
		for _, lasts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lasts: %t", name, lasts), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t).provisioned()
				times := 1
				if lasts {
					times = 0
				}
				f.strike(c.request, times, status(c.status))
				if c.request == "GET /drivers/byIntegration/" {
					counts := f.faults
					f.strike("GET /commands/", 0, failed)
					f.faults = append(f.faults, counts...)
				}
				proof := f.prover().Prove(t.Context(), resource.View{Document: f.document})
				switch {
				case lasts:
					require.NotNil(t, proof.Diagnosis)
					assert.Equal(t, c.code, string(proof.Diagnosis.Code))
					assert.Equal(t, c.passing, proof.Passing)
				case c.request == "GET /drivers/byIntegration/":
					require.NotNil(t, proof.Diagnosis)
					assert.Equal(t, "ddoe-validation-failed", string(proof.Diagnosis.Code))
				case c.status != 404: // the verification asks again
					assert.True(t, proof.Proved, "%+v", proof.Diagnosis)
				}
				assert.False(t, proof.Proved && lasts)
			})
		}
	}
}
