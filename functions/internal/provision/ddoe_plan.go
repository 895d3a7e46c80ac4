package provision

import "github.com/ddoe-ai/azure-wif/functions/internal/integration"

// planPlatform is the platform's part of a plan, in the order of a run. Whether the organisation offers the type is known
// when it is asked, so the plan takes for granted that it does.
func (s *Service) planPlatform(d integration.Document) []PlannedStep {
	st := platformOf(d)
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
	case driver == nil:
		return append(steps, existing("ddoeDriver", st.DriverID, ActionDelete)...)
	case st.DriverID != "" && st.Driver != nil && !sameID(st.Driver.ProjectID, driver.ProjectID):
		steps = append(steps, existing("ddoeDriver", st.DriverID, ActionDelete)...)
		return append(steps, PlannedStep{Name: "ddoeDriver", Target: driver.Name, Action: ActionCreate})
	default:
		return append(steps, PlannedStep{Name: "ddoeDriver", Target: driver.Name, Action: createOrUpsert(st.DriverID), Key: st.DriverID})
	}
}

// existing is what is done with an object of ours; nothing where there is none.
func existing(name, id string, action Action) []PlannedStep {
	if id == "" {
		return nil
	}
	return []PlannedStep{{Name: name, Target: id, Action: action, Key: id}}
}

// planRemoval is the removal of what the API has made.
func planRemoval(st integration.DDOEStatus) []PlannedStep {
	return append(existing("ddoeDriver", st.DriverID, ActionDelete), existing("ddoeIntegration", st.IntegrationID, ActionDelete)...)
}

// planWithoutAPI leaves what the API has made, and the rest to a person.
func planWithoutAPI(d integration.Document, st integration.DDOEStatus) []PlannedStep {
	steps := append(existing("ddoeIntegration", st.IntegrationID, ActionKeep), existing("ddoeDriver", st.DriverID, ActionKeep)...)
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
