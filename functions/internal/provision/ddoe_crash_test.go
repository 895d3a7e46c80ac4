package provision_test

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// lags makes the platform's lists, counts and commands as late as that.
func (f *fixture) lags(d time.Duration) {
	for _, quirk := range []string{platform.QuirkListLag, platform.QuirkDriverListLag, platform.QuirkDriverCountLag, platform.QuirkCommandLag} {
		f.quirk(quirk, world.Object{"ms": float64(d.Milliseconds())})
	}
}

// lag is longer than one delivery of a command takes, and shorter than a create is in doubt.
const lag = 70 * time.Second

// atRequest does something when the platform is sent its n-th request, counted from 0: before that is carried out, or before
// its answer arrives.
func (f *fixture) atRequest(n int, done bool, do func()) {
	next := f.hosts[platform.GateHost]
	var seen atomic.Int64
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := seen.Add(1) == int64(n)+1
		if now && !done {
			do()
		}
		next.ServeHTTP(w, r)
		if now && done {
			do()
		}
	})
}

// together hands commands to as many processes at once.
func (f *fixture) together(commands ...message.Command) {
	var group sync.WaitGroup
	for _, c := range commands {
		group.Go(func() { assert.NoError(f.t, f.service.Handle(f.t.Context(), c)) })
	}
	group.Wait()
}

// TestPlatformKilledAnywhere kills the process at each effect of a provisioning, a change, a teardown and a validation.
func TestPlatformKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late=%v", late), func(t *testing.T) { killPlatformAnywhere(t, late) })
	}
}

func killPlatformAnywhere(t *testing.T, late bool) {
	made := func(t *testing.T) *fixture {
		f := withPlatform(t)
		if late {
			f.lags(lag)
		}
		return f
	}
	t.Run("create", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made(t)
			_, cmd := f.submit(wired())
			return f, cmd
		}, func(f *fixture, cmd message.Command, n int) {
			f.completed(cmd)
			require.Equal(t, gateCounts{1, 1}, f.onGate(), "killed at effect %d", n)
			require.Equal(t, f.onlyDriver()["id"], f.document().Status.DDOE.DriverID)
		})
	})
	t.Run("change", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made(t)
			f.carried(wired())
			_, cmd := f.submit(changed())
			return f, cmd
		}, func(f *fixture, cmd message.Command, n int) {
			f.completed(cmd)
			f.requireChanged(n)
		})
	})
	t.Run("teardown", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made(t)
			f.carried(wired())
			_, cmd := f.remove(provision.TeardownOptions{Purge: true})
			return f, cmd
		}, func(f *fixture, cmd message.Command, n int) {
			f.completed(cmd)
			require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
			require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
		})
	})
	t.Run("verify", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made(t)
			return f, f.command(f.carried(wired()).Status.LastOperationID + "-verify-0")
		}, func(f *fixture, cmd message.Command, n int) {
			f.handle(cmd)
			f.verified(f.document().Status.LastOperationID)
			require.Equal(t, integration.PhaseUsable, f.document().Status.Phase, "killed at effect %d", n)
			require.True(t, f.document().Status.DDOE.Validated)
		})
	})
	// What a killed provisioning leaves behind is torn down whole.
	t.Run("teardown after a crash", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made(t)
			_, cmd := f.submit(wired())
			return f, cmd
		}, func(f *fixture, _ message.Command, n int) {
			_, down := f.remove(provision.TeardownOptions{Purge: true})
			f.completed(down)
			require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
			require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
		})
	})
}

// TestPlatformFaultAnywhere lets each request to the platform fail once: answered instead of done, done but answered
// otherwise, done without an answer. Where what was done does not show at once, and for a status that is treated as another
// where nothing is made, the writes suffice.
func TestPlatformFaultAnywhere(t *testing.T) {
	t.Parallel()
	every, writes := `gate\.dataloop\.ai`, `^(POST|PATCH|DELETE) gate\.dataloop\.ai`
	for name, c := range map[string]struct {
		match string
		fault fault
		late  bool
	}{
		"500 before":       {every, fault{status: 500}, false},
		"500 after":        {every, fault{status: 500, after: true}, false},
		"500 after, late":  {writes, fault{status: 500, after: true}, true},
		"503 before":       {writes, fault{status: 503}, false},
		"503 after":        {writes, fault{status: 503, after: true}, false},
		"429 before":       {every, fault{status: 429}, false},
		"429 after":        {every, fault{status: 429, after: true}, false},
		"429 before, late": {writes, fault{status: 429}, true},
		"dropped":          {every, fault{after: true}, false},
		"dropped, late":    {writes, fault{after: true}, true},
		"never there":      {every, fault{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				f := withPlatform(t)
				if c.late {
					f.lags(lag)
				}
				struck := c.fault
				struck.match, struck.skip, struck.times = regexp.MustCompile(c.match), n, 1
				f.fails(struck)
				_, cmd := f.submit(wired())
				f.completed(cmd)
				require.Equal(t, gateCounts{1, 1}, f.onGate(), "request %d", n)
				f.verified(cmd.OperationID)
				require.Equal(t, integration.PhaseUsable, f.document().Status.Phase, "request %d", n)
				f.carried(changed())
				f.requireChanged(n)
				_, down := f.remove(provision.TeardownOptions{})
				f.completed(down)
				require.Equal(t, gateCounts{}, f.onGate(), "request %d", n)
				if f.faults[0].done <= n {
					assert.GreaterOrEqual(t, n, map[string]int{every: 20, writes: 8}[c.match], "there are requests to disturb")
					break
				}
			}
		})
	}
}

