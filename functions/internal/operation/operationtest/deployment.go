// Package operationtest is what the tests of the engine and of all that runs on it stand on: an engine over an
// in-memory store and a bus that keeps its messages, with a clock that only the test moves, in a process that can be
// killed at each of its effects.
package operationtest

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

const (
	// IntegrationID is the integration that tests are about.
	IntegrationID = "my-service"
	// Source is where the deployment's events come from.
	Source = "/ddoe-wif/0123abcd"
	// Retention is how long the deployment keeps operations that have ended.
	Retention = 2160 * time.Hour
)

// TB is what a deployment needs of a test, or of one try of a property.
type TB interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// Deployment is an engine with all that it stands on.
type Deployment struct {
	*Clock
	*Process
	*Bus
	// Store is what the engine reaches.
	Store      *Store
	Repository *integration.Repository
	Engine     *operation.Engine
	// Log is what the engine has logged, a line of JSON each.
	Log *bytes.Buffer

	t TB
}

// New returns a deployment whose clock stands at a time.
func New(t TB, at time.Time) *Deployment {
	t.Helper()
	d := &Deployment{t: t, Clock: NewClock(at), Process: &Process{}, Log: &bytes.Buffer{}}
	d.Bus, d.Store = NewBus(d.Process), NewStore(d.Process, storetest.NewMemory())
	d.Repository = &integration.Repository{Store: d.Store, Now: d.Now}
	var err error
	d.Engine, err = operation.New(operation.Options{Repository: d.Repository, Send: d.Send, Now: d.Now, Source: Source,
		Retention: Retention,
		Producers: caller.Queue("", caller.RoleAdmin),
		Log:       slog.New(slog.NewJSONHandler(d.Log, nil))})
	require.NoError(t, err)
	return d
}

// Document is the integration's document.
func (d *Deployment) Document() integration.Document {
	d.t.Helper()
	document, err := d.Repository.Get(d.t.Context(), IntegrationID)
	require.NoError(d.t, err)
	return document
}

// Operation is the record of an operation.
func (d *Deployment) Operation(id string) integration.Operation {
	d.t.Helper()
	o, err := d.Repository.GetOperation(d.t.Context(), id)
	require.NoError(d.t, err)
	return o
}

// RequireStatus is the record of an operation, whose status must be the one wanted.
func (d *Deployment) RequireStatus(id string, want integration.OperationStatus) integration.Operation {
	d.t.Helper()
	o := d.Operation(id)
	require.Equal(d.t, want, o.Status, "%+v", o.Error)
	return o
}

// Message is the message on the queue of commands that has that id, or that one and what ends the ids of copies.
func (d *Deployment) Message(id string) bus.Message {
	d.t.Helper()
	commands := d.Messages(message.QueueCommands)
	i := slices.IndexFunc(commands, func(m bus.Message) bool {
		return m.ID == id || strings.HasPrefix(m.ID, id+"-") && len(m.ID) == len(id)+len("-0123456789abcdef")
	})
	require.GreaterOrEqual(d.t, i, 0, "no message %s", id)
	return commands[i]
}

// Delivery is the message of that id on the queue of commands, as the trigger delivers it.
func (d *Deployment) Delivery(id string) message.Delivery {
	d.t.Helper()
	m := d.Message(id)
	return message.Delivery{Body: m.Body, MessageID: m.ID, SessionID: m.SessionID}
}

// Command is the command in the message of that id.
func (d *Deployment) Command(id string) message.Command {
	d.t.Helper()
	c, err := message.ParseCommand(d.Delivery(id))
	require.NoError(d.t, err)
	return c
}

// Await moves the clock on to when a message is delivered, and returns its command.
func (d *Deployment) Await(id string) message.Command {
	d.t.Helper()
	if at := d.Message(id).EnqueueAt; at.After(d.Now()) {
		d.SetTime(at)
	}
	return d.Command(id)
}

// Keys are those of the stored records below a prefix, at most 1,000.
func (d *Deployment) Keys(prefix string) []string {
	d.t.Helper()
	records, next, err := d.Store.Records.List(d.t.Context(), prefix, "", 1000)
	require.NoError(d.t, err)
	require.Empty(d.t, next)
	keys := []string{}
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

// Overwrite replaces a record by hand, and returns what it was.
func (d *Deployment) Overwrite(key, body string) integration.Record {
	d.t.Helper()
	was, err := d.Store.Records.Get(d.t.Context(), key)
	require.NoError(d.t, err)
	_, err = d.Store.Records.Put(d.t.Context(), key, []byte(body), was.ETag)
	require.NoError(d.t, err)
	return was
}
