package provision_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	sandboxentra "github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// until has a host answer POST and PUT otherwise for some time, as far as the answer wants to; it says whether it has.
func (f *fixture) until(host string, d time.Duration, answer func(w http.ResponseWriter, r *http.Request, next http.Handler) bool) {
	next, end := f.hosts[host], f.now().Add(d)
	f.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.now().Before(end) && r.Method != http.MethodGet && answer(w, r, next) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// storageSays has the storage answer writes for some time with a status and a code.
func (f *fixture) storageSays(d time.Duration, status int, code string) {
	f.until("acmedata.blob.core.windows.net", d, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.Header().Set("X-Ms-Error-Code", code)
		w.WriteHeader(status)
		return true
	})
}

// TestPlatformRoleIsNoVerdictBeforeATest: the platform's 403 may be the storage's. Where our own test has not decided which it
// is, and was not left out for good, the operation waits.
func TestPlatformRoleIsNoVerdictBeforeATest(t *testing.T) {
	t.Parallel()
	const late = 3 * time.Minute
	for name, c := range map[string]struct {
		change func(*fixture)
		time   time.Duration // that the first invocation has
	}{
		"no time for a test":                                   {func(*fixture) {}, 45 * time.Second},
		"the source of tokens fails once":                      {func(f *fixture) { f.tokenFails(1) }, time.Hour},
		"the role is late, beside an answer that is not known": {func(f *fixture) { f.storageSays(late, http.StatusConflict, "SomethingNew") }, time.Hour},
		"the storage is unavailable":                           {func(f *fixture) { f.storageSays(late, http.StatusServiceUnavailable, "ServerBusy") }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(platform.QuirkDriverTest, world.Object{"value": "403"})
			f.world.SetTiming(world.Timing{RBACMS: int(late.Milliseconds())})
			c.change(f)
			_, cmd := f.submit(wired())
			ctx, cancel := context.WithTimeout(t.Context(), c.time) // on the clock on the wall; what waits takes no time on it
			defer cancel()
			require.NoError(t, f.worker.Handle(ctx, cmd))
			op := f.requireStatus(cmd.OperationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, diagnosis.CodeDDOEProjectRoleMissing, op.Waiting.Diagnosis.Code)
			require.Equal(t, integration.OperationSucceeded, f.settle(cmd).Status)
			f.onlyDriver()
		})
	}
}

// tokenFails has the source of tokens fail so often.
func (f *fixture) tokenFails(times int) {
	source, n := f.service.TokenSource, 0
	f.service.TokenSource = func(ctx context.Context, subject, audience string) (secret.Value, error) {
		if n++; n <= times {
			return secret.Value{}, errors.New("no")
		}
		return source(ctx, subject, audience)
	}
}

// TestPlatformRoleIsBelievedInTheEnd: where no test of our own decides, when the clocks of Azure have run out; where it
// works, at once.
func TestPlatformRoleIsBelievedInTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture)
		waits  bool
	}{
		"no test decides": {func(f *fixture) { f.tokenFails(1000) }, true},
		"the test works":  {func(*fixture) {}, false},
		"the test works, with a warning": {func(f *fixture) {
			f.account(func(a *world.StorageAccount) { a.Containers[0].Immutable = true })
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			c.change(f)
			f.user("projectRole", "viewer")
			began := f.now()
			op := f.refused(wired())
			assert.Equal(t, diagnosis.CodeDDOEProjectRoleMissing, op.Error.Code)
			waited := f.now().Sub(began)
			assert.Equal(t, []bool{c.waits, !c.waits}, []bool{waited >= 10*time.Minute, waited < time.Minute}, waited)
		})
	}
}

// disabled is whether sign-in is off for the service principal.
func (f *fixture) disabled(off bool) {
	_, err := f.world.UpdateServicePrincipal(f.document().Status.ServicePrincipalID, func(p *world.ServicePrincipal) error { p.AccountEnabled = !off; return nil })
	require.NoError(f.t, err)
}

// shouted is whether the credential's subject is in capitals.
func (f *fixture) shouted(on bool) {
	d := f.document()
	_, err := f.world.UpdateFederatedCredential(d.Status.ObjectID, d.Status.FederatedCredentials[0].Name, func(c *world.FederatedIdentityCredential) error {
		c.Subject = d.Spec.Subjects[0]
		if on {
			c.Subject = strings.ToUpper(c.Subject)
		}
		return nil
	})
	require.NoError(f.t, err)
}

// noticedLate breaks something, and has the token service notice for some time no more than that.
func (f *fixture) noticedLate(d time.Duration, breaks func(bool)) {
	breaks(true)
	f.until(sandboxentra.Host, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		breaks(true)
		defer breaks(false)
		next.ServeHTTP(w, r)
		return true
	})
}

