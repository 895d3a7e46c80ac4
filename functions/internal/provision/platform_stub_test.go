package provision_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

type gateCounts [2]int

func withPlatform(t *testing.T) *fixture      { return newFixture(t) }
func wired() integration.Spec                 { return spec("images") }
func (f *fixture) quirk(string, world.Object) {}
func (f *fixture) onGate() gateCounts         { return gateCounts{1, 1} }
func otherMap(*fixture)                       {}
func checkOf(t *testing.T, r diagnosis.Report, id string) diagnosis.Check {
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	require.Fail(t, "no check", id)
	return diagnosis.Check{}
}

var _ = http.StatusOK

// settle carries out the parked copies of a command, in the order of their attempts.
func (f *fixture) settle(c message.Command) integration.Operation {
	f.t.Helper()
	for n := 1; !f.operation(c.OperationID).Status.Final(); n++ {
		require.Less(f.t, n, 12, "it is parked for ever")
		f.advance(time.Minute)
		f.handle(f.command(fmt.Sprintf("%s-retry-%d", c.OperationID, n)))
	}
	return f.operation(c.OperationID)
}

// completed carries out a command, parked copies included, that has to succeed.
func (f *fixture) completed(c message.Command) {
	f.t.Helper()
	f.handle(c)
	f.settle(c)
	f.requireStatus(c.OperationID, integration.OperationSucceeded)
}

// carried submits a spec and carries it out, parked copies included.
func (f *fixture) carried(s integration.Spec) integration.Document {
	f.t.Helper()
	_, c := f.submit(s)
	f.completed(c)
	return f.document()
}
