package provision

import "github.com/ddoe-ai/azure-wif/functions/internal/integration"

// planPlatform is the platform's part of a plan, in the order of a run. Whether the organisation offers the type is known
// when it is asked, so the plan takes for granted that it does.
func (s *Service) planPlatform(d integration.Document) []PlannedStep {
	st := integration.DDOEStatus{}
	if d.Status.DDOE != nil {
		st = *d.Status.DDOE
	}
	switch {
	case !wantsPlatform(d.Spec):
		return append(planRemoval(st), manualStep())
	case s.Platform == nil:
		return planWithoutAPI(d, st)
	}
	var steps []PlannedStep
	if st.OrganizationID != "" && !sameID(st.OrganizationID, d.Spec.DDOE.OrganizationID) {
		steps, st = planRemoval(st), integration.DDOEStatus{}
	}
	steps = append(steps, PlannedStep{Name: "ddoeIntegration", Target: platformName(d), Action: createOrUpsert(st.IntegrationID), Key: st.IntegrationID})
	switch driver := d.Spec.DDOE.Driver; {
	case driver != nil && st.DriverID != "" && st.Driver != nil && !sameID(st.Driver.ProjectID, driver.ProjectID):
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: st.DriverID, Action: ActionDelete, Key: st.DriverID},
			PlannedStep{Name: "ddoeDriver", Target: driver.Name, Action: ActionCreate})
	case driver != nil:
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: driver.Name, Action: createOrUpsert(st.DriverID), Key: st.DriverID})
	case st.DriverID != "":
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: st.DriverID, Action: ActionDelete, Key: st.DriverID})
	}
	return steps
}

// planRemoval is the removal of what the API has made.
func planRemoval(st integration.DDOEStatus) []PlannedStep {
	var steps []PlannedStep
	if st.DriverID != "" {
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: st.DriverID, Action: ActionDelete, Key: st.DriverID})
	}
	if st.IntegrationID != "" {
		steps = append(steps, PlannedStep{Name: "ddoeIntegration", Target: st.IntegrationID, Action: ActionDelete, Key: st.IntegrationID})
	}
	return steps
}

// planWithoutAPI leaves what the API has made, and the rest to a person.
func planWithoutAPI(d integration.Document, st integration.DDOEStatus) []PlannedStep {
	var steps []PlannedStep
	if st.IntegrationID != "" {
		steps = append(steps, PlannedStep{Name: "ddoeIntegration", Target: st.IntegrationID, Action: ActionKeep, Key: st.IntegrationID})
	}
	if st.DriverID != "" {
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: st.DriverID, Action: ActionKeep, Key: st.DriverID})
	}
	switch {
	case !madeHere(d):
		return append(steps, manualStep())
	case d.Spec.DDOE.Driver != nil && st.DriverID == "":
		return append(steps, PlannedStep{Name: "ddoeDriver", Target: d.Spec.DDOE.Driver.Name, Action: ActionManual})
	}
	return steps
}

func manualStep() PlannedStep {
	return PlannedStep{Name: "ddoe", Target: "Create Storage Integration", Action: ActionManual}
}

func createOrUpsert(id string) Action {
	if id == "" {
		return ActionCreate
	}
	return ActionUpsert
}
