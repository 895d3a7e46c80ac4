package provision_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func requireCode(t *testing.T, code diagnosis.Code, err error) diagnosis.Diagnosis {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Diagnosis.Code, known.Diagnosis.Detail)
	return known.Diagnosis
}

const operationID = "0f8fad5b-d9cb-469f-a165-70867728950e"

func TestTeardownAndItsNeighbours(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{})
	requireCode(t, "integration-not-found", err)
	require.ErrorIs(t, err, integration.ErrNotFound)
	f.provisioned(spec("images"))

	a, down := f.remove(provision.TeardownOptions{})
	_, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	requireCode(t, "deprovisioning", err)
	_, err = f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	requireCode(t, "deprovisioning", err)
	same, _ := f.remove(provision.TeardownOptions{})
	assert.Equal(t, a.Operation.ID, same.Operation.ID, "a second DELETE answers the first one's operation")
	f.handle(down)
	f.handle(down)
	_, err = f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{})
	requireCode(t, "integration-deleted", err)
	repeated, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{OperationID: a.Operation.ID})
	require.NoError(t, err)
	assert.Equal(t, integration.OperationSucceeded, repeated.Operation.Status)
	assert.Equal(t, []string{"provisioned", "deleted"}, f.events())
}

func TestSubmitReportsEveryFault(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := integration.Spec{Subjects: []string{"<subject>"},
		Storage: []integration.StorageAccess{{ResourceID: "acmedata"}}}
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: "Bad Id", Spec: s})
	d := requireCode(t, "invalid-spec", err)
	assert.Len(t, d.Findings, 3)
	_, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"), OperationID: "../x"})
	requireCode(t, "invalid-operation-id", err)
	assert.Empty(t, f.Sent())
	records, _, err := f.Store.Records.List(t.Context(), "", "", 10)
	require.NoError(t, err)
	assert.Empty(t, records, "nothing was written")
}

// assertReads checks that there were requests, and that all of them were reads.
func assertReads(t *testing.T, requests []string) {
	t.Helper()
	assert.NotEmpty(t, requests)
	for _, request := range requests {
		assert.True(t, strings.HasPrefix(request, "GET "), request)
	}
}

// TestPlanTellsOfAnAccountThatIsNotThere: it is looked for although nothing was made yet.
func TestPlanTellsOfAnAccountThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images")
	s.Storage[0].ResourceID = strings.TrimSuffix(s.Storage[0].ResourceID,
		path.Base(s.Storage[0].ResourceID)) + "nosuch"
	plan, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
	require.NoError(t, err)
	i := slices.IndexFunc(plan.Steps, func(step provision.PlannedStep) bool { return step.Name == "roleAssignment" })
	require.GreaterOrEqual(t, i, 0, "%+v", plan.Steps)
	assert.Equal(t, provision.ActionBlocked, plan.Steps[i].Action, "it cannot be made")
	require.NotNil(t, plan.Steps[i].Diagnosis)
	assert.Equal(t, diagnosis.CodeStorageAccountNotFound, plan.Steps[i].Diagnosis.Code)
	assert.Equal(t, counts{}, f.counts())
}

// TestAPlanIsRefusedAsItsSubmissionWouldBe, where the version of the spec is another one than who asks has seen.
func TestAPlanIsRefusedAsItsSubmissionWouldBe(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ask := func(ifMatch, ifNoneMatch string) (planned, submitted error) {
		in := provision.Submission{ID: id, Spec: spec("images"), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch}
		_, planned = f.service.Plan(t.Context(), in)
		_, submitted = f.service.Submit(t.Context(), in)
		return planned, submitted
	}
	planned, submitted := ask(`"any"`, "")
	requireCode(t, diagnosis.CodePreconditionFailed, planned)
	requireCode(t, diagnosis.CodePreconditionFailed, submitted)
	planned, submitted = ask("", "*")
	require.NoError(t, errors.Join(planned, submitted), "there is none yet")
	f.handle(f.Command(f.Document().Status.LastOperationID))
	version := integration.SpecVersion(f.Document())
	for _, c := range []struct {
		ifMatch, ifNoneMatch string
		isFine               bool
	}{{`"stale"`, "", false}, {"", "*", false}, {"", version, false}, {version, "", true}, {"*", "", true},
		{"", `"stale"`, true}} {
		planned, submitted := ask(c.ifMatch, c.ifNoneMatch)
		if c.isFine {
			require.NoError(t, errors.Join(planned, submitted), c)
			continue
		}
		requireCode(t, diagnosis.CodePreconditionFailed, planned)
		assert.Equal(t, submitted.Error(), planned.Error(), c)
	}
}

func TestPlanTouchesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	actions := func(s integration.Spec) []string {
		p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
		require.NoError(t, err)
		var all []string
		for _, step := range p.Steps {
			all = append(all, step.Name+" "+string(step.Action))
		}
		return all
	}
	assert.Equal(t, []string{"application create", "servicePrincipal create", "federatedCredential create",
		"roleAssignment create", "ddoeIntegration manual", "verify schedule"}, actions(spec("images")))
	assertReads(t, f.requests)
	f.provisioned(spec("images"))
	f.requests = nil
	changed := spec("archive")
	changed.ServiceName = "other"
	assert.Equal(t, []string{"application unchanged", "servicePrincipal unchanged", "federatedCredential create",
		"federatedCredential delete",
		"roleAssignment create", "roleAssignment delete", "ddoeIntegration manual", "verify schedule"},
		actions(changed))
	assertReads(t, f.requests)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requests = nil
	assert.Equal(t, "application restore", actions(spec("images"))[0])
	assertReads(t, f.requests)
	_, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: integration.Spec{}})
	requireCode(t, "invalid-spec", err)
}
