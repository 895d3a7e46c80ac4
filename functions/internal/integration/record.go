package integration

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// SchemaVersion is the version of the records that this build writes. Raise it with a change that makes an older
// build misread a record, or lose a member of it when it writes the record again. That build then refuses the record
// (ErrTooNew). A version that this build still reads keeps its files in testdata/records. A record without a
// version is of version 1: builds from before there were versions wrote it.
//
// Version 2 is a document of a managed identity, which an older build would take for an application's. Version 3 is
// one that is not managed, which an older build would overwrite and tear down. Version 4 is one that has an owner,
// which an older build would let others see and change. Version 5 is one of an identity that was taken over, of which
// an older build would make a second one. All other records are still of version 1.
const SchemaVersion = schemaVersion5

const (
	schemaVersion1 = iota + 1
	schemaVersion2
	schemaVersion3
	schemaVersion4
	schemaVersion5
)

// documentRecord is what the store keeps of a Document. What is the same for callers, use cases and store (Spec and
// what the status is a list of) has one type.
type documentRecord struct {
	SchemaVersion    int          `json:"schemaVersion"`
	ID               string       `json:"id"`
	Spec             Spec         `json:"spec"`
	IsUnmanaged      bool         `json:"unmanaged,omitempty"`
	Generation       int          `json:"generation,omitempty"` // absent: the first
	Status           statusRecord `json:"status"`
	CreatedAt        time.Time    `json:"createdAt"`
	FirstOperationID string       `json:"firstOperationId,omitempty"`
	UpdatedAt        time.Time    `json:"updatedAt"`
	Owner            string       `json:"owner,omitempty"`
	CreatedBy        caller.IDs   `json:"createdBy,omitzero"`
	LastModifiedBy   caller.IDs   `json:"lastModifiedBy,omitzero"`
	Outbox           Outbox       `json:"outbox,omitempty"`
}

type statusRecord struct {
	Phase Phase `json:"phase"`
	IdentityNames
	FederatedCredentials []FederatedCredential `json:"federatedCredentials,omitempty"`
	RoleAssignments      []RoleAssignment      `json:"roleAssignments,omitempty"`
	DDOE                 *ddoeRecord           `json:"ddoe,omitempty"`
	Left                 []string              `json:"left,omitempty"`
	Health               *Health               `json:"health,omitempty"`
	LastOperationID      string                `json:"lastOperationId,omitempty"`
	ChangedBy            string                `json:"changedBy,omitempty"`
	Conditions           []Condition           `json:"conditions,omitempty"`
}

// ddoeRecord has the members of DDOEStatus, so that one is converted into the other: a member that only one of them
// has does not compile.
type ddoeRecord struct {
	Mode            string               `json:"mode,omitempty"`
	OrganizationID  string               `json:"organizationId,omitempty"`
	IntegrationID   string               `json:"integrationId,omitempty"`
	DriverID        string               `json:"driverId,omitempty"`
	Adopted         bool                 `json:"adopted,omitempty"`
	IntegrationType string               `json:"integrationType,omitempty"`
	OptionsHash     string               `json:"optionsHash,omitempty"`
	Validated       bool                 `json:"validated"`
	ValidationID    string               `json:"validationId,omitempty"`
	CheckedAt       *time.Time           `json:"checkedAt,omitempty"`
	Form            *DDOEForm            `json:"form,omitempty"`
	Why             string               `json:"why,omitempty"`
	Next            string               `json:"next,omitempty"`
	Diagnosis       *diagnosis.Diagnosis `json:"diagnosis,omitempty"`
	Confirmed       *DDOEConfirmation    `json:"confirmed,omitempty"`
	ConfirmedHash   string               `json:"confirmedHash,omitempty"`
	Driver          *DDOEDriver          `json:"driver,omitempty"`
}

// unnamedOwner is the owner of a record that names none: older builds knew no other.
const unnamedOwner = caller.IDFunctionKey

