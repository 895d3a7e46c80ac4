package provision_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestPlatformLastingFaultEndsAtOnce: where a test of our own finds what no waiting mends, the operation ends in its first
// invocation with that, whatever status the platform has for it.
func TestPlatformLastingFaultEndsAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		breaks, mends func(*fixture)
		code          diagnosis.Code
	}{
		"container missing": {
			func(f *fixture) { require.NoError(f.t, f.world.DeleteContainer(world.DataAccount, "images")) },
			func(f *fixture) {
				_, err := f.world.CreateContainer(world.DataAccount, "images")
				require.NoError(f.t, err)
			}, "container-not-found"},
		"firewall": {func(f *fixture) { f.closed(true) }, func(f *fixture) { f.closed(false) }, "network-rules-blocked"},
	} {
		for _, status := range []string{"400", "403", "404", "500", "503"} {
			t.Run(name+", as "+status, func(t *testing.T) {
				f := withPlatform(t)
				if status != "400" {
					f.quirk(platform.QuirkDriverTest, world.Object{"value": status})
				}
				c.breaks(f)
				began := f.now()
				_, cmd := f.submit(wired())
				f.handle(cmd)
				op := f.requireStatus(cmd.OperationID, integration.OperationFailed)
				assert.Less(t, f.now().Sub(began), time.Minute)
				assert.Equal(t, c.code, op.Error.Code)
				assert.False(t, op.Error.Transient)
				assert.Contains(t, op.Error.Detail, "The platform says: Failed to connect to storage")
				assert.Equal(t, "storage", op.Error.Evidence.Service)
				assert.Equal(t, diagnosis.WhoStorageAdmin, op.Error.Remedy.Who)
				assert.Contains(t, op.Error.Remedy.Command, "az storage ")
				assert.Equal(t, "Then PUT the spec again.", op.Error.Remedy.Steps[len(op.Error.Remedy.Steps)-1])
				assert.Contains(t, f.steps(cmd.OperationID), "ddoeDriver-test "+string(c.code))
				assert.Equal(t, c.code, f.condition("Provisioned").Reason)
				assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "no driver that does not work")

				c.mends(f)
				blobs, err := f.world.Blobs(world.DataAccount, "images", ".ddoe-wif-probe/")
				require.NoError(t, err)
				assert.Empty(t, blobs, "the test has written nothing")
				f.carried(wired())
				f.onlyDriver()
			})
		}
	}
}

// TestPlatformLateRoleIsWaitedFor: a role that has not arrived is a matter of time also where the platform answers as if a
// role of its own was missing; one that never arrives is named when its time has run out.
func TestPlatformLateRoleIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"400", "401", "403", "500"} {
		for name, arrives := range map[string]time.Duration{"late": 3 * time.Minute, "never": 24 * time.Hour} {
			if name == "never" && (status == "401" || status == "500") {
				continue // as 403 and 400
			}
			t.Run(status+", "+name, func(t *testing.T) {
				f := withPlatform(t)
				if status != "400" {
					f.quirk(platform.QuirkDriverTest, world.Object{"value": status})
				}
				f.world.SetTiming(world.Timing{RBACMS: int(arrives.Milliseconds())})
				began := f.now()
				_, cmd := f.submit(wired())
				f.handle(cmd)
				op := f.requireStatus(cmd.OperationID, integration.OperationRunning)
				require.NotNil(t, op.Waiting)
				assert.Contains(t, op.Waiting.Diagnosis.Detail, "The platform says: Failed to connect to storage")
				assert.Contains(t, op.Waiting.Diagnosis.Detail, "(role-missing)")
				if name == "late" {
					assert.Equal(t, integration.OperationSucceeded, f.settle(cmd).Status)
					f.onlyDriver()
					return
				}
				op = f.settle(cmd)
				assert.Equal(t, diagnosis.CodeRoleMissing, op.Error.Code)
				assert.GreaterOrEqual(t, f.now().Sub(began), 10*time.Minute)
			})
		}
	}
}

