package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// answered is the error of a client that a service has answered.
type answered struct {
	service string
	status  int
	code    string
	details []string
	wait    time.Duration
	inBatch bool
}

func (a *answered) IsPart() bool               { return a.inBatch }
func (a *answered) Error() string              { return fmt.Sprintf("%s: %d %s", a.service, a.status, a.code) }
func (a *answered) Service() string            { return a.service }
func (a *answered) HTTPStatus() int            { return a.status }
func (a *answered) ErrorCode() string          { return a.code }
func (a *answered) ServiceRequestID() string   { return "" }
func (a *answered) RetryAfter() time.Duration  { return a.wait }
func (a *answered) ErrorDetailCodes() []string { return a.details }

// example is an answer that a row is about.
func (r row) example() (Operation, *answered) {
	a := &answered{service: r.service, status: http.StatusTeapot, code: r.code, inBatch: r.inBatch}
	if a.service == "" {
		a.service = serviceGraph
	}
	if len(r.statuses) > 0 {
		a.status = r.statuses[0].to
	}
	op := Operation("any")
	if len(r.operations) > 0 {
		op = r.operations[0]
	}
	return op, a
}

func (r row) String() string {
	op, a := r.example()
	return fmt.Sprintf("%s %s", op, a)
}

// TestTheSDKsAnswer is one of Storage: its errors are asked for as the SDK has them.
func TestTheSDKsAnswer(t *testing.T) {
	t.Parallel()
	for action, err := range map[Action]error{
		Answers: &azcore.ResponseError{StatusCode: 401},
		GiveUp:  &azcore.ResponseError{StatusCode: 403, ErrorCode: "AuthorizationFailure"},
	} {
		assert.Equal(t, action, Decide(StorageKnock, fmt.Errorf("wrapped: %w", err)).Action)
	}
	assert.Equal(t, Answers, Decide(StorageKnock, &azcore.ResponseError{StatusCode: 409,
		ErrorCode: "PublicAccessNotPermitted"}).Action)
	assert.Equal(t, RetryLater, Decide(StorageKnock, errors.New("reset")).Action)
}

// TestADeleteOfNothing is no failure, together with others or alone.
func TestADeleteOfNothing(t *testing.T) {
	t.Parallel()
	gone := &answered{service: serviceARM, status: 404, code: "ResourceNotFound"}
	for _, op := range deletes() {
		var b bench
		errs := b.requests().DoBatch(t.Context(), op, make([]diagnosis.Context, 2),
			func(_ context.Context, which []int) []error {
				b.sent++
				return slices.Repeat([]error{gone}, len(which))
			})
		assert.Equal(t, []error{nil, nil}, errs, op)
		assert.Equal(t, 1, b.sent, op)
	}
	var b bench
	require.Error(t, b.requests().Do(t.Context(), RoleGet, diagnosis.Context{},
		func(context.Context) error { return gone }), "a read has missed what it is to read")
}

