package provision_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestTeardownInTheManualWay says what is left to the person who may have followed the form, also where the process is killed
// anywhere.
func TestTeardownInTheManualWay(t *testing.T) {
	for name, c := range map[string]struct {
		spec   func() integration.Spec
		target string
	}{
		"wanted":                    {wired, "DDOE WIF my-service in the organisation " + world.OrganizationID},
		"the spec asks for nothing": {func() integration.Spec { return spec("images") }, "DDOE WIF my-service"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.service.Platform = nil
			f.provisioned(c.spec())
			op := f.teardown()
			require.Equal(t, integration.OperationSucceeded, op.Status)
			assert.Equal(t, []string{c.target}, leftBy(op))
			var result struct{ Left []string }
			require.NoError(t, json.Unmarshal(op.Result, &result))
			require.Len(t, result.Left, 1)
			assert.Contains(t, result.Left[0], "the integration "+c.target+" ")
		})
	}
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := newFixture(t)
		f.provisioned(wired())
		_, down := f.remove(provision.TeardownOptions{})
		return f, down
	}, func(f *fixture, c message.Command, n int) {
		f.handle(c)
		op := f.requireStatus(c.OperationID, integration.OperationSucceeded)
		require.Contains(t, string(op.Result), "If a person has made", "killed at effect %d", n)
	})
	t.Run("made by the API", func(t *testing.T) {
		f := withPlatform(t)
		f.provisioned(wired())
		op := f.teardown()
		assert.Empty(t, leftBy(op))
		assert.JSONEq(t, `{"purged":false}`, string(op.Result))
	})
}

// leftBy are the targets of the steps that left something.
func leftBy(op integration.Operation) []string {
	var left []string
	for _, step := range op.Steps {
		if step.Outcome == "left" {
			left = append(left, step.Target)
		}
	}
	return left
}

// TestPlatformDriverThatAPersonMoved: a driver on another integration is not ours any more. It stays, and hinders nothing.
func TestPlatformDriverThatAPersonMoved(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(*fixture) integration.Operation
		left gateCounts
	}{
		"torn down": {(*fixture).teardown, gateCounts{drivers: 1}},
		"dropped": {func(f *fixture) integration.Operation {
			s := wired()
			s.DDOE.Driver = nil
			return f.operation(f.carried(s).Status.LastOperationID)
		}, gateCounts{1, 1}},
		"another project": {func(f *fixture) integration.Operation {
			return f.operation(f.carried(inProject(otherProject)).Status.LastOperationID)
		}, gateCounts{1, 2}},
		"another organization": {func(f *fixture) integration.Operation {
			s := inProject(otherProject)
			s.DDOE.OrganizationID = otherOrganization
			return f.operation(f.carried(s).Status.LastOperationID)
		}, gateCounts{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			id := f.carried(wired()).Status.DDOE.DriverID
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["integrationId"] = "theirs" })
			op := c.act(f)
			require.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
			_, there := f.world.DDOEObject(world.DDOEDrivers, id)
			assert.True(t, there)
			assert.Equal(t, c.left, f.onGate())
			assert.True(t, slices.ContainsFunc(op.Steps, func(s integration.Step) bool {
				return s.Name == "ddoeDriver-delete" && s.Target == id && s.Outcome == "left"
			}), "%+v", op.Steps)
			if name == "torn down" {
				assert.Contains(t, string(op.Result), "The driver "+id+" is on another integration by now")
			}
		})
	}
}

// TestTeardownNamesTheDriverThatStays in its result, wherever the process is killed, and also where a DELETE has failed after
// the platform's side and another one ends it.
func TestTeardownNamesTheDriverThatStays(t *testing.T) {
	moved := func() (*fixture, string) {
		f := withPlatform(t)
		driver := f.carried(wired()).Status.DDOE.DriverID
		f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["integrationId"] = "theirs" })
		return f, driver
	}
	says := func(f *fixture, op integration.Operation, driver string, n int) {
		require.Equal(t, integration.OperationSucceeded, op.Status, "at %d: %+v", n, op.Error)
		require.JSONEq(t, `{"purged":false,"left":["The driver `+driver+` is on another integration by now, and stays."]}`, string(op.Result), "at %d", n)
		require.Equal(t, gateCounts{drivers: 1}, f.onGate(), "at %d", n)
		require.Nil(t, f.document().Status.DDOE, "at %d", n)
	}
	refuseOnce := func(f *fixture) {
		f.fails(fault{match: regexp.MustCompile(`DELETE .*roleAssignments`), status: 403, code: "AuthorizationFailed"})
		require.Equal(t, integration.OperationFailed, f.teardown().Status)
		f.faults = nil
	}
	t.Run("killed", func(t *testing.T) {
		var driver string
		killedAnywhere(t, func() (*fixture, message.Command) {
			var f *fixture
			f, driver = moved()
			_, down := f.remove(provision.TeardownOptions{})
			return f, down
		}, func(f *fixture, c message.Command, n int) {
			f.handle(c)
			says(f, f.settle(c), driver, n)
		})
	})
	t.Run("the first DELETE fails in Azure", func(t *testing.T) {
		f, driver := moved()
		refuseOnce(f)
		says(f, f.teardown(), driver, 0)
	})
	t.Run("gone by the second DELETE", func(t *testing.T) {
		f, driver := moved()
		refuseOnce(f)
		require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, driver))
		assert.JSONEq(t, `{"purged":false}`, string(f.teardown().Result))
	})
	t.Run("PUT in between", func(t *testing.T) {
		f, driver := moved()
		refuseOnce(f)
		d := f.carried(wired())
		assert.Equal(t, driver, d.Status.DDOE.DriverID, "the spec wants it here, and nothing else of its name")
		assert.Equal(t, d.Status.DDOE.IntegrationID, f.onlyDriver()["integrationId"])
		require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
		assert.Equal(t, gateCounts{}, f.onGate())
	})
	t.Run("PUT without ddoe in between", func(t *testing.T) {
		f, driver := moved()
		refuseOnce(f)
		d := f.carried(spec("images"))
		assert.Equal(t, "manual", d.Status.DDOE.Mode)
		assert.Empty(t, d.Status.DDOE.DriverID)
		assert.Equal(t, []string{driver}, leftBy(f.operation(d.Status.LastOperationID)))
		assert.Equal(t, gateCounts{drivers: 1}, f.onGate())
	})
}
