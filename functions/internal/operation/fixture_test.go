package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id          = operationtest.IntegrationID
	operationID = "0f8fad5b-d9cb-469f-a165-70867728950e"
)

// errNoLink is what an entity answers that cannot be reached.
var errNoLink = errors.New("no link")

// fixture is a deployment with runs that know no cloud.
type fixture struct {
	*operationtest.Deployment
	t      *testing.T
	worker *operation.Worker

	// provision, test and verify are the runs; teardown has none of its own.
	provision, test, verify operation.Run
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, Deployment: operationtest.New(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	f.provision = made
	f.test = func(context.Context, *operation.Attempt) (any, error) { return "tested", nil }
	f.verify = func(context.Context, *operation.Attempt) (any, error) { return nil, nil }
	var err error
	f.worker, err = operation.NewWorker(f.Engine, map[string]operation.Task{
		message.TypeProvision: {Kind: integration.KindProvision, Intent: f.intent,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.provision(ctx, a) }},
		message.TypeDeprovision: {Kind: integration.KindDeprovision, Intent: f.intent, Run: removed},
		message.TypeAccessTest: {Kind: integration.KindAccessTest, Intent: f.intent,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.test(ctx, a) }},
		message.TypeVerify: {Kind: integration.KindProvision, GiveUp: giveUp, LastAttempt: 2, Due: f.due,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.verify(ctx, a) }},
	})
	require.NoError(t, err)
	return f
}

// intent is the intent of a command, as its use case would have it.
func (f *fixture) intent(c message.Command) operation.Intent {
	in := operation.Intent{IntegrationID: c.IntegrationID, Command: c,
		Admit: func(*integration.Document) error { return nil }}
	exists := func(d *integration.Document) error {
		if d == nil || d.Status.Phase == integration.PhaseDeleted {
			return integration.Absent(d)
		}
		return nil
	}
	switch c.Type {
	case message.TypeProvision:
		in.Kind, in.Content = integration.KindProvision, c.Spec
		in.Apply = func(d *integration.Document) {
			d.Status.Phase, d.Status.Conditions = integration.PhasePending, nil
			if d.Generation = max(d.Generation, 1); c.Spec != nil {
				d.Spec = *c.Spec
			}
		}
		in.Prepare = func(context.Context) error {
			if c.Spec != nil && c.Spec.Issuer == "faulty" {
				return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeInvalidSpec,
					diagnosis.WithFindings(diagnosis.Finding{Pointer: "/issuer", Code: "invalid-value"}))}
			}
			return nil
		}
	case message.TypeDeprovision:
		in.Kind, in.Content, in.Admit, in.Joins = integration.KindDeprovision, c.Purge, exists, true
		in.Apply = func(d *integration.Document) { d.Status.Phase = integration.PhaseDeprovisioning }
	default:
		in.Kind, in.Content, in.Admit = integration.KindAccessTest, c.Mode, exists
	}
	return in
}

// made is a run of two hops: it writes down what it is about to do, does it, learns an id, and means that all is made.
func made(ctx context.Context, a *operation.Attempt) (any, error) {
	if err := a.Save(ctx, func(d *integration.Document) {
		d.Status.Phase = integration.PhaseProvisioning
	}); err != nil {
		return nil, err
	}
	a.Step(integration.Step{Name: "object", Target: id, Status: "done", Outcome: "created"})
	if err := a.Save(ctx, func(d *integration.Document) { d.Status.Identity.ID = "object-1" }); err != nil {
		return nil, err
	}
	err := a.Conclude(ctx, nil, func(d *integration.Document) error {
		d.Status.Phase = integration.PhaseProvisioned
		return nil
	}, operation.News{Type: message.TypeIntegrationProvisioned})
	if err != nil {
		return nil, err
	}
	next := message.Command{Type: message.TypeVerify, IntegrationID: id, OperationID: a.Command().OperationID}
	return map[string]string{"objectId": a.Document().Status.Identity.ID}, a.Send(ctx, next,
		a.Command().OperationID+"-verify-0", time.Minute)
}

