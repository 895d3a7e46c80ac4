package provision_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	createsIntegration  = `POST .*/integrations$`
	patchesIntegrations = `PATCH .*/integrations$`
)

// otherOptions asks for no driver, and for options of another subject.
func otherOptions() integration.Spec {
	s := without(wired())
	s.ServiceName, s.Subjects = "", []string{other}
	return s
}

// optionsOnGate are the options of the only integration.
func (f *fixture) optionsOnGate() string {
	f.t.Helper()
	all := f.world.DDOEObjects(world.DDOEIntegrations)
	require.Len(f.t, all, 1)
	return fmt.Sprint(all[0]["options"])
}

// TestPlatformLostIntegrationShownLate: names are not unique. A create whose answer was lost is not repeated while the list
// may lag, and neither teardown nor the manual way believes that there is nothing.
func TestPlatformLostIntegrationShownLate(t *testing.T) {
	answered := func(status int) func(*fixture, message.Command) {
		return func(f *fixture, cmd message.Command) {
			f.fails(fault{match: regexp.MustCompile(creates), status: status, after: true, times: 1})
			f.handle(cmd)
		}
	}
	for name, lost := range map[string]func(*fixture, message.Command){
		"no answer":    answered(0),
		"answered 500": answered(500),
		"killed":       func(f *fixture, cmd message.Command) { f.killedAt(cmd, createsIntegration) },
	} {
		for then, c := range map[string]struct {
			do     func(*fixture, message.Command)
			counts gateCounts
		}{
			"carried on": {func(f *fixture, cmd message.Command) { f.completed(cmd) }, gateCounts{1, 1}},
			"renamed": {func(f *fixture, _ message.Command) {
				s := wired()
				s.DisplayName = "Renamed"
				f.carried(s)
			}, gateCounts{1, 1}},
			"torn down": {func(f *fixture, _ message.Command) {
				require.Equal(f.t, integration.OperationSucceeded, f.teardown().Status)
			}, gateCounts{}},
			"the type goes": {func(f *fixture, _ message.Command) {
				reasons(f)["the type is not offered"].arrange(f)
				st := f.carried(wired()).Status.DDOE
				assert.NotEmpty(f.t, st.IntegrationID)
				assert.Nil(f.t, st.Form, "nobody is told to make a second one")
			}, gateCounts{1, 0}},
		} {
			t.Run(name+", "+then, func(t *testing.T) {
				f := withPlatform(t)
				f.quirk(platform.QuirkListLag, world.Object{"ms": float64(90_000)})
				_, cmd := f.submit(wired())
				lost(f, cmd)
				require.NotNil(t, f.document().Status.DDOE.CreateSentAt)
				c.do(f, cmd)
				assert.Equal(t, c.counts, f.onGate())
				assert.Equal(t, 1, f.sentTo(0, creates))
				if st := f.document().Status.DDOE; st != nil {
					assert.Nil(t, st.CreateSentAt)
				}
			})
		}
	}
}

// TestPlatformRefusedCreate: a refusal leaves nothing to wait for, and nothing said that is not so: the way is what it was.
func TestPlatformRefusedCreate(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		duplicate bool // another's of the name, which is not shown
	}{"a quota": {402, false}, "a role": {403, false}, "the name, twice": {0, true}} {
		for _, manual := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, manual before: %v", name, manual), func(t *testing.T) {
				f := withPlatform(t)
				var before integration.DDOEStatus
				if manual {
					why := reasons(f)["the type is not offered"]
					why.arrange(f)
					before = *f.carried(wired()).Status.DDOE
					why.mend(f)
				}
				sound := f.hosts[platform.GateHost]
				if c.duplicate {
					f.quirk(platform.QuirkDuplicate409, nil)
					f.there("theirs", "")
					f.hides(-1)
				} else {
					f.fails(fault{match: regexp.MustCompile(creates), status: c.status})
				}
				_, cmd := f.submit(wired())
				f.handle(cmd)
				require.Equal(t, integration.OperationFailed, f.settle(cmd).Status)
				st := *f.document().Status.DDOE
				before.OrganizationID = world.OrganizationID
				assert.Equal(t, before, st, "the intent alone is new")

				f.faults, f.hosts[platform.GateHost] = nil, sound
				if c.duplicate {
					require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, "theirs"))
				}
				d := f.provisioned(wired()) // at once
				assert.Equal(t, "api", d.Status.DDOE.Mode)
				assert.Empty(t, d.Status.DDOE.Why)
				assert.Nil(t, d.Status.DDOE.Diagnosis)
				assert.Equal(t, gateCounts{1, 1}, f.onGate())
			})
		}
	}
}

