package integration

import (
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Notice is an event that is to be published under a fixed id, so that telling it twice is recognisable.
type Notice struct {
	ID string `json:"id"`
	// Type is the CloudEvents type; empty for a change of health.
	Type string `json:"type,omitempty"`
	// At is when it happened; zero for a change of health, which has its own time.
	At time.Time `json:"at,omitzero"`
	// OperationID and Phase are those of the document when it happened; empty for a change of health.
	OperationID string `json:"operationId,omitempty"`
	Phase       Phase  `json:"phase,omitempty"`
	// Caller is who asked for the operation; zero for a change of health.
	Caller caller.IDs `json:"caller,omitzero"`
	// Change is the change of health, where the notice is about one.
	Change    *HealthChange        `json:"change,omitempty"`
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis,omitempty"`
}

// Outbox holds the events of a record that are not published yet, oldest first. It is written with the change that it
// tells of, and a notice leaves it once it is published.
type Outbox []Notice

// Add puts a notice at the end, unless one of its id is there already.
func (o *Outbox) Add(n Notice) {
	if !slices.ContainsFunc(*o, func(known Notice) bool { return known.ID == n.ID }) {
		*o = append(slices.Clone(*o), n)
	}
}

// Remove takes out the notices of these ids.
func (o *Outbox) Remove(ids []string) {
	*o = slices.DeleteFunc(slices.Clone(*o), func(n Notice) bool { return slices.Contains(ids, n.ID) })
}