func (d Document) record() documentRecord {
	wanted, made := d.Spec.recorded().Identity.Kind, d.Status.Identity.Kind
	version := max(wanted.about().schemaVersion, made.about().schemaVersion)
	if d.IsUnmanaged {
		version = schemaVersion3
	}
	owner := d.Owner
	if owner == unnamedOwner {
		owner = ""
	}
	if owner != "" || len(d.Spec.Tags) > 0 {
		version = schemaVersion4
	}
	if d.Status.Identity.IsTaken {
		version = schemaVersion5
	}
	return documentRecord{
		SchemaVersion: version, ID: d.ID, IsUnmanaged: d.IsUnmanaged,
		Spec: d.Spec.record(), Generation: d.laterGeneration(), Status: d.Status.record(),
		CreatedAt: d.CreatedAt, FirstOperationID: d.FirstOperationID, UpdatedAt: d.UpdatedAt, Outbox: d.Outbox,
		Owner: owner, CreatedBy: d.CreatedBy, LastModifiedBy: d.LastModifiedBy,
	}
}

// laterGeneration leaves out that the spec is the first: a record that does not say is of it.
func (d Document) laterGeneration() int {
	if d.Generation == 1 {
		return 0
	}
	return d.Generation
}

// record leaves out that the identity is an application: a record that does not say is of one.
func (s Spec) record() Spec {
	if s.Identity != nil && *s.Identity == (Identity{Kind: unnamedKind()}) {
		s.Identity = nil
	}
	return s
}

func (s Spec) recorded() Spec {
	if s.Identity == nil {
		s.Identity = &Identity{Kind: unnamedKind()}
	}
	return s
}

func (r documentRecord) document(etag string) Document {
	generation, owner := r.Generation, r.Owner
	if etag != "" { // it is stored, so it has a spec and an owner
		generation, owner = max(generation, 1), cmp.Or(owner, unnamedOwner)
	}
	return Document{
		ID: r.ID, Spec: r.Spec.recorded(), IsUnmanaged: r.IsUnmanaged, Generation: generation,
		Status:    r.Status.status(),
		CreatedAt: r.CreatedAt, FirstOperationID: r.FirstOperationID, UpdatedAt: r.UpdatedAt,
		Owner: owner, CreatedBy: r.CreatedBy, LastModifiedBy: r.LastModifiedBy,
		Outbox: r.Outbox, ETag: etag,
	}
}

func (s Status) record() statusRecord {
	return statusRecord{
		Phase: s.Phase, IdentityNames: s.IdentityNames().record(), FederatedCredentials: s.FederatedCredentials,
		RoleAssignments: s.RoleAssignments, DDOE: (*ddoeRecord)(s.DDOE), Left: s.Left, Health: s.Health,
		LastOperationID: s.LastOperationID, ChangedBy: s.ChangedBy, Conditions: s.Conditions,
	}
}

func (r statusRecord) status() Status {
	return Status{
		Phase: r.Phase, Identity: r.IdentityNames.made(), ClientID: r.ClientID,
		ServicePrincipalID: r.ServicePrincipalID, FederatedCredentials: r.FederatedCredentials,
		RoleAssignments: r.RoleAssignments, DDOE: (*DDOEStatus)(r.DDOE), Left: r.Left, Health: r.Health,
		LastOperationID: r.LastOperationID, ChangedBy: r.ChangedBy, Conditions: r.Conditions,
	}
}