// TestEachRow: an answer gets the decision of the row that is about it, so that no row hides behind another.
func TestEachRow(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, rows())
	for _, r := range rows() {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			op, err := r.example()
			assert.Equal(t, r.Decision, Decide(op, fmt.Errorf("wrapped: %w", err)))
			assert.Regexp(t, `^(rule \d|provisioning\.md s\.\d|ddoe\.md|managed-identity\.md|`+
				`https://(learn\.microsoft\.com|github\.com|www\.rfc-editor\.org)/)`, r.source,
				"where the rule comes from")
			if r.Action == RetryHere {
				assert.True(t, (r.Budget > 0) != (r.Attempts > 0), "a budget, or a number of attempts")
			} else {
				assert.Zero(t, r.Budget+time.Duration(r.Attempts))
			}
			for _, one := range r.operations {
				assert.Equal(t, r.Decision, Decide(one, err))
			}
			for _, s := range r.statuses {
				for _, status := range []int{s.from, s.to} {
					other := *err
					other.status = status
					assert.Equal(t, r.Decision, Decide(op, &other), status)
				}
			}
		})
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection reset")
	for name, c := range map[string]struct {
		op   Operation
		err  error
		want Action
	}{
		"a keyed write whose answer was lost": {RolePut, lost, RetryLater},
		"a create whose answer was lost":      {DriverCreate, lost, InDoubt},
		"a probe that may have been written":  {ProbeWrite, lost, InDoubt},
		"a probe that may have been deleted":  {ProbeDelete, lost, RetryHere},
		"a create that ended in a fault": {PlatformIntegrationCreate,
			&answered{service: serviceDDOE, status: 502}, InDoubt},
		"a create that took too long": {PlatformIntegrationCreate,
			&answered{service: serviceDDOE, status: 408}, InDoubt},
		"a create that was redirected": {DriverCreate,
			&answered{service: serviceDDOE, status: 302}, InDoubt},
		"a throttled create made nothing": {PlatformIntegrationCreate,
			&answered{service: serviceDDOE, status: 429}, RetryHere},
		"a refused create made nothing":          {DriverCreate, &answered{service: serviceDDOE, status: 422}, GiveUp},
		"an unauthorised create is not repeated": {DriverCreate, &answered{service: serviceDDOE, status: 401}, GiveUp},
		"a detail code counts": {PrincipalUpsert, &answered{service: serviceGraph, status: 400,
			details: []string{"NoBackingApplicationObject"}}, RetryHere},
		"another service's code does not": {PrincipalUpsert, &answered{service: serviceARM, status: 400,
			code: "NoBackingApplicationObject"}, GiveUp},
		"a revocation that meets 412": {CredentialDelete, &answered{service: serviceGraph, status: 412},
			RetryHere},
		"a refusal that nobody knows": {RoleDelete, &answered{service: serviceARM, status: 418}, GiveUp},
		"a fault that nobody knows":   {RoleDelete, &answered{service: serviceARM, status: 599}, RetryLater},
	} {
		assert.Equal(t, c.want, Decide(c.op, c.err).Action, name)
	}
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	refusal := &answered{service: serviceDDOE, status: 400}
	for name, c := range map[string]struct {
		op   Operation
		err  error
		want Action
	}{
		"a lost create": {DriverCreate, errors.New("reset"), RetryLater},
		"a name that is said to be taken": {PlatformIntegrationCreate, &answered{service: serviceDDOE, status: 409},
			GiveUp},
		"a refusal that may have been the name": {PlatformIntegrationCreate, refusal, GiveUp},
		"a create that ended in a web page": {PlatformIntegrationCreate, &answered{service: serviceDDOE, status: 200,
			code: codeAnswerInvalid}, GiveUp},
		"what is no matter of looking": {PlatformIntegrationDelete, refusal, GiveUp},
	} {
		f := Fail(c.op, diagnosis.Context{Scope: "scope"}, c.err)
		absent := Absent(fmt.Errorf("wrapped: %w", f))
		assert.Equal(t, c.want, ActionOf(absent), name)
		require.ErrorIs(t, absent, c.err, name)
	}
	other := errors.New("other")
	assert.Equal(t, other, Absent(other))
	assert.Empty(t, ActionOf(other))
}

func TestIsRefusal(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{200: false, 302: false, 400: true, 401: true, 408: false, 409: true,
		429: true, 500: false, 503: false} {
		assert.Equal(t, want, IsRefusal(&answered{service: serviceDDOE, status: status}), status)
	}
	assert.False(t, IsRefusal(errors.New("reset")))
	assert.False(t, IsRefusal(nil))
}

func TestIsFinal(t *testing.T) {
	t.Parallel()
	for action, want := range map[Action]bool{GiveUp: true, Exists: true, RetryHere: false, RetryLater: false,
		InDoubt: false} {
		f := &Failure{Decision: Decision{Action: action}, Err: &diagnosis.Error{Diagnosis: diagnosis.New("internal")}}
		assert.Equal(t, want, IsFinal(fmt.Errorf("wrapped: %w", f)), action)
	}
	assert.False(t, IsFinal(errors.New("anything else")))
	assert.False(t, IsFinal(nil))
}

// TestIsFinalByCodeAlone: what a code is answered with, and whether its words call it transient, decides nothing. The
// code of a create that has to come to light keeps a command waiting whatever status it has.
func TestIsFinalByCodeAlone(t *testing.T) {
	t.Parallel()
	for _, entry := range diagnosis.Entries() {
		want := !slices.Contains(passing(), entry.Code)
		for _, transient := range []bool{false, true} {
			d := diagnosis.New(entry.Code)
			d.Transient = transient
			d.Evidence = &diagnosis.Evidence{HTTPStatus: http.StatusConflict}
			assert.Equal(t, want, IsFinal(&diagnosis.Error{Diagnosis: d}), entry.Code)
		}
	}
	assert.False(t, IsFinal(&diagnosis.Error{Diagnosis: diagnosis.New("ddoe-create-unsettled")}))
	assert.True(t, IsFinal(&diagnosis.Error{Diagnosis: diagnosis.New("ddoe-integration-name-taken")}))
	assert.True(t, IsFinal(&diagnosis.Error{Diagnosis: diagnosis.New("conflict")}))
}

// TestPassingCodesAreMarkedTransient: the catalogue tells people what the table decides.
func TestPassingCodesAreMarkedTransient(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, passing())
	for _, code := range passing() {
		entry, known := diagnosis.Lookup(code)
		require.True(t, known, code)
		ours := slices.Contains([]diagnosis.Code{diagnosis.CodeInternal, diagnosis.CodeUnrecognised}, code)
		assert.True(t, entry.Transient || ours, "%s is tried again, and its words should say that it may pass", code)
	}
}
