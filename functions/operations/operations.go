// Package operations is the edge of GET /operations and of what is under it, and of GET /integrations/{id}/operations:
// the lists, and how far a long-running operation is.
package operations

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// The pauses that a poller is asked for: while the operation works, and at most while it waits for its next attempt. A
// caller does not have to be told of the end within seconds, and may want to see within a minute that nothing has
// changed.
const (
	workingPause = 2 * time.Second
	maxPause     = 30 * time.Second
)

// look is how often a long poll reads the operation: a read of one record.
const look = 500 * time.Millisecond

// Function is what the edge needs.
type Function struct {
	Operation func(ctx context.Context, id string) (integration.Operation, error)
	// Get returns a document, tombstones included.
	Get func(ctx context.Context, id string) (integration.Document, error)
	// List returns a page of operations, the newest first.
	List func(ctx context.Context, l operation.Listing) (operation.Page, error)
	// BaseURL is what links are built from, such as https://host/api or /api.
	BaseURL string
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

type input struct {
	ID   string `path:"id" doc:"Operation id" example:"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"`
	Wait string `query:"wait" pattern:"^([1-9]|[12][0-9]|30)s$" example:"20s"`
}

// LongTags are the ends of tags that are too long for a line.
func (input) LongTags() map[string]string {
	return map[string]string{
		"Wait": `patternDescription:"1s to 30s" doc:"How long to hold the answer back, 1s to 30s, while ` +
			`the operation ` +
			`has not ended: a long poll in place of many"`,
	}
}

// wait is how long the answer is held back.
func (in input) wait() time.Duration {
	d, _ := time.ParseDuration(in.Wait) // the schema has looked at it
	return d
}

type output struct {
	RetryAfter string `header:"Retry-After"`
	Body       view.Operation
}

// LongTags are the ends of tags that are too long for a line.
func (output) LongTags() map[string]string {
	return map[string]string{
		"RetryAfter": `doc:"Seconds to wait before asking again: 2, or the time to the next attempt, 1 to 30, ` +
			`while the operation waits for one; absent when it has ended"`,
	}
}

// Register adds the operations to the API.
func (f Function) Register(api huma.API) {
	f.registerList(api)
	problem.Register(api, huma.Operation{
		OperationID: "getOperation", Method: http.MethodGet, Path: "/operations/{id}", Tags: []string{"operations"},
		Summary: "How far an operation is",
		Description: "Poll the link of Operation-Location until the status is Succeeded, Failed or Canceled. " +
			"wait=20s answers when that is so, or after 20 seconds. A " +
			"failed operation says why in error. " +
			"An attempt that fails for what may pass is made again after 10, 20, 40, 80, 160 and then 300 seconds " +
			"(after up to 300 where a service asks for more); meanwhile, and until that attempt has come to " +
			"something, waiting says what it failed with. It also says what a request that is repeated within an " +
			"attempt has failed with. " +
			"When the tenth repetition has failed, some half an hour later, the operation fails with " +
			"attempts-exhausted.",
	}, []int{http.StatusNotFound, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.OperationPath(in.ID); err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(in.ID)
	op, err := f.ended(ctx, in.ID, in.wait())
	if errors.Is(err, integration.ErrNotFound) {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeOperationNotFound), Err: err}
	}
	if err != nil {
		return nil, operation.StoreError(err)
	}
	invocation.From(ctx).SetIntegration(op.IntegrationID)
	out := &output{Body: view.OperationOf(op)}
	if !op.Status.IsFinal() {
		out.RetryAfter = strconv.Itoa(int(f.pause(op).Seconds()))
	}
	return out, nil
}

// ended reads an operation until it has ended, or for as long as limit allows. It reads once where limit is zero.
func (f Function) ended(ctx context.Context, id string, limit time.Duration) (integration.Operation, error) {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		isOver := waiting.Err() != nil // one last look
		op, err := f.Operation(ctx, id)
		if err != nil || op.Status.IsFinal() || isOver {
			return op, err
		}
		select {
		case <-time.After(look):
		case <-waiting.Done():
		}
	}
}

// pause is how long a poller is asked to wait, in whole seconds. An operation whose next attempt is due is at work.
func (f Function) pause(op integration.Operation) time.Duration {
	if op.Waiting == nil {
		return workingPause
	}
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	wait := op.Waiting.NextAttemptAt.Sub(now())
	if wait <= 0 {
		return workingPause
	}
	wait += time.Second - 1 // rounded up
	return min(wait.Truncate(time.Second), maxPause)
}
