// Package view holds what callers see of integrations and operations: the bodies of answers that differ from what the
// use cases work on. What a view does not name stays in the service: nothing has to be remembered to be hidden. It is
// for edges.
package view

import (
	"encoding/json"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Document is an integration: what is wanted and what has been reached.
type Document struct {
	ID               string           `json:"id"`
	Spec             integration.Spec `json:"spec"`
	IsUnmanaged      bool             `json:"unmanaged,omitempty"`
	Generation       int              `json:"generation" doc:"Counts the changes of the spec, from 1"`
	Status           Status           `json:"status"`
	CreatedAt        time.Time        `json:"createdAt"`
	FirstOperationID string           `json:"firstOperationId,omitempty" doc:"Operation that made the integration"`
	UpdatedAt        time.Time        `json:"updatedAt"`
	Owner            string           `json:"owner,omitempty"`
	CreatedBy        *caller.IDs      `json:"createdBy,omitempty"`
	LastModifiedBy   *caller.IDs      `json:"lastModifiedBy,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Document) LongTags() map[string]string {
	return map[string]string{
		"IsUnmanaged": `doc:"It was imported: somebody else has made what it consists of, and it is ` +
			`watched, tested, ` +
			`and never changed"`,
		"Owner": `doc:"Whose integration it is: the object id of a user, group or service principal in Entra; ` +
			`function-key or queue of what such a caller made. Others do not see it. ` +
			`PATCH /integrations/{id}/owner gives it away"`,
		"CreatedBy": `doc:"Who asked for it; absent where that is not known"`,
		"LastModifiedBy": `doc:"Who asked for the last change of spec or owner, or for the teardown; absent where ` +
			`that is not known"`,
	}
}

// DocumentOf is what a caller sees of a document.
func DocumentOf(d integration.Document) Document {
	status := statusOf(d.Status)
	status.Conditions = d.Conditions()
	if form := d.Status.DDOE; form != nil && form.Form != nil && d.FormToFill() == nil {
		status.DDOE.Form, status.DDOE.Next = nil, "" // nobody is to type in an identity that is being replaced
	}
	if confirmed := d.Confirmation(); status.DDOE != nil {
		if status.DDOE.Confirmed = confirmed; confirmed != nil {
			status.DDOE.Next = "" // it is done
		}
	}
	return Document{
		ID: d.ID, Spec: d.Spec, IsUnmanaged: d.IsUnmanaged, Generation: d.Generation, Status: status,
		CreatedAt: d.CreatedAt, FirstOperationID: d.FirstOperationID, UpdatedAt: d.UpdatedAt,
		Owner: d.Owner, CreatedBy: idsOf(d.CreatedBy), LastModifiedBy: idsOf(d.LastModifiedBy),
	}
}

// Status is what has been reached.
type Status struct {
	Phase integration.Phase `json:"phase" enum:"pending,provisioning,provisioned,usable,failed,deprovisioning,deleted"`
	integration.IdentityNames
	FederatedCredentials []integration.FederatedCredential `json:"federatedCredentials,omitempty"`
	RoleAssignments      []integration.RoleAssignment      `json:"roleAssignments,omitempty"`
	DDOE                 *DDOEStatus                       `json:"ddoe,omitempty"`
	Left                 []string                          `json:"left,omitempty"`
	Health               *integration.Health               `json:"health,omitempty"`
	LastOperationID      string                            `json:"lastOperationId,omitempty"`
	Conditions           []integration.Condition           `json:"conditions,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Status) LongTags() map[string]string {
	return map[string]string{
		"Phase": `doc:"How far it has come: pending (accepted), provisioning, provisioned (every object exists), ` +
			`usable (access was proved as the federated identity), failed (a condition says why), deprovisioning ` +
			`(being torn down; or that has failed, as the condition Deleted says), deleted"`,
		"Left": `doc:"What a teardown that did not end has left for a person to remove, or for another DELETE; a ` +
			`sentence each"`,
		"Health": `doc:"What the last test or check says; absent before the first one"`,
		"Conditions": `doc:"Ready sums up: True only where all that the spec asks for is made, access is proved, ` +
			`and the platform's side is done where the spec has ddoe; else its reason is the code of the cause. ` +
			`Provisioned says whether all was made, Verified whether access was proved, by the last test that was ` +
			`conclusive. Deleted is False where a teardown has failed"`,
	}
}

func statusOf(s integration.Status) Status {
	return Status{
		Phase: s.Phase, IdentityNames: s.IdentityNames(), FederatedCredentials: s.FederatedCredentials,
		RoleAssignments: s.RoleAssignments, DDOE: ddoeOf(s.DDOE), Left: s.Left, Health: s.Health,
		LastOperationID: s.LastOperationID,
	}
}

