package provision_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	createsDriver = `POST .*/drivers$`
	patchesDriver = `PATCH .*/drivers/`
)

// onceDone does something when the platform has carried out the first request that matches "METHOD path", before its answer
// arrives.
func (f *fixture) onceDone(request string, do func()) {
	next, pattern, done := f.hosts[platform.GateHost], regexp.MustCompile(request), false
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if !done && pattern.MatchString(r.Method+" "+r.URL.Path) {
			done = true
			do()
		}
	})
}

// killedAt carries a command out until the platform has done what a request asks for, whose answer is lost with the process.
func (f *fixture) killedAt(cmd message.Command, request string) {
	f.t.Helper()
	ctx := f.dies(1 << 30)
	f.onceDone(request, func() {
		f.mu.Lock()
		f.kill.dead = true
		f.mu.Unlock()
		f.kill.cancel()
	})
	_ = f.worker.Handle(ctx, cmd)
	require.True(f.t, f.revive(), "no request was %s", request)
}

func without(s integration.Spec) integration.Spec {
	s.DDOE.Driver = nil
	return s
}

func named(name string) integration.Spec {
	s := wired()
	s.DDOE.Driver.Name = name
	return s
}

// TestPlatformUnclaimedDriver: what was made before the document knew its id is ours, whatever the spec asks for next.
func TestPlatformUnclaimedDriver(t *testing.T) {
	for name, next := range map[string]func() integration.Spec{
		"the same":        wired,
		"renamed":         func() integration.Spec { return named("renamed") },
		"another project": func() integration.Spec { return inProject(otherProject) },
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			_, cmd := f.submit(wired())
			f.killedAt(cmd, createsDriver)
			f.carried(next())
			assert.Equal(t, next().DDOE.Driver.Name, f.onlyDriver()["name"])
			assert.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
	t.Run("renamed in a second crash", func(t *testing.T) {
		f := withPlatform(t)
		_, cmd := f.submit(wired())
		f.killedAt(cmd, createsDriver)
		_, cmd = f.submit(named("renamed"))
		f.killedAt(cmd, patchesDriver)
		f.carried(wired())
		assert.Equal(t, "images", f.onlyDriver()["name"])
	})
	t.Run("shown with another writing of its project", func(t *testing.T) {
		f := withPlatform(t)
		f.elsewhere()
		_, cmd := f.submit(inProject(otherProject))
		f.killedAt(cmd, createsDriver)
		made := f.driversOnGate()[0]
		made["projectId"] = strings.ToUpper(otherProject)
		body, err := json.Marshal([]world.Object{made})
		require.NoError(t, err)
		f.answers(`GET .*/drivers$`, 200, "application/json", string(body))
		f.carried(inProject(otherProject))
		f.onlyDriver()
	})
}

// TestPlatformLostDriverShownLate: a create whose answer was lost is not repeated while the list may lag, and neither drop
// nor teardown believes that there is nothing.
func TestPlatformLostDriverShownLate(t *testing.T) {
	for name, lost := range map[string]func(*fixture, message.Command){
		"answered 500": func(f *fixture, cmd message.Command) {
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers$`), status: 500, after: true, times: 1})
			f.handle(cmd)
		},
		"killed": func(f *fixture, cmd message.Command) { f.killedAt(cmd, createsDriver) },
	} {
		for then, c := range map[string]struct {
			do   func(*fixture, message.Command) integration.Operation
			left gateCounts
		}{
			"carried on": {func(f *fixture, cmd message.Command) integration.Operation {
				f.handle(cmd)
				op := f.settle(cmd)
				f.onlyDriver()
				return op
			}, gateCounts{1, 1}},
			"dropped": {func(f *fixture, _ message.Command) integration.Operation {
				return f.operation(f.carried(without(wired())).Status.LastOperationID)
			}, gateCounts{1, 0}},
			"torn down": {func(f *fixture, _ message.Command) integration.Operation { return f.teardown() }, gateCounts{}},
		} {
			t.Run(name+", "+then, func(t *testing.T) {
				f := withPlatform(t)
				f.quirk(platform.QuirkDriverListLag, world.Object{"ms": float64(100_000)})
				_, cmd := f.submit(wired())
				lost(f, cmd)
				op := c.do(f, cmd)
				assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
				assert.Equal(t, c.left, f.onGate())
			})
		}
	}
}

// TestPlatformLostDriverShownVeryLate: a second one was made then, and teardown and drop remove both.
func TestPlatformLostDriverShownVeryLate(t *testing.T) {
	for _, drops := range []bool{false, true} {
		f := withPlatform(t)
		f.quirk(platform.QuirkDriverListLag, world.Object{"ms": float64(600_000)})
		f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers$`), status: 500, after: true, times: 1})
		f.carried(wired())
		require.Equal(t, gateCounts{1, 2}, f.onGate())
		f.advance(15 * time.Minute)
		if drops {
			f.carried(without(wired()))
			assert.Equal(t, gateCounts{1, 0}, f.onGate())
		}
		op := f.teardown()
		assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
		assert.Equal(t, gateCounts{}, f.onGate())
	}
}

