package dataloop

// Snapshot is all that the platform has. Options of integrations are in it, although the platform's own API never
// shows them again.
type Snapshot struct {
	Organizations         []Object `json:"organizations"`
	Projects              []Object `json:"projects"`
	AvailableIntegrations []Object `json:"availableIntegrations"`
	Integrations          []Object `json:"integrations"`
	Drivers               []Object `json:"drivers"`
	Commands              []Object `json:"commands"`
	Users                 []Object `json:"users"`
}