// operationRecord is what the store keeps of an Operation.
type operationRecord struct {
	SchemaVersion int                  `json:"schemaVersion"`
	ID            string               `json:"id"`
	Kind          OperationKind        `json:"kind"`
	Status        OperationStatus      `json:"status"`
	IntegrationID string               `json:"integrationId,omitempty"`
	Steps         []Step               `json:"steps"`
	Waiting       *Waiting             `json:"waiting,omitempty"`
	Error         *diagnosis.Diagnosis `json:"error,omitempty"`
	diagnosis.Causes
	Result        json.RawMessage `json:"result,omitempty"`
	CreatedAt     time.Time       `json:"createdAt"`
	LastUpdatedAt time.Time       `json:"lastUpdatedAt"`
	RequestHash   string          `json:"requestHash,omitempty"`
	Caller        caller.IDs      `json:"caller,omitzero"`
	IsClaimed     bool            `json:"claimed,omitempty"`
	Attempts      int             `json:"attempts,omitempty"`
	// Standing is the caller's.
	Standing *caller.Standing `json:"callerStanding,omitempty"`
	Owner    string           `json:"owner,omitempty"`
	// FirstOperationID is that of the integration.
	FirstOperationID string `json:"firstOperationId,omitempty"`
}

func (o Operation) record() operationRecord {
	if o.Status == OperationRunning || o.Status.IsFinal() {
		o.Standing = nil // it is not needed any more
	}
	return operationRecord{
		SchemaVersion: schemaVersion1, ID: o.ID, Kind: o.Kind, Status: o.Status, IntegrationID: o.IntegrationID,
		Steps: o.Steps, Waiting: o.Waiting, Error: o.Error, Causes: o.Causes, Result: o.Result,
		CreatedAt: o.CreatedAt, LastUpdatedAt: o.LastUpdatedAt, RequestHash: o.RequestHash, Caller: o.Caller,
		IsClaimed: o.IsClaimed, Attempts: o.Attempts, Standing: o.Standing, Owner: o.Owner,
		FirstOperationID: o.FirstOperationID,
	}
}

func (r operationRecord) operation(etag string) Operation {
	return Operation{
		ID: r.ID, Kind: r.Kind, Status: r.Status, IntegrationID: r.IntegrationID, Steps: r.Steps,
		Waiting: r.Waiting, Error: r.Error, Causes: r.Causes, Result: r.Result, CreatedAt: r.CreatedAt,
		LastUpdatedAt: r.LastUpdatedAt, RequestHash: r.RequestHash, Caller: r.Caller, ETag: etag,
		IsClaimed: r.IsClaimed, Attempts: r.Attempts, Standing: r.Standing, Owner: r.Owner,
		FirstOperationID: r.FirstOperationID,
	}
}

// healthRecord is what the store keeps of a HealthRecord.
type healthRecord struct {
	SchemaVersion int `json:"schemaVersion"`
	HealthStatus
	IntegrationID    string     `json:"integrationId"`
	FirstOperationID string     `json:"firstOperationId,omitempty"`
	ChangedBy        string     `json:"changedBy,omitempty"`
	LastSlot         time.Time  `json:"lastSlot,omitzero"`
	LastConclusive   time.Time  `json:"lastConclusive,omitzero"`
	Suspicion        *Suspicion `json:"suspicion,omitempty"`
	Tries            int        `json:"tries,omitempty"`
	Again            *time.Time `json:"again,omitempty"`
	Outbox           Outbox     `json:"outbox,omitempty"`
}

func (h HealthRecord) record() healthRecord {
	return healthRecord{
		SchemaVersion: schemaVersion1, HealthStatus: h.HealthStatus, IntegrationID: h.IntegrationID,
		FirstOperationID: h.FirstOperationID, ChangedBy: h.ChangedBy, LastSlot: h.LastSlot,
		LastConclusive: h.LastConclusive,
		Suspicion:      h.Suspicion, Tries: h.Tries, Again: h.Again, Outbox: h.Outbox,
	}
}

func (r healthRecord) health(etag string) HealthRecord {
	return HealthRecord{
		HealthStatus: r.HealthStatus, IntegrationID: r.IntegrationID, FirstOperationID: r.FirstOperationID,
		ChangedBy: r.ChangedBy,
		LastSlot:  r.LastSlot, LastConclusive: r.LastConclusive, Suspicion: r.Suspicion, Tries: r.Tries,
		Again:  r.Again,
		Outbox: r.Outbox,
		ETag:   etag,
	}
}
