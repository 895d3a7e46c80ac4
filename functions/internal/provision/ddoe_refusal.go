package provision

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// refusal says what the answers of some statuses to some requests mean.
type refusal struct {
	// operations are the requests; none means any.
	operations []policy.Operation
	statuses   []int
	// code is that of the diagnosis.
	code diagnosis.Code
}

// refusals is the table; the first row that matches counts. What no row matches is about the key and its roles, about the
// platform's health, or not known.
func refusals() []refusal {
	unknown := []int{http.StatusBadRequest, http.StatusNotFound} // 400 is for an id that it cannot even read
	return []refusal{
		{statuses: []int{http.StatusPaymentRequired}, code: diagnosis.CodeDDOEQuotaReached},
		{operations: []policy.Operation{policy.DriverTest, policy.PayloadTest}, statuses: contentStatuses(), code: diagnosis.CodeDDOEDriverTestFailed},
		// The path of the payload's test has no id, so its 404 is about something else: such as the storage's own for a container.
		{operations: []policy.Operation{policy.PayloadTest}, statuses: []int{http.StatusNotFound}, code: diagnosis.CodeDDOEDriverTestFailed},
		{operations: []policy.Operation{policy.PlatformTypesList}, statuses: unknown, code: diagnosis.CodeDDOEOrganizationUnknown},
		{operations: []policy.Operation{policy.PlatformProjectGet}, statuses: append(unknown, http.StatusForbidden), code: diagnosis.CodeDDOEProjectUnknown},
		{operations: []policy.Operation{policy.PlatformIntegrationCreate, policy.PlatformIntegrationUpdate}, statuses: []int{http.StatusConflict},
			code: diagnosis.CodeDDOEIntegrationNameTaken},
		{operations: []policy.Operation{policy.PlatformIntegrationCreate, policy.PlatformIntegrationUpdate}, statuses: contentStatuses(), code: diagnosis.CodeDDOEIntegrationRefused},
		{operations: []policy.Operation{policy.PlatformIntegrationDelete}, statuses: contentStatuses(), code: diagnosis.CodeDDOEIntegrationNotDeleted},
		{operations: []policy.Operation{policy.DriverCreate, policy.DriverUpdate}, statuses: contentStatuses(), code: diagnosis.CodeDDOEDriverRefused},
		{operations: []policy.Operation{policy.DriverDelete}, statuses: contentStatuses(), code: diagnosis.CodeDDOEDriverNotDeleted},
	}
}

// meaningOf is the code of what a refusal means for the request; empty where operation and status alone say
// nothing about it.
func meaningOf(operation policy.Operation, refused *ddoe.Error) diagnosis.Code {
	status := refused.HTTPStatus()
	for _, row := range refusals() {
		asked := len(row.operations) == 0 || slices.Contains(row.operations, operation)
		if asked && slices.Contains(row.statuses, status) && (status != http.StatusNotFound || ddoe.IsNotFound(refused)) {
			return row.code
		}
	}
	if status == http.StatusForbidden {
		return roleMissing(operation)
	}
	return ""
}

// writes reports whether an operation makes, changes or deletes an object of the platform.
func writes(operation policy.Operation) bool {
	return slices.Contains([]policy.Operation{policy.PlatformIntegrationCreate, policy.PlatformIntegrationUpdate, policy.PlatformIntegrationDelete,
		policy.DriverCreate, policy.DriverUpdate, policy.DriverDelete}, operation)
}

// inWordsOf says what a request asks for, to follow "The platform refused to". object names what it is about, and may be empty.
func inWordsOf(operation policy.Operation, object string) string {
	does, ok := map[policy.Operation]string{
		policy.PlatformTypesList: "list the organisation's integration types", policy.PlatformProjectGet: "show the project", policy.PlatformUserGet: "show the API key's user",
		policy.PlatformIntegrationList: "list the organisation's integrations", policy.PlatformIntegrationGet: "show the integration",
		policy.PlatformIntegrationCreate: "make the integration", policy.PlatformIntegrationUpdate: "change the integration",
		policy.PlatformIntegrationDelete: "delete the integration",
		policy.DriverList:                "list the drivers", policy.DriverGet: "show the driver", policy.DriverCreate: "make the driver", policy.DriverUpdate: "change the driver",
		policy.DriverDelete: "delete the driver", policy.DriverCount: "count the integration's drivers", policy.DriverValidate: "validate the integration's drivers",
		policy.DriverTest: "test the storage of the driver", policy.PayloadTest: "test the storage of the driver",
	}[operation]
	if !ok {
		does = "carry out " + string(operation)
	}
	if object == "" {
		return does
	}
	return does + " " + diagnosis.Printable(object)
}

// object names what a request of the run is about: by the name that it is to have, else by the id in the request's path. It
// is empty where the request is about many.
func (r *run) object(operation policy.Operation, refused *ddoe.Error) string {
	d := r.current()
	switch operation {
	case policy.PlatformIntegrationCreate, policy.PlatformIntegrationUpdate:
		return platformName(d)
	case policy.DriverCreate, policy.DriverUpdate, policy.DriverTest, policy.PayloadTest:
		if d.Spec.DDOE != nil && d.Spec.DDOE.Driver != nil {
			return d.Spec.DDOE.Driver.Name
		}
	case policy.PlatformIntegrationGet, policy.PlatformIntegrationDelete, policy.DriverGet, policy.DriverDelete:
		id := lastSegment(refused.Endpoint())
		if st := platformOf(d); st.DriverID == id && sentDriver(st).Name != "" {
			return named(sentDriver(st).Name, id)
		}
		return id
	}
	return ""
}

// alsoOptions adds to the steps for storage that the platform cannot reach, before the last one, that options of the
// integration come from a setting: what is wrong there looks like a fault of the storage.
func (s *Service) alsoOptions(steps []string) []string {
	names := s.Platform.OptionMap.names()
	if len(names) == 0 {
		return steps
	}
	step := "If the platform names an account, a container, a tenant or a client that is not the spec's, or the access test passes: have the operator of this service check DDOE_OPTION_MAP, " +
		"which has the last word on the options " + strings.Join(names, ", ") + "; each has to be what the integration type asks for."
	return slices.Insert(slices.Clone(steps), len(steps)-1, step)
}