// TestPlatformLooksForWhatWasMade at once after an answer that says nothing of it, and waits for nothing where it finds it.
func TestPlatformLooksForWhatWasMade(t *testing.T) {
	for _, status := range []int{0, 408, 500} {
		f := withPlatform(t)
		f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers$`), status: status, after: true, times: 1})
		f.provisioned(wired())
		f.onlyDriver()
	}
}

// TestPlatformRefusedDriverCreate: what was refused was not made, and a driver that a person makes of its name afterwards is
// theirs.
func TestPlatformRefusedDriverCreate(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		container string
		next      func() integration.Spec
	}{
		"refused, same place, dropped":    {403, "images", func() integration.Spec { return without(wired()) }},
		"refused, other place, dropped":   {403, "archive", func() integration.Spec { return without(wired()) }},
		"refused, other place, asked for": {403, "archive", wired},
		"lost, other place, dropped":      {500, "archive", func() integration.Spec { return without(wired()) }},
		"lost, other place, asked for":    {500, "archive", wired},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers$`), status: c.status})
			f.refused(wired())
			f.faults = nil
			f.advance(3 * time.Minute)
			st := f.document().Status.DDOE
			f.driverByHand("a-persons", st.IntegrationID, st.IntegrationType)
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["containerName"] = c.container })
			before := f.driversOnGate()
			_, cmd := f.submit(c.next())
			f.handle(cmd)
			op := f.settle(cmd)
			assert.Equal(t, before, f.driversOnGate())
			if c.next().DDOE.Driver != nil {
				assert.Equal(t, diagnosis.CodeDDOEDriverForeign, op.Error.Code)
			}
		})
	}
}

// TestPlatformDriverChangeInDoubt: a change that was done before a crash is not forgotten, on a platform that does not show it
// either.
func TestPlatformDriverChangeInDoubt(t *testing.T) {
	bareOrNot(t, func(t *testing.T, f *fixture) {
		f.carried(wired())
		s := named("renamed")
		s.Storage[0].Container, s.DDOE.Driver.Path, s.DDOE.Driver.AllowExternalDelete = "archive", "sub", true
		_, cmd := f.submit(s)
		f.killedAt(cmd, patchesDriver)
		f.carried(wired())
		is := f.onlyDriver()
		assert.Equal(t, []any{"images", "images", "", false}, []any{is["name"], is["containerName"], is["path"], is["allowExternalDelete"]})
		before := len(f.requests)
		f.carried(wired())
		assert.Empty(t, f.writes(before))
	})
}

// TestPlatformDriverChangeRefused: a change that was refused was not made, and there is nothing to send when the spec takes it
// back.
func TestPlatformDriverChangeRefused(t *testing.T) {
	bareOrNot(t, func(t *testing.T, f *fixture) {
		made := f.carried(wired())
		f.fails(fault{match: regexp.MustCompile(`PATCH gate.*/drivers/`), status: 400})
		s := wired()
		s.DDOE.Driver.AllowExternalDelete = true
		f.refused(s)
		assert.Equal(t, made.Status.DDOE.Driver, f.document().Status.DDOE.Driver)
		before := len(f.requests)
		f.carried(wired())
		assert.Empty(t, f.writes(before))
	})
}