// TestPlatformWhatAPutMendsIsWaitedFor: what the very PUT has put right takes the token service minutes to notice.
func TestPlatformWhatAPutMendsIsWaitedFor(t *testing.T) {
	for name, breaks := range map[string]func(*fixture) func(bool){
		"service principal disabled": func(f *fixture) func(bool) { return f.disabled },
		"subject in another case":    func(f *fixture) func(bool) { return f.shouted },
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.verified(f.carried(wired()).Status.LastOperationID)
			f.advance(30 * time.Minute)
			f.noticedLate(3*time.Minute, breaks(f))
			began := f.now()
			d := f.carried(wired())
			assert.GreaterOrEqual(t, f.now().Sub(began), 3*time.Minute)
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
			f.onlyDriver()
		})
	}
}

// TestVerifyGivesTimeToWhatAPutMends: a document that is kept does not show that its service principal was put right.
func TestVerifyGivesTimeToWhatAPutMends(t *testing.T) {
	for name, c := range map[string]struct {
		late  time.Duration
		phase integration.Phase
	}{
		"noticed late": {3 * time.Minute, integration.PhaseUsable}, "never noticed": {time.Hour, integration.PhaseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			f := usable(t)
			f.noticedLate(c.late, f.disabled)
			f.verified(f.provisioned(spec("images")).Status.LastOperationID)
			assert.Equal(t, c.phase, f.document().Status.Phase)
			assert.Equal(t, c.phase == integration.PhaseFailed, slices.Contains(f.events(), "failed"))
		})
	}
}

// TestPlatformRoleBesideTheCallersAddress: a fault of our own way that the platform need not share does not hide what it said.
func TestPlatformRoleBesideTheCallersAddress(t *testing.T) {
	const advice = "Where the platform is let in already: Give the user the role developer or owner in the project"
	for name, c := range map[string]struct {
		change func(*fixture)
		code   diagnosis.Code
		both   bool
	}{
		"firewall":           {func(f *fixture) { f.closed(true) }, "network-rules-blocked", true},
		"conditional access": {func(f *fixture) { f.conditional() }, "conditional-access-blocked", true},
		"no container":       {func(f *fixture) { require.NoError(f.t, f.world.DeleteContainer(world.DataAccount, "images")) }, "container-not-found", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.user("projectRole", "viewer")
			c.change(f)
			op := f.refused(wired())
			assert.Equal(t, c.code, op.Error.Code)
			last := len(op.Error.Remedy.Steps) - 1
			assert.Equal(t, "Then PUT the spec again.", op.Error.Remedy.Steps[last])
			assert.Equal(t, c.both, strings.Contains(op.Error.Detail, "(ddoe-project-role-missing)"), op.Error.Detail)
			assert.Equal(t, c.both, strings.HasPrefix(op.Error.Remedy.Steps[last-1], advice), op.Error.Remedy.Steps)
		})
	}
	t.Run("the storage said it", func(t *testing.T) {
		f := withPlatform(t)
		f.closed(true)
		op := f.refused(wired())
		assert.Equal(t, diagnosis.CodeNetworkRulesBlocked, op.Error.Code)
		assert.NotContains(t, op.Error.Detail, "address")
	})
}

// conditional has a policy of the tenant refuse all tokens.
func (f *fixture) conditional() {
	f.until(sandboxentra.Host, time.Hour, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, err := io.WriteString(w, `{"error":"invalid_grant","error_codes":[53003],"error_description":"AADSTS53003: Access has been blocked by Conditional Access policies."}`)
		return assert.NoError(f.t, err)
	})
}

// TestPlatformTestNotFound: 404 to a test of what is no driver yet is about the storage, or about the path; that of a driver
// says that the driver is gone.
func TestPlatformTestNotFound(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture)
		code   diagnosis.Code
		waits  bool
	}{
		"of the payload": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: 404})
		}, "ddoe-driver-test-failed", true},
		"a page in its place": {func(f *fixture) {
			f.answers(`POST .*/drivers/test`, 404, "text/html", "<html>")
		}, "ddoe-not-found", true},
		"of the driver": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/[^/]+/test`), status: 404})
		}, "ddoe-not-found", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			c.change(f)
			began := f.now()
			op := f.refused(wired())
			assert.Equal(t, c.code, op.Error.Code)
			assert.Equal(t, c.waits, f.now().Sub(began) >= 10*time.Minute)
		})
	}
}

// TestPlatformOptionsBehindNotFound: options that somebody has changed may lead to what is not there.
func TestPlatformOptionsBehindNotFound(t *testing.T) {
	f := withPlatform(t)
	f.carried(wired())
	f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: 404, times: 1})
	s, since := wired(), len(f.requests)
	s.DDOE.Driver.Path = "sub"
	f.carried(s)
	assert.Equal(t, 1, f.sentTo(since, `^PATCH gate.*/integrations$`), "they are sent again")
}