func TestPlatformTwoAtOnce(t *testing.T) {
	for range 10 {
		f := withPlatform(t)
		a, cmd := f.submit(wired())
		f.together(cmd, cmd, cmd, cmd)
		f.settle(cmd)
		f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
		require.Equal(t, gateCounts{1, 1}, f.onGate())
		f.requireOurs(0)
	}
}

// wish is what a second person asks for while the first wish is carried out, and what there is to be on the platform.
type wish struct {
	begin func(*fixture) message.Command
	want  gateCounts
	check func(f *fixture, n int)
}

func wishes() map[string]wish {
	submits := func(s integration.Spec) func(*fixture) message.Command {
		return func(f *fixture) message.Command { _, c := f.submit(s); return c }
	}
	elsewhere := inProject(otherProject)
	elsewhere.DDOE.OrganizationID = otherOrganization
	return map[string]wish{
		"other values": {submits(changed()), gateCounts{1, 1}, func(f *fixture, n int) { f.requireChanged(n) }},
		"another project": {submits(inProject(otherProject)), gateCounts{1, 1}, func(f *fixture, n int) {
			require.Equal(f.t, otherProject, f.onlyDriver()["projectId"], "at %d", n)
			f.requireOurs(n)
		}},
		"another organization": {submits(elsewhere), gateCounts{1, 1}, func(f *fixture, n int) {
			require.Equal(f.t, otherOrganization, f.world.DDOEObjects(world.DDOEIntegrations)[0]["org"], "at %d", n)
			f.requireOurs(n)
		}},
		"no driver": {submits(without(wired())), gateCounts{integrations: 1}, func(f *fixture, n int) {
			require.Empty(f.t, f.document().Status.DDOE.DriverID, "at %d", n)
		}},
		"nothing": {func(f *fixture) message.Command { _, c := f.remove(provision.TeardownOptions{}); return c }, gateCounts{}, func(f *fixture, n int) {
			require.Equal(f.t, counts{deleted: f.counts().deleted}, f.counts(), "at %d", n)
		}},
	}
}

// TestPlatformTwoWishesAtOnce: the second wish comes, and is carried out by a second process, while the first is at any of
// its requests to the platform, before that is done or before its answer arrives; or both are carried out side by side. The
// second is what there is in the end, and nothing of the first is left.
func TestPlatformTwoWishesAtOnce(t *testing.T) {
	t.Parallel()
	for name, wish := range wishes() {
		finish := func(f *fixture, first, second message.Command, n int) {
			f.settle(second)
			f.requireStatus(second.OperationID, integration.OperationSucceeded)
			f.handle(first) // delivered again
			require.True(f.t, f.operation(first.OperationID).Status.Final(), "at %d", n)
			require.Equal(f.t, wish.want, f.onGate(), "at %d", n)
			wish.check(f, n)
		}
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, request done=%v", name, done), func(t *testing.T) {
				n := 0
				for came := true; came; n++ {
					f := withPlatform(t)
					f.elsewhere()
					_, first := f.submit(wired())
					var second message.Command
					came = false
					f.atRequest(n, done, func() {
						came = true
						second = wish.begin(f)
						f.handle(second)
					})
					f.handle(first)
					if came {
						finish(f, first, second, n)
					}
				}
				assert.Greater(t, n, 8, "there are requests to come between")
			})
		}
		t.Run(name+", side by side", func(t *testing.T) {
			for n := range 10 {
				f := withPlatform(t)
				f.elsewhere()
				_, first := f.submit(wired())
				second := wish.begin(f)
				f.together(first, second, first, second)
				finish(f, first, second, n)
			}
		})
	}
}

// TestPlatformSaysNothing: a success without the object that it should bring is not believed. The operation may fail of
// it; the next makes no second one.
func TestPlatformSaysNothing(t *testing.T) {
	for n := 0; ; n++ {
		f := withPlatform(t)
		f.fails(fault{match: regexp.MustCompile(`^(POST|PATCH) gate\.dataloop\.ai`), skip: n, times: 1, status: 200, after: true})
		_, cmd := f.submit(wired())
		f.handle(cmd)
		f.settle(cmd)
		f.carried(wired())
		require.Equal(t, gateCounts{1, 1}, f.onGate(), "write %d", n)
		if f.faults[0].done <= n {
			assert.GreaterOrEqual(t, n, 3, "integration, test, driver")
			return
		}
	}
}
