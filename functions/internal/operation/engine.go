// Package operation is the engine of operations on integrations: it writes an intent down, sends its command, makes
// attempts at it, parks it where it has to wait, and ends it, each so that a crash between any two effects costs
// nothing and a repetition changes nothing. What a change of a record has to tell is written with the change, and
// told afterwards. It knows no cloud: what an operation does is a Run of others.
package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

var (
	// ErrSuperseded ends an attempt at an operation that is no longer the integration's last.
	ErrSuperseded = errors.New("a newer operation took over")
	// ErrDone ends an attempt whose work is done already, or a change that has nothing to write.
	ErrDone = errors.New("already done")
)

// Options are what the engine works with.
type Options struct {
	Repository *integration.Repository
	// Send puts a message on a queue or topic.
	Send func(ctx context.Context, entity string, m bus.Message) error
	// Now is the clock.
	Now func() time.Time
	// Source is the CloudEvents source of this deployment.
	Source string
	// Retention is how long an operation that has ended is kept.
	Retention time.Duration
	// Producers is the caller of commands that come straight from a producer.
	Producers caller.Caller
	// Log gets what an operator may want to see beside the invocation's line. Optional.
	Log *slog.Logger
}

// Engine takes intents in and tells of changes. Worker carries out what it has sent.
type Engine struct {
	// History lists what the engine has taken in.
	History    *History
	repository *integration.Repository
	put        func(ctx context.Context, entity string, m bus.Message) error
	clock      func() time.Time
	source     string
	producers  caller.Caller
	log        *slog.Logger
}

// New returns the engine; its error names what is missing in the options.
func New(o Options) (*Engine, error) {
	if o.Repository == nil || o.Send == nil || o.Now == nil || o.Source == "" || o.Retention <= 0 ||
		o.Producers.ID == "" {
		return nil, errors.New("operation: repository, send, clock, source, retention and producers are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{repository: o.Repository, put: o.Send, clock: o.Now, source: o.Source, log: o.Log,
		producers: o.Producers}
	e.History = &History{repository: o.Repository, now: e.now, retention: o.Retention}
	return e, nil
}

func (e *Engine) now() time.Time { return e.clock().UTC() }

// Send puts a command on the queue, to be delivered at a time; the zero time is at once. messageID is its identity for
// duplicate detection.
func (e *Engine) Send(ctx context.Context, c message.Command, messageID string, at time.Time) error {
	c.ID = messageID
	body, err := c.Encode(e.source, e.now())
	if err != nil {
		return err
	}
	m := bus.Message{ID: messageID, SessionID: c.IntegrationID, Subject: c.Type, Body: body, EnqueueAt: at}
	if err := e.put(ctx, message.QueueCommands, m); err != nil {
		return fmt.Errorf("send %s: %w", c.Type, QueueError(err))
	}
	return nil
}

// QueueError gives an error of the queue its words: those that are there already, as of a right that the app lacks, or
// that it takes nothing.
func QueueError(err error) *diagnosis.Error {
	var known *diagnosis.Error
	if errors.As(err, &known) {
		return known
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeQueueUnavailable), Err: err}
}

// StoreError gives an error of the store its words: it is an outage, or an account that does not know our requests.
// What others decide by stays as it is: absence, that whoever asks has no time left or has gone, and words that are
// there already.
func StoreError(err error) error {
	if err == nil || errors.Is(err, integration.ErrNotFound) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSuperseded) || errors.Is(err, ErrDone) {
		return err
	}
	var known *diagnosis.Error
	if errors.As(err, &known) {
		return err
	}
	return &diagnosis.Error{Diagnosis: classify.Error(err, diagnosis.Context{Operation: policy.StorePut}), Err: err}
}

// Words are those of an error for the log: with its cause, which a diagnosis keeps from who has asked, and without
// what looks like a secret.
func Words(err error) string {
	text := err.Error()
	var known *diagnosis.Error
	if errors.As(err, &known) && known.Err != nil {
		text += ": " + known.Err.Error()
	}
	return redact.Text(text)
}

// refuse makes the error of a request that is not carried out.
func refuse(code diagnosis.Code, opts ...diagnosis.Option) *diagnosis.Error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
}
