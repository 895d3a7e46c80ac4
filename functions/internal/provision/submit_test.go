package provision_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func requireCode(t *testing.T, code string, err error) diagnosis.Diagnosis {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Diagnosis.Code, known.Diagnosis.Detail)
	return known.Diagnosis
}

const operationID = "0f8fad5b-d9cb-469f-a165-70867728950e"

func TestSubmitIsRepeatable(t *testing.T) {
	f := newFixture(t)
	submission := provision.Submission{ID: id, Spec: spec("images"), OperationID: operationID, IfNoneMatch: "*"}
	first, err := f.service.Submit(t.Context(), submission)
	require.NoError(t, err)
	again, err := f.service.Submit(t.Context(), submission)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	changed := submission
	changed.Spec = spec("archive")
	_, err = f.service.Submit(t.Context(), changed)
	assert.Equal(t, "Operation "+operationID+" exists already: it is of kind provision and about the integration my-service, and was started with other content.",
		requireCode(t, "operation-id-reused", err).Detail)
	_, err = f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{OperationID: operationID})
	assert.Equal(t, "Operation "+operationID+" exists already: it is of kind provision and about the integration my-service.",
		requireCode(t, "operation-id-reused", err).Detail)

	f.handle(f.command(operationID))
	done, err := f.service.Submit(t.Context(), submission)
	require.NoError(t, err)
	assert.True(t, done.Created)
	assert.Equal(t, integration.OperationSucceeded, done.Operation.Status)
}

func TestSubmitSurvivesADeadQueue(t *testing.T) {
	f := newFixture(t)
	f.deaf = message.QueueCommands
	submission := provision.Submission{ID: id, Spec: spec("images"), OperationID: operationID}
	a, err := f.service.Submit(t.Context(), submission)
	d := requireCode(t, "queue-unavailable", err)
	assert.Contains(t, d.Detail, operationID)
	assert.Equal(t, operationID, a.Operation.ID)
	f.deaf = ""
	_, err = f.service.Submit(t.Context(), submission)
	require.NoError(t, err)
	f.handle(f.command(operationID))
	f.requireStatus(operationID, integration.OperationSucceeded)
}

// TestSubmitKilledAnywhere repeats a submission whose first try died: nothing is lost and nothing is done twice.
func TestSubmitKilledAnywhere(t *testing.T) {
	killed := true
	for n := 1; killed; n++ {
		f := newFixture(t)
		submission := provision.Submission{ID: id, Spec: spec("images"), OperationID: operationID, IfNoneMatch: "*"}
		_, _ = f.service.Submit(f.dies(n), submission)
		killed = f.revive()
		a, err := f.service.Submit(t.Context(), submission)
		require.NoError(t, err, "killed at effect %d", n)
		require.True(t, a.Created)
		f.handle(f.command(operationID))
		f.requireStatus(operationID, integration.OperationSucceeded)
	}
}

func TestPreconditions(t *testing.T) {
	f := newFixture(t)
	submit := func(match, noneMatch string) error {
		_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"), IfMatch: match, IfNoneMatch: noneMatch})
		return err
	}
	detail := func(err error) string { return requireCode(t, "precondition-failed", err).Detail }
	assert.Equal(t, "If-Match does not hold: the integration does not exist.", detail(submit("*", "")))
	requireCode(t, "precondition-failed", submit(`"stale"`, ""))
	require.NoError(t, submit("", "*"))
	tag := f.document().ETag
	quoted := `"` + trimQuotes(tag) + `".`
	assert.Equal(t, "If-None-Match does not hold: the integration exists already, its ETag is "+quoted, detail(submit("", "*")))
	assert.Equal(t, "If-None-Match does not hold: the integration is still that version, its ETag is "+quoted, detail(submit("", `"x", `+tag)))
	assert.Equal(t, "If-Match does not hold: the integration is another version, its ETag is now "+quoted, detail(submit(`"stale"`, "")))
	require.NoError(t, submit(`"x", W/"`+trimQuotes(tag)+`"`, ""))
	requireCode(t, "precondition-failed", submit(tag, ""))
	for _, noneMatch := range []string{"*", f.document().ETag, `"another", "` + f.document().ETag + `"`} {
		_, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{IfNoneMatch: noneMatch})
		requireCode(t, "precondition-failed", err)
	}
	_, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{IfMatch: tag})
	requireCode(t, "precondition-failed", err)
	_, err = f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{IfMatch: f.document().ETag, IfNoneMatch: `"another"`})
	require.NoError(t, err)
}

func TestPreconditionsOnATombstone(t *testing.T) {
	f := newFixture(t)
	f.provisioned(spec("images"))
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"), IfMatch: f.document().ETag})
	requireCode(t, "precondition-failed", err)
	a, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"), IfNoneMatch: "*"})
	require.NoError(t, err)
	assert.True(t, a.Created)
}

func trimQuotes(s string) string {
	if len(s) > 1 && s[0] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func TestTeardownAndItsNeighbours(t *testing.T) {
	f := newFixture(t)
	_, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{})
	requireCode(t, "integration-not-found", err)
	require.ErrorIs(t, err, integration.ErrNotFound)
	f.provisioned(spec("images"))

	a, down := f.remove(provision.TeardownOptions{})
	_, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	requireCode(t, "deprovisioning", err)
	_, err = f.service.Plan(t.Context(), id, spec("images"))
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
	f := newFixture(t)
	s := integration.Spec{Subjects: []string{"<subject>"}, Storage: []integration.StorageAccess{{ResourceID: "acmedata"}}}
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: "Bad Id", Spec: s})
	d := requireCode(t, "invalid-spec", err)
	assert.Len(t, d.Findings, 3)
	_, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"), OperationID: "../x"})
	requireCode(t, "invalid-operation-id", err)
	assert.Empty(t, f.sent)
	records, _, err := f.store.List(t.Context(), "", "", 10)
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

func TestPlanTouchesNothing(t *testing.T) {
	f := newFixture(t)
	actions := func(s integration.Spec) []string {
		p, err := f.service.Plan(t.Context(), id, s)
		require.NoError(t, err)
		var all []string
		for _, step := range p.Steps {
			all = append(all, step.Name+" "+string(step.Action))
		}
		return all
	}
	assert.Equal(t, []string{"application create", "servicePrincipal create", "federatedCredential create", "roleAssignment create", "ddoeIntegration manual", "verify schedule"}, actions(spec("images")))
	assertReads(t, f.requests)
	f.provisioned(spec("images"))
	f.requests = nil
	changed := spec("archive")
	changed.ServiceName = "other"
	assert.Equal(t, []string{"application unchanged", "servicePrincipal unchanged", "federatedCredential create", "federatedCredential delete",
		"roleAssignment create", "roleAssignment delete", "ddoeIntegration manual", "verify schedule"}, actions(changed))
	assertReads(t, f.requests)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requests = nil
	assert.Equal(t, "application restore", actions(spec("images"))[0])
	assertReads(t, f.requests)
	_, err := f.service.Plan(t.Context(), id, integration.Spec{})
	requireCode(t, "invalid-spec", err)
}
