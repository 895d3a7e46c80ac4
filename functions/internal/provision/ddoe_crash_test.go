package provision_test

import (
	"fmt"
	"regexp"
	"sync"
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

// TestPlatformKilledAnywhere kills the process at each effect of a provisioning, a change, a teardown and a validation.
func TestPlatformKilledAnywhere(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late=%v", late), func(t *testing.T) { killPlatformAnywhere(t, late) })
	}
}

func killPlatformAnywhere(t *testing.T, late bool) {
	made := func() *fixture {
		f := withPlatform(t)
		if late {
			f.lags(lag)
		}
		return f
	}
	t.Run("create", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := made()
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
			f := made()
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
			f := made()
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
			f := made()
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
			f := made()
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
// otherwise, done without an answer, and that also where nothing shows at once what was done.
func TestPlatformFaultAnywhere(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		late  bool
	}{
		"500 before":        {fault{status: 500}, false},
		"500 after":         {fault{status: 500, after: true}, false},
		"500 after, late":   {fault{status: 500, after: true}, true},
		"503 before":        {fault{status: 503}, false},
		"503 after":         {fault{status: 503, after: true}, false},
		"429 before":        {fault{status: 429}, false},
		"429 after":         {fault{status: 429, after: true}, false},
		"429 after, late":   {fault{status: 429, after: true}, true},
		"dropped":           {fault{after: true}, false},
		"dropped, late":     {fault{after: true}, true},
		"never there":       {fault{}, false},
		"never there, late": {fault{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				f := withPlatform(t)
				if c.late {
					f.lags(lag)
				}
				struck := c.fault
				struck.match, struck.skip, struck.times = regexp.MustCompile(`gate\.dataloop\.ai`), n, 1
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
					assert.Greater(t, n, 20, "there are requests to disturb")
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
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { assert.NoError(t, f.service.Handle(t.Context(), cmd)) })
		}
		group.Wait()
		f.settle(cmd)
		f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
		require.Equal(t, gateCounts{1, 1}, f.onGate())
		d := f.document()
		require.Equal(t, f.world.DDOEObjects(world.DDOEIntegrations)[0]["id"], d.Status.DDOE.IntegrationID)
		require.Equal(t, f.world.DDOEObjects(world.DDOEDrivers)[0]["id"], d.Status.DDOE.DriverID)
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
