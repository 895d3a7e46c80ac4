package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// causes are the codes of the root cause, and of what is told beside it.
func causes(c diagnosis.Causes) []string {
	var codes []string
	if c.Diagnosis != nil {
		codes = append(codes, string(c.Diagnosis.Code))
	}
	for _, d := range c.Also {
		codes = append(codes, string(d.Code))
	}
	return codes
}

// TestDriftNamesTheRootCause, and beside it only what does not follow from it.
func TestDriftNamesTheRootCause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes []string
		want    []string
	}{
		"nothing": {nil, nil},
		"a chain": {[]string{"application gone"}, []string{"identity-missing"}},
		"two that are independent": {[]string{"assignment gone", "credential gone"},
			[]string{"federated-credential-missing", "role-missing"}},
		"a warning, and what is missing": {[]string{"credential added", "assignment gone"},
			[]string{"role-missing", "federated-credential-extra"}},
		"a warning alone": {[]string{"assignment added"}, []string{"role-assignment-extra"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images"))
			for _, change := range c.changes {
				drifts[change].change(f)
			}
			report, _ := f.drift()
			assert.Equal(t, c.want, causes(report.Causes))
			if report.Diagnosis != nil {
				assert.Equal(t, "structure", report.Diagnosis.Layer)
				assert.NotEmpty(t, report.Diagnosis.Remedy)
				assert.Equal(t, "/api/errors/"+c.want[0], report.Diagnosis.Type)
			}
		})
	}
}

// TestAnOperationNamesTheRootCause of all that it has failed with, and the rest beside it.
func TestAnOperationNamesTheRootCause(t *testing.T) {
	t.Parallel()
	refuses := func(pattern, code string, status int) fault {
		return fault{match: at(pattern), status: status, code: code}
	}
	role := refuses(putRole, "ScopeLocked", 409)
	for name, c := range map[string]struct {
		faults []fault
		ended  diagnosis.Code
		want   []string
	}{
		"one": {[]fault{role}, "scope-locked", []string{"scope-locked"}},
		"two that are independent": {[]fault{role, refuses(patchCredential, "Authorization_RequestDenied", 403)},
			"graph-permission-missing", []string{"graph-permission-missing", "scope-locked"}},
		"a chain": {[]fault{role, refuses(postApplication, "Authorization_RequestDenied", 403)},
			"graph-permission-missing", []string{"graph-permission-missing"}},
		"what stays decides": {[]fault{role, refuses(patchCredential, "ServiceUnavailable", 503)}, "scope-locked",
			[]string{"scope-locked", "graph-unavailable"}},
		"given up": {[]fault{refuses(putRole, "ServiceUnavailable", 503)}, "attempts-exhausted",
			[]string{"arm-unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, one := range c.faults {
				f.fails(one)
			}
			_, cmd := f.submit(spec("images"))
			f.handle(cmd)
			op := view.OperationOf(f.finish(cmd))
			require.Equal(t, integration.OperationFailed, op.Status)
			assert.Equal(t, c.ended, op.Error.Code)
			assert.Equal(t, c.want, causes(op.Causes))
		})
	}
}