func removed(ctx context.Context, a *operation.Attempt) (any, error) {
	return nil, a.Conclude(ctx, nil, func(d *integration.Document) error {
		d.Status = integration.Status{Phase: integration.PhaseDeleted, LastOperationID: d.Status.LastOperationID}
		return nil
	}, operation.News{Type: message.TypeIntegrationDeleted})
}

func giveUp(ctx context.Context, a *operation.Attempt, reason diagnosis.Diagnosis) error {
	return a.Conclude(ctx, nil, func(d *integration.Document) error {
		d.SetCondition(time.Time{}, integration.ConditionVerified, "Unknown", &reason, "")
		return nil
	})
}

// due has a follow-up's attempts a minute apart.
func (f *fixture) due(a *operation.Attempt) int {
	return int(f.Now().Sub(a.Operation().CreatedAt) / time.Minute)
}

// killedAnywhere kills a process before and after each of its effects, each time in a fixture of its own, and the last
// time not at all; then looks what came of it.
func killedAnywhere(t *testing.T, prepare func(f *fixture), doomed func(f *fixture, ctx context.Context),
	then func(f *fixture)) {
	t.Helper()
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			deaths := 0
			for n, died := 1, true; died; n++ {
				f := newFixture(t)
				prepare(f)
				doomed(f, f.Doom(t.Context(), n, after))
				died = f.IsDead()
				f.Revive()
				if died {
					deaths++
				}
				then(f)
				if t.Failed() {
					t.Fatalf("killed %s effect %d", name, n)
				}
			}
			require.Greater(t, deaths, 2, "there is something to kill")
		})
	}
}

func provisionCommand(operationID string) message.Command {
	return message.Command{Type: message.TypeProvision, IntegrationID: id, OperationID: operationID}
}

// submit submits the intent of a command.
func (f *fixture) submit(ctx context.Context, c message.Command) (operation.Accepted, error) {
	in := f.intent(c)
	in.OperationID = c.OperationID
	return f.Engine.Submit(ctx, in)
}

// submitted submits a provisioning and returns the command that was sent for it.
func (f *fixture) submitted() message.Command {
	f.t.Helper()
	a, err := f.submit(f.t.Context(), provisionCommand(""))
	require.NoError(f.t, err)
	return f.Command(a.Operation.ID)
}

func (f *fixture) handle(c message.Command) {
	f.t.Helper()
	require.NoError(f.t, f.worker.Handle(f.t.Context(), c))
}

// events are what was published, as "what happened phase".
func (f *fixture) events() []string {
	told := []string{}
	for _, s := range f.Messages(message.TopicEvents) {
		var event struct {
			ID   string
			Data message.Summary
		}
		require.NoError(f.t, json.Unmarshal(s.Body, &event))
		require.Equal(f.t, s.ID, event.ID)
		what := strings.TrimSuffix(strings.TrimPrefix(s.Subject, "ai.ddoe.wif.integration."), ".v1")
		told = append(told, what+" "+string(event.Data.Phase))
	}
	return told
}

// failing is a run that fails with a code.
func failing(code diagnosis.Code) operation.Run {
	return func(context.Context, *operation.Attempt) (any, error) {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New(code)}
	}
}

// throttled is an answer of a service that asks to wait.
type throttled struct{ retryAfter time.Duration }

func (throttled) Error() string               { return "throttled" }
func (throttled) Service() string             { return "graph" }
func (throttled) HTTPStatus() int             { return 429 }
func (throttled) ErrorCode() string           { return "TooManyRequests" }
func (throttled) ServiceRequestID() string    { return "request-1" }
func (t throttled) RetryAfter() time.Duration { return t.retryAfter }

func requireCode(t *testing.T, code diagnosis.Code, err error) diagnosis.Diagnosis {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Diagnosis.Code, known.Diagnosis.Detail)
	return known.Diagnosis
}