// TestPlatformOptionsInDoubt: a crash kept it from being saved that other options were sent. They are sent again, even
// where the spec asks for what was sent before them.
func TestPlatformOptionsInDoubt(t *testing.T) {
	f := withPlatform(t)
	f.carried(without(wired()))
	want := f.optionsOnGate()
	_, cmd := f.submit(otherOptions())
	f.killedAt(cmd, patchesIntegrations)
	require.NotEqual(t, want, f.optionsOnGate())
	f.carried(without(wired()))
	assert.Equal(t, want, f.optionsOnGate())
}

// TestPlatformAdoptsWithTheOptionsOfNow: what an earlier request has made has its options.
func TestPlatformAdoptsWithTheOptionsOfNow(t *testing.T) {
	for name, later := range map[string]time.Duration{"soon": 0, "after the create is given up": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			_, cmd := f.submit(without(wired()))
			f.killedAt(cmd, createsIntegration)
			f.advance(later)
			f.hides(1)
			f.fails(fault{match: regexp.MustCompile(creates), status: 500, times: 1})
			f.carried(otherOptions())
			assert.Contains(t, f.optionsOnGate(), other)
		})
	}
}

// TestPlatformIntegrationTornDownMeanwhile: a create takes longer than anybody believes in it, and the integration is torn
// down before it is answered. What it has made is removed, and the tombstone stays one.
func TestPlatformIntegrationTornDownMeanwhile(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkListLag, world.Object{"ms": float64(3_600_000)})
	_, cmd := f.submit(wired())
	f.onceDone(createsIntegration, func() {
		f.advance(3 * time.Minute)
		require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
		require.Equal(t, gateCounts{integrations: 1}, f.onGate())
	})
	f.handle(cmd)
	assert.Equal(t, gateCounts{}, f.onGate())
	d := f.document()
	assert.Equal(t, integration.PhaseDeleted, d.Status.Phase)
	assert.Nil(t, d.Status.DDOE)
}

// TestPlatformNotWantedMeanwhile: another delivery makes the integration, and a PUT does not ask for it any more. Who comes
// late removes what it has made.
func TestPlatformNotWantedMeanwhile(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkListLag, world.Object{"ms": float64(3_600_000)})
	_, cmd := f.submit(wired())
	f.onceDone(createsIntegration, func() {
		f.advance(3 * time.Minute)
		f.handle(cmd)
		f.carried(spec("images"))
	})
	assert.NotPanics(t, func() { f.handle(cmd) })
	assert.Equal(t, gateCounts{}, f.onGate())
}

// TestPlatformFormSurvivesAMove: a process that is killed in a move to another organisation does not forget which form a
// person has made the integration there by.
func TestPlatformFormSurvivesAMove(t *testing.T) {
	moved := inProject(otherProject)
	moved.DDOE.OrganizationID = otherOrganization
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := withPlatform(t)
		f.elsewhere()
		f.carried(wired())
		kind, why := f.offered()["type"], reasons(f)["the type is not offered"]
		why.arrange(f)
		f.carried(moved)
		f.advance(time.Minute)
		f.byHand("by-hand", kind, func(o world.Object) { o["org"] = otherOrganization })
		why.mend(f)
		_, cmd := f.submit(moved)
		return f, cmd
	}, func(f *fixture, cmd message.Command, n int) {
		f.completed(cmd)
		require.Equal(t, "by-hand", f.document().Status.DDOE.IntegrationID, "killed at effect %d", n)
		require.Equal(t, gateCounts{1, 1}, f.onGate(), "killed at effect %d", n)
	})
}

// TestARefusedCreateIsNotInDoubt: an answer below 500 says that nothing was made, so the create is sent again as soon as it
// may be.
func TestARefusedCreateIsNotInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		match  string
		status int
	}{
		"integration throttled":           {"^POST .*/integrations$", 429},
		"driver throttled":                {"^POST .*/drivers$", 429},
		"a name that is said to be taken": {"^POST .*/integrations$", 409},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.putsOff(platform.GateHost, c.match, 1, c.status, "1")
			_, cmd := f.submit(wired())
			f.handle(cmd)
			require.Nil(t, f.document().Status.DDOE.CreateSentAt)
			f.advance(10 * time.Second)
			f.handle(f.command(cmd.OperationID + "-retry-1"))
			f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
	}
}
