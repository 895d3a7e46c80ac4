package world

// DDOE is the platform's part of a Snapshot. Options of integrations are in it, although the platform's own API never
// shows them again.
type DDOE struct {
	Organizations         []Object `json:"organizations"`
	Projects              []Object `json:"projects"`
	AvailableIntegrations []Object `json:"availableIntegrations"`
	Integrations          []Object `json:"integrations"`
	Drivers               []Object `json:"drivers"`
	Commands              []Object `json:"commands"`
	Users                 []Object `json:"users"`
}

func (w *World) ddoeSnapshot() DDOE {
	return DDOE{
		Organizations: w.ddoeObjects(DDOEOrganizations), Projects: w.ddoeObjects(DDOEProjects),
		AvailableIntegrations: w.ddoeObjects(DDOEAvailableIntegrations),
		Integrations:          w.ddoeObjects(DDOEIntegrations), Drivers: w.ddoeObjects(DDOEDrivers),
		Commands: w.ddoeObjects(DDOECommands), Users: w.ddoeObjects(DDOEUsers),
	}
}