// TestPlatformTornDownMeanwhile: the answer to a create comes when all is torn down, or made again. Nothing of it stays.
func TestPlatformTornDownMeanwhile(t *testing.T) {
	for _, again := range []bool{false, true} {
		f := withPlatform(t)
		f.quirk(platform.QuirkDriverListLag, world.Object{"ms": float64(3_600_000)})
		f.quirk(platform.QuirkDriverCountLag, world.Object{"ms": float64(3_600_000)})
		_, cmd := f.submit(wired())
		f.onceDone(createsDriver, func() {
			f.advance(3 * time.Minute)
			require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			require.Equal(t, gateCounts{drivers: 1}, f.onGate())
			if again {
				f.carried(without(wired()))
			}
		})
		f.handle(cmd)
		if !again {
			assert.Equal(t, gateCounts{}, f.onGate())
			assert.Nil(t, f.document().Status.DDOE)
			continue
		}
		assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
		assert.Empty(t, f.document().Status.DDOE.DriverID)
	}
}

// TestPlatformTwoAdopted: two deliveries meet different drivers. Who comes second made none, and removes none.
func TestPlatformTwoAdopted(t *testing.T) {
	f := withPlatform(t)
	f.carried(without(wired()))
	st := f.document().Status.DDOE
	f.driverByHand("a-persons", st.IntegrationID, st.IntegrationType)
	f.changeOnGate(world.DDOEDrivers, func(o world.Object) {
		o["allowExternalDelete"], o["createdAt"] = true, float64(f.now().UnixMilli())
	})
	_, cmd := f.submit(wired())
	f.onceAt(`POST .*/drivers/test`, 0, func() {
		f.quirk(platform.QuirkDriverListLag, world.Object{"ms": float64(3_600_000)}) // the other one does not see it
		f.handle(cmd)
		require.NotEqual(t, "a-persons", f.document().Status.DDOE.DriverID)
	})
	f.handle(cmd)
	_, there := f.world.DDOEObject(world.DDOEDrivers, "a-persons")
	assert.True(t, there)
	assert.Equal(t, gateCounts{1, 2}, f.onGate())
}

// TestPlatformDriverReplacedByAPerson: what the document remembers of a driver that is gone does not make another one ours.
func TestPlatformDriverReplacedByAPerson(t *testing.T) {
	f := withPlatform(t)
	st := f.carried(wired()).Status.DDOE
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, st.DriverID))
	f.driverByHand("a-persons", st.IntegrationID, st.IntegrationType)
	before := f.driversOnGate()
	s := wired()
	s.DDOE.Driver.Path = "sub"
	assert.Equal(t, diagnosis.CodeDDOEDriverForeign, f.refused(s).Error.Code)
	assert.Equal(t, before, f.driversOnGate())
}

// TestPlatformColleaguesDriver: a driver of the name and the place that were sent, which another user has made while our create was
// in doubt, is not what the create has made: it is not removed, and where there is ours, not taken for it.
func TestPlatformColleaguesDriver(t *testing.T) {
	for name, c := range map[string]struct {
		after bool // the create has made a driver
		do    func(*fixture, message.Command) integration.Operation
		ours  int
	}{
		"nothing made, dropped": {false, func(f *fixture, _ message.Command) integration.Operation {
			return f.operation(f.carried(without(wired())).Status.LastOperationID)
		}, 0},
		"made, dropped": {true, func(f *fixture, _ message.Command) integration.Operation {
			return f.operation(f.carried(without(wired())).Status.LastOperationID)
		}, 0},
		"made, carried on": {true, func(f *fixture, cmd message.Command) integration.Operation {
			f.handle(cmd)
			return f.settle(cmd)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			_, cmd := f.submit(wired())
			f.killedAtCreate(cmd, c.after)
			op := c.do(f, cmd)
			assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
			assert.NotEqual(t, "a-colleagues", f.document().Status.DDOE.DriverID)
			_, there := f.world.DDOEObject(world.DDOEDrivers, "a-colleagues")
			assert.True(t, there)
			assert.Len(t, f.driversOnGate(), 1+c.ours)
		})
	}
	for _, after := range []bool{false, true} {
		f := withPlatform(t)
		_, cmd := f.submit(wired())
		f.killedAtCreate(cmd, after)
		op := f.teardown()
		require.NotNil(t, op.Error, "the colleague uses it")
		assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
		assert.Contains(t, op.Error.Detail, "a-colleagues")
		_, there := f.world.DDOEObject(world.DDOEDrivers, "a-colleagues")
		assert.True(t, there)
	}
}