// TestPlatformWaitingTellsBoth: what the platform said, and what a test of our own has found, or why there was none.
func TestPlatformWaitingTellsBoth(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture)
		says   string
	}{
		"it works": {func(*fixture) {}, " This service tested the same access as the federated identity, and it works."},
		"it works, with a warning": {func(f *fixture) {
			f.account(func(a *world.StorageAccount) { a.Containers[0].Immutable = true })
		}, ", and it works, but: The container is immutable (immutable-container)."},
		"no token": {func(f *fixture) {
			f.service.TokenSource = func(context.Context, string, string) (secret.Value, error) { return secret.Value{}, errors.New("no") }
		}, " This service could not test the same access: "},
		"a token that is not the platform's proves nothing": {func(f *fixture) {
			f.service.TokenSource = func(context.Context, string, string) (secret.Value, error) {
				token, err := f.issuer.Mint(platform.TokenRequest{Subject: "somebody", Audience: "api://AzureADTokenExchange"})
				return secret.New(token), err
			}
		}, "(token-subject-mismatch)."},
		"a fault on this service's way may not be the platform's": {func(f *fixture) {
			f.storageAnswers(`.`, http.StatusUnauthorized, "InvalidAuthenticationInfo")
		}, "(storage-token-refused)."},
		"a matter of time, beside what is not recognised": {func(f *fixture) {
			f.world.SetTiming(world.Timing{RBACMS: 180_000})
			f.storageAnswers(`^PUT`, http.StatusConflict, "SomethingNew")
		}, "(role-missing)."},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			c.change(f)
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: 400})
			_, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(cmd.OperationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, diagnosis.CodeDDOEDriverTestFailed, op.Waiting.Diagnosis.Code)
			assert.Contains(t, op.Waiting.Diagnosis.Detail, c.says)
			assert.Zero(t, f.sentTo(0, `PUT acmedata.*/\.ddoe-wif-probe/.*-[0-9a-f]{32}$`), "it writes nothing")
		})
	}
}

// storageAnswers has the storage account answer requests that match "METHOD path" with a status and a code.
func (f *fixture) storageAnswers(request string, status int, code string) {
	const host = "acmedata.blob.core.windows.net"
	next, pattern := f.hosts[host], regexp.MustCompile(request)
	f.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pattern.MatchString(r.Method + " " + r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Ms-Error-Code", code)
		w.WriteHeader(status)
	})
}

// TestPlatformPatienceEndsWhateverMayPass: the clocks of Azure bound also what may pass by itself at any time.
func TestPlatformPatienceEndsWhateverMayPass(t *testing.T) {
	f := withPlatform(t)
	f.storageAnswers(`.`, http.StatusConflict, "ContainerBeingDeleted")
	began := f.now()
	op := f.refused(wired())
	assert.Equal(t, diagnosis.CodeDDOEDriverTestFailed, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "(container-being-deleted).")
	assert.Greater(t, f.now().Sub(began), 10*time.Minute)
}

// TestPlatformLastingFaultNeedsTime: an invocation whose time is nearly up makes no test of its own, but parks.
func TestPlatformLastingFaultNeedsTime(t *testing.T) {
	f := withPlatform(t)
	f.closed(true)
	_, cmd := f.submit(wired())
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second) // on the clock on the wall; what waits takes no time on it
	defer cancel()
	require.NoError(t, f.worker.Handle(ctx, cmd))
	f.requireStatus(cmd.OperationID, integration.OperationRunning)
}

// TestPlatformLastingFaultOfTheSuperseded: a newer operation that came during the test decides about the document.
func TestPlatformLastingFaultOfTheSuperseded(t *testing.T) {
	f := withPlatform(t)
	f.closed(true)
	_, cmd := f.submit(wired())
	source, newer := f.service.TokenSource, ""
	f.service.TokenSource = func(ctx context.Context, subject, audience string) (secret.Value, error) {
		if newer == "" {
			a, _ := f.submit(wired())
			newer = a.Operation.ID
		}
		return source(ctx, subject, audience)
	}
	f.handle(cmd)
	require.NotEqual(t, cmd.OperationID, newer)
	assert.Equal(t, newer, f.document().Status.LastOperationID)
	assert.NotEqual(t, integration.PhaseFailed, f.document().Status.Phase)
	f.closed(false)
	f.handle(f.command(newer))
	f.requireStatus(newer, integration.OperationSucceeded)
	f.onlyDriver()
}