// DDOEStatus tells how the platform's side is set up: through its API, or by a person with the form values given here.
type DDOEStatus struct {
	Mode            string                        `json:"mode,omitempty" enum:"api,manual"`
	OrganizationID  string                        `json:"organizationId,omitempty"`
	IntegrationID   string                        `json:"integrationId,omitempty"`
	Adopted         bool                          `json:"adopted,omitempty"`
	DriverID        string                        `json:"driverId,omitempty" doc:"The driver's id on the platform"`
	IntegrationType string                        `json:"integrationType,omitempty"`
	Validated       bool                          `json:"validated"`
	ValidationID    string                        `json:"validationId,omitempty"`
	CheckedAt       *time.Time                    `json:"checkedAt,omitempty"`
	Form            *integration.DDOEForm         `json:"form,omitempty"`
	Confirmed       *integration.DDOEConfirmation `json:"confirmed,omitempty"`
	Why             string                        `json:"why,omitempty" doc:"Why it is left to a person"`
	Next            string                        `json:"next,omitempty"`
	Diagnosis       *diagnosis.Diagnosis          `json:"diagnosis,omitempty"`
	Driver          *integration.DDOEDriver       `json:"driver,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (DDOEStatus) LongTags() map[string]string {
	return map[string]string{
		"Mode":           `doc:"How it is set up; absent while nothing has been made yet"`,
		"OrganizationID": `doc:"Organisation in which the integration was made"`,
		"Adopted": `doc:"The integration is the one that the spec names: it is never changed and not removed at ` +
			`teardown"`,
		"IntegrationID":   `doc:"The integration's id on the platform"`,
		"Driver":          `doc:"The driver as the platform was sent it last"`,
		"IntegrationType": `doc:"The platform's name of the integration's type"`,
		"Validated":       `doc:"The platform has tested the driver as the federated identity since the last change"`,
		"ValidationID":    `doc:"The platform's command that tests the drivers, while it runs"`,
		"CheckedAt":       `doc:"When the platform's last test of the driver ended"`,
		"Form":            `doc:"What to type in where a person makes the integration; absent where it exists"`,
		"Confirmed":       `doc:"A person has filled in the form as it is now (POST /integrations/{id}/confirm)"`,
		"Next":            `doc:"What a person has to do, and what exists already"`,
		"Diagnosis":       `doc:"Why the API could not be used where it was wanted"`,
	}
}

func ddoeOf(s *integration.DDOEStatus) *DDOEStatus {
	if s == nil {
		return nil
	}
	return &DDOEStatus{
		Mode: s.Mode, OrganizationID: s.OrganizationID, IntegrationID: s.IntegrationID, Adopted: s.Adopted,
		DriverID:        s.DriverID,
		IntegrationType: s.IntegrationType, Validated: s.Validated, ValidationID: s.ValidationID,
		CheckedAt: s.CheckedAt,
		Form:      s.Form, Why: s.Why, Next: s.Next, Diagnosis: s.Diagnosis, Driver: s.Driver,
	}
}

// Operation is one long-running piece of work on an integration.
type Operation struct {
	ID            string                      `json:"id"`
	Kind          integration.OperationKind   `json:"kind" enum:"provision,deprovision,accessTest,healthCheck,unknown"`
	Status        integration.OperationStatus `json:"status" enum:"NotStarted,Running,Succeeded,Failed,Canceled"`
	IntegrationID string                      `json:"integrationId,omitempty"`
	Steps         []integration.Step          `json:"steps"`
	Waiting       *integration.Waiting        `json:"waiting,omitempty"`
	Error         *diagnosis.Diagnosis        `json:"error,omitempty"`
	diagnosis.Causes
	Result        json.RawMessage `json:"result,omitempty"`
	CreatedAt     time.Time       `json:"createdAt"`
	LastUpdatedAt time.Time       `json:"lastUpdatedAt"`
	Caller        *caller.IDs     `json:"caller,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Operation) LongTags() map[string]string {
	return map[string]string{
		"Caller": `doc:"Who asked for it; absent where that is not known"`,
		"Kind":   `doc:"unknown: the record of a message that is none of the others"`,
		"Waiting": `doc:"Why the last attempt failed and when the next one begins, until that has come to ` +
			`something; or why a request is being repeated within an attempt"`,
		"Result": `doc:"Of a provisioning clientId, tenantId, objectId and servicePrincipalId; of an access test ` +
			`its report; of a health check the health; of a teardown, one that has failed too, purged (the recycle ` +
			`bin was emptied) and left ` +
			`(what stays for a person to remove, a sentence each: what was made by hand, and what was not seen to ` +
			`be gone)"`,
	}
}

// OperationOf is what a caller sees of an operation.
func OperationOf(o integration.Operation) Operation {
	if o.Causes.Diagnosis == nil && o.Status == integration.OperationFailed {
		o.Causes.Diagnosis = o.Error
	}
	return Operation{
		ID: o.ID, Kind: o.Kind, Status: o.Status, IntegrationID: o.IntegrationID, Steps: o.Steps, Waiting: o.Waiting,
		Error: o.Error, Causes: o.Causes, Result: o.Result, CreatedAt: o.CreatedAt, LastUpdatedAt: o.LastUpdatedAt,
		Caller: idsOf(o.Caller),
	}
}

// idsOf leaves out a caller that is not known.
func idsOf(c caller.IDs) *caller.IDs {
	if c == (caller.IDs{}) {
		return nil
	}
	return &c
}