// TestPlatformDriverOfUnknownCreator: a driver of the name and the place that were sent, of which the platform does not say who made
// it, is ours only while a create of ours is in doubt.
func TestPlatformDriverOfUnknownCreator(t *testing.T) {
	drops := func(f *fixture) integration.Operation {
		return f.operation(f.carried(without(wired())).Status.LastOperationID)
	}
	for name, c := range map[string]struct {
		gone bool // ours
		act  func(*fixture) integration.Operation
		code diagnosis.Code
	}{
		"dropped":                   {false, drops, ""},
		"dropped, ours is gone":     {true, drops, ""},
		"torn down":                 {false, (*fixture).teardown, "ddoe-integration-in-use"},
		"torn down, ours is gone":   {true, (*fixture).teardown, "ddoe-integration-in-use"},
		"carried on, ours is there": {false, func(f *fixture) integration.Operation { return f.operation(f.carried(wired()).Status.LastOperationID) }, ""},
	} {
		t.Run("known by id, "+name, func(t *testing.T) {
			f := withPlatform(t)
			id := f.carried(wired()).Status.DDOE.DriverID
			f.colleagues()
			f.uncreated("a-colleagues")
			if c.gone {
				require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, id))
			}
			op := c.act(f)
			if c.code == "" {
				assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
			} else {
				require.NotNil(t, op.Error)
				assert.Equal(t, c.code, op.Error.Code)
				assert.Contains(t, op.Error.Detail, "a-colleagues")
			}
			_, there := f.world.DDOEObject(world.DDOEDrivers, "a-colleagues")
			assert.True(t, there)
		})
	}
	for name, c := range map[string]struct {
		act  func(*fixture) integration.Operation
		left gateCounts
	}{
		"dropped":   {drops, gateCounts{1, 0}},
		"torn down": {(*fixture).teardown, gateCounts{}},
		"renamed": {func(f *fixture) integration.Operation {
			return f.operation(f.carried(named("renamed")).Status.LastOperationID)
		}, gateCounts{1, 1}},
	} {
		t.Run("in doubt, "+name, func(t *testing.T) {
			f := withPlatform(t)
			_, cmd := f.submit(wired())
			f.killedAt(cmd, createsDriver)
			f.uncreated(f.driversOnGate()[0]["id"].(string))
			op := c.act(f)
			assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
			assert.Equal(t, c.left, f.onGate())
		})
	}
}

// uncreated has the platform not say who made a driver.
func (f *fixture) uncreated(id string) {
	f.t.Helper()
	o, there := f.world.DDOEObject(world.DDOEDrivers, id)
	require.True(f.t, there)
	delete(o, "creator")
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, o))
}

// killedAtCreate carries a command out until it sends a driver's create, which the platform has carried out or not. A colleague
// makes their driver just before.
func (f *fixture) killedAtCreate(cmd message.Command, after bool) {
	f.t.Helper()
	f.onceAt(`POST .*/drivers/test`, 0, f.colleagues)
	if after {
		f.killedAt(cmd, createsDriver)
		return
	}
	ctx := f.dies(1 << 30)
	f.onceAt(createsDriver, http.StatusServiceUnavailable, func() {
		f.mu.Lock()
		f.kill.dead = true
		f.mu.Unlock()
		f.kill.cancel()
	})
	_ = f.worker.Handle(ctx, cmd)
	require.True(f.t, f.revive())
}

// colleagues is a driver as ours, made by another user.
func (f *fixture) colleagues() {
	f.t.Helper()
	integrationID, kind := f.document().Status.DDOE.IntegrationID, f.offered()["type"]
	f.driverByHand("a-colleagues", integrationID, kind)
	o, _ := f.world.DDOEObject(world.DDOEDrivers, "a-colleagues")
	o["creator"] = "colleague@example.com"
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, o))
}
