package provision

import (
	"net/http"
	"slices"
	"strings"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// refusal says what the answers of some statuses to some requests mean.
type refusal struct {
	// operations are the requests; none means any.
	operations []string
	statuses   []int
	// code is that of the diagnosis.
	code string
}

// codeDriverTestFailed is the code of a test of the storage that failed for what may be the storage's.
const codeDriverTestFailed = "ddoe-driver-test-failed"

// refusals is the table; the first row that matches counts. What no row matches is about the key and its roles, about the
// platform's health, or not known.
func refusals() []refusal {
	unknown := []int{http.StatusBadRequest, http.StatusNotFound} // 400 is for an id that it cannot even read
	return []refusal{
		{statuses: []int{http.StatusPaymentRequired}, code: "ddoe-quota-reached"},
		{operations: []string{opDriverTest, opPayloadTest}, statuses: contentStatuses(), code: codeDriverTestFailed},
		// The path of the payload's test has no id, so its 404 is about something else: such as the storage's own for a container.
		{operations: []string{opPayloadTest}, statuses: []int{http.StatusNotFound}, code: codeDriverTestFailed},
		{operations: []string{opTypes}, statuses: unknown, code: "ddoe-organization-unknown"},
		{operations: []string{opProject}, statuses: append(unknown, http.StatusForbidden), code: "ddoe-project-unknown"},
		{operations: []string{opPlatformIntegrationCreate, opPlatformIntegrationUpdate}, statuses: contentStatuses(), code: "ddoe-integration-refused"},
		{operations: []string{opPlatformIntegrationDelete}, statuses: contentStatuses(), code: "ddoe-integration-not-deleted"},
		{operations: []string{opDriverCreate, opDriverUpdate}, statuses: contentStatuses(), code: "ddoe-driver-refused"},
		{operations: []string{opDriverDelete}, statuses: contentStatuses(), code: "ddoe-driver-not-deleted"},
	}
}

// meaningOf is the code of what a refusal means for the request; empty where the table of reactions and status alone say
// nothing about it.
func meaningOf(operation string, refused *ddoe.Error) string {
	if react(operation, refused).reaction == readBack {
		return "ddoe-integration-name-taken"
	}
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
func writes(operation string) bool {
	return slices.Contains([]string{opPlatformIntegrationCreate, opPlatformIntegrationUpdate, opPlatformIntegrationDelete,
		opDriverCreate, opDriverUpdate, opDriverDelete}, operation)
}

// inWordsOf says what a request asks for, to follow "The platform refused to". object names what it is about, and may be empty.
func inWordsOf(operation, object string) string {
	does, ok := map[string]string{
		opTypes: "list the organisation's integration types", opProject: "show the project", opPlatformUser: "show the API key's user",
		opPlatformIntegrationList: "list the organisation's integrations", opPlatformIntegrationGet: "show the integration",
		opPlatformIntegrationCreate: "make the integration", opPlatformIntegrationUpdate: "change the integration",
		opPlatformIntegrationDelete: "delete the integration",
		opDriverList:                "list the drivers", opDriverGet: "show the driver", opDriverCreate: "make the driver", opDriverUpdate: "change the driver",
		opDriverDelete: "delete the driver", opDriverCount: "count the integration's drivers", opDriverValidate: "validate the integration's drivers",
		opDriverTest: "test the storage of the driver", opPayloadTest: "test the storage of the driver",
	}[operation]
	if !ok {
		does = "carry out " + operation
	}
	if object == "" {
		return does
	}
	return does + " " + diagnosis.Printable(object)
}

// object names what a request of the run is about: by the name that it is to have, else by the id in the request's path. It
// is empty where the request is about many.
func (r *run) object(operation string, refused *ddoe.Error) string {
	d := r.current()
	switch operation {
	case opPlatformIntegrationCreate, opPlatformIntegrationUpdate:
		return platformName(d)
	case opDriverCreate, opDriverUpdate, opDriverTest, opPayloadTest:
		if d.Spec.DDOE != nil && d.Spec.DDOE.Driver != nil {
			return d.Spec.DDOE.Driver.Name
		}
	case opPlatformIntegrationGet, opPlatformIntegrationDelete, opDriverGet, opDriverDelete:
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
