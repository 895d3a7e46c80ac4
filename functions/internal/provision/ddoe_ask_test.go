package provision_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// TestPatienceIsCountedFromTheLastWrite: attempts that were spent on something else are none in which what was written
// could have spread.
func TestPatienceIsCountedFromTheLastWrite(t *testing.T) {
	for name, c := range map[string]struct {
		throttled int // attempts that end before anything is written
		failing   int // tests of the storage that fail after that
		status    integration.OperationStatus
	}{
		"passes in time":             {0, 12, integration.OperationSucceeded},
		"passes in time, begun late": {6, 12, integration.OperationSucceeded},
		"never passes":               {0, 1000, integration.OperationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			if c.throttled > 0 {
				f.fails(fault{match: regexp.MustCompile(`graph\.microsoft\.com`), status: 429, times: c.throttled})
			}
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: 400, times: c.failing})
			_, cmd := f.submit(wired())
			began := f.now()
			f.handle(cmd)
			f.settle(cmd)
			op := f.requireStatus(cmd.OperationID, c.status)
			if c.status == integration.OperationFailed {
				assert.Equal(t, diagnosis.CodeDDOEDriverTestFailed, op.Error.Code)
				assert.GreaterOrEqual(t, f.now().Sub(began), 10*time.Minute)
			}
		})
	}
}

// TestPatienceIsCountedFromTheEndOfAWrite: what took its time has had none to spread when it began.
func TestPatienceIsCountedFromTheEndOfAWrite(t *testing.T) {
	const took, spreads = 9 * time.Minute, 5 * time.Minute
	f := withPlatform(t)
	var written time.Time
	azure, gateway := f.hosts["management.azure.com"], f.hosts[platform.GateHost]
	f.hosts["management.azure.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && written.IsZero() {
			f.advance(took)
			written = f.now()
		}
		azure.ServeHTTP(w, r)
	})
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/drivers/test") && f.now().Sub(written) < spreads {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		gateway.ServeHTTP(w, r)
	})
	f.carried(wired())
	assert.GreaterOrEqual(t, f.now().Sub(written), spreads)
	assert.Less(t, f.now().Sub(written), 10*time.Minute)
}

// TestARoleIsBelievedOnlyWhenItWasTriedAgain: an invocation whose time is up has not.
func TestARoleIsBelievedOnlyWhenItWasTriedAgain(t *testing.T) {
	for _, status := range []int{401, 403} {
		f := withPlatform(t)
		f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: status, times: 1})
		_, cmd := f.submit(wired())
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // too short for a pause
		assert.NoError(t, f.worker.Handle(ctx, cmd))
		cancel()
		f.requireStatus(cmd.OperationID, integration.OperationRunning)
		assert.Equal(t, integration.OperationSucceeded, f.settle(cmd).Status)
	}
}
