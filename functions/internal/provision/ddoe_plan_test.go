package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestPlatformPlan: the plan names what a run does on the platform, in order, and neither sends nor writes anything.
func TestPlatformPlan(t *testing.T) {
	const driver, made, manual, verify = "ddoeDriver", "ddoeIntegration", "ddoe", "verify"
	none := func(*fixture) {}
	carried := func(f *fixture) { f.carried(wired()) }
	off := func(f *fixture) {
		f.carried(wired())
		f.service.Platform, f.service.TokenSource = nil, nil
	}
	undriven := func(s *integration.Spec) { s.DDOE.Driver = nil }
	for name, c := range map[string]struct {
		arrange func(*fixture)
		change  func(*integration.Spec)
		// want are name, action and target; integration and driver stand for the ids of what was made.
		want [][3]string
	}{
		"create":                   {none, nil, [][3]string{{made, "create", "DDOE WIF my-service"}, {driver, "create", "images"}, {verify, "schedule", subject}}},
		"create, without a driver": {none, undriven, [][3]string{{made, "create", "DDOE WIF my-service"}, {verify, "schedule", subject}}},
		"nothing to do":            {carried, nil, [][3]string{{made, "upsert", "DDOE WIF my-service"}, {driver, "upsert", "images"}, {verify, "schedule", subject}}},
		"another name":             {carried, func(s *integration.Spec) { s.DisplayName = "a:b" }, [][3]string{{made, "upsert", "a_b"}, {driver, "upsert", "images"}, {verify, "schedule", subject}}},
		"driver dropped":           {carried, undriven, [][3]string{{made, "upsert", "DDOE WIF my-service"}, {driver, "delete", "driver"}, {verify, "schedule", subject}}},
		"driver added": {func(f *fixture) {
			s := wired()
			undriven(&s)
			f.carried(s)
		}, nil, [][3]string{{made, "upsert", "DDOE WIF my-service"}, {driver, "create", "images"}, {verify, "schedule", subject}}},
		"another organisation": {carried, func(s *integration.Spec) { s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "o-2", "p-2" },
			[][3]string{{driver, "delete", "driver"}, {made, "delete", "integration"}, {made, "create", "DDOE WIF my-service"}, {driver, "create", "images"}, {verify, "schedule", subject}}},
		"not wanted any more": {carried, func(s *integration.Spec) { s.DDOE = nil },
			[][3]string{{driver, "delete", "driver"}, {made, "delete", "integration"}, {manual, "manual", "Create Storage Integration"}, {verify, "schedule", subject}}},
		"never wanted":      {none, func(s *integration.Spec) { s.DDOE = nil }, [][3]string{{manual, "manual", "Create Storage Integration"}, {verify, "schedule", subject}}},
		"the API is off":    {func(f *fixture) { f.service.Platform, f.service.TokenSource = nil, nil }, nil, [][3]string{{manual, "manual", "Create Storage Integration"}}},
		"it was turned off": {off, nil, [][3]string{{made, "keep", "integration"}, {driver, "keep", "driver"}}},
		"it was turned off, and a driver is to be made": {func(f *fixture) {
			s := wired()
			undriven(&s)
			f.carried(s)
			f.service.Platform, f.service.TokenSource = nil, nil
		}, nil, [][3]string{{made, "keep", "integration"}, {driver, "manual", "images"}}},
		"it was turned off, and the organisation is another": {off, func(s *integration.Spec) { s.DDOE.OrganizationID = "o-2" },
			[][3]string{{made, "keep", "integration"}, {driver, "keep", "driver"}, {manual, "manual", "Create Storage Integration"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			require.NoError(t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "o-2"}))
			require.NoError(t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": "p-2"}))
			c.arrange(f)
			s := wired()
			if c.change != nil {
				c.change(&s)
			}
			f.planned(s, c.want)
			if f.service.Platform == nil && s.DDOE.OrganizationID == "o-2" {
				return
			}
			f.carried(s)
			left := gateCounts{}
			for _, step := range c.want {
				if step[1] == "create" || step[1] == "upsert" || step[1] == "keep" {
					if step[0] == made {
						left.integrations++
					}
					if step[0] == driver {
						left.drivers++
					}
				}
			}
			assert.Equal(t, left, f.onGate(), "and so the run leaves it")
		})
	}
}

// planned holds a plan's part about the platform against what is wanted, and the world and the store against what they were.
func (f *fixture) planned(s integration.Spec, want [][3]string) {
	f.t.Helper()
	d, err := f.service.Repository.Get(f.t.Context(), id)
	requests, messages := len(f.requests), len(f.sent)
	p, planErr := f.service.Plan(f.t.Context(), id, s)
	require.NoError(f.t, planErr)
	var got [][3]string
	for _, step := range p.Steps {
		switch step.Name {
		case "ddoeIntegration", "ddoeDriver", "ddoe", "verify":
			target := step.Target
			if st := d.Status.DDOE; st != nil && target == st.IntegrationID && target != "" {
				target = "integration"
			} else if st != nil && target == st.DriverID && target != "" {
				target = "driver"
			}
			got = append(got, [3]string{step.Name, string(step.Action), target})
		}
	}
	assert.Equal(f.t, want, got)
	assert.Len(f.t, f.requests, requests, "nothing is asked")
	assert.Len(f.t, f.sent, messages, "nothing is sent")
	now, nowErr := f.service.Repository.Get(f.t.Context(), id)
	assert.Equal(f.t, d, now, "nothing is written")
	assert.Equal(f.t, err, nowErr)
}

// TestPlatformPlanIsRefused where the run would be: what is not wanted any more cannot be removed without the API.
func TestPlatformPlanIsRefused(t *testing.T) {
	for name, change := range map[string]func(*integration.Spec){
		"not wanted any more": func(s *integration.Spec) { s.DDOE = nil },
		"driver dropped":      func(s *integration.Spec) { s.DDOE.Driver = nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			on := f.service.Platform
			f.service.Platform = nil
			s := wired()
			change(&s)
			_, err := f.service.Plan(t.Context(), id, s)
			var refused *diagnosis.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, diagnosis.CodeDDOEAPIOff, refused.Diagnosis.Code)
			requests := len(f.requests)
			a, cmd := f.submit(s)
			f.handle(cmd)
			assert.Equal(t, diagnosis.CodeDDOEAPIOff, f.requireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
			assert.Len(t, f.requests, requests, "nothing was touched")
			f.service.Platform = on
			f.carried(s)
			assert.Zero(t, f.onGate().drivers)
		})
	}
}
