package resource_test

import (
	"cmp"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// mine is what the texts of all items name.
var mine = diagnosis.Context{Subject: "system:serviceaccount:dataloop:my-service", ClientID: "client",
	PrincipalID: "principal"}

// reported is the check of an item in a report.
type reported struct {
	item resource.Item
	// want has no remedy, which is the catalogue's, and no detail where that is the catalogue's too.
	want assessment.Check
	// transient and propagated are what the check states before and after a change counts everywhere.
	transient, propagated bool
}

// notRead is a request to the directory that did not succeed.
func notRead(op policy.Operation, status int, code string) error {
	return policy.Fail(op, diagnosis.Context{},
		&graph.Error{Op: string(op), StatusCode: status, Code: code, RequestID: "request"})
}

// reportedItems are items in each state that drift and health find.
var reportedItems = map[string]reported{
	"unchanged": {
		item: resource.Item{Name: "application", Title: "The application is as it is wanted", Target: "key",
			State: resource.Unchanged, Context: mine},
		want: assessment.Check{ID: "structure.application", Layer: "structure", Status: diagnosis.OutcomePass,
			Title: "The application is as it is wanted", Target: "key"},
	},
	"unchanged, and a member is somebody else's": {
		item: resource.Item{Name: "application", Title: "The application is as it is wanted", Target: "key",
			State: resource.Unchanged, Differences: []diagnosis.MemberDifference{
				{Member: "tags", Have: "by hand", Owner: diagnosis.OwnerOther}}},
		want: assessment.Check{ID: "structure.application", Layer: "structure", Status: diagnosis.OutcomePass,
			Title: "The application is as it is wanted", Target: "key", Field: "/tags", Actual: "by hand",
			Differences: []diagnosis.MemberDifference{
				{Member: "tags", Have: "by hand", Owner: diagnosis.OwnerOther}}},
	},
	"different in two members": {
		item: resource.Item{Name: "federatedCredential", Title: "not shown", Target: "a\u200bkey",
			State: resource.Different, Code: diagnosis.CodeFederatedCredentialMissing, Context: mine,
			Detail: "100% of it differs.", Differences: []diagnosis.MemberDifference{
				{Member: "subject", Want: "system:dataloop:mine", Have: "system:dataloop:Mine\n",
					Owner: diagnosis.OwnerOurs},
				{Member: "description", Want: "ours", Have: "", Owner: diagnosis.OwnerOther}}},
		want: assessment.Check{ID: "structure.federatedCredential", Layer: "structure",
			Status: diagnosis.OutcomeFail, Code: "federated-credential-missing",
			Title: title(diagnosis.CodeFederatedCredentialMissing), Detail: "100% of it differs.",
			Target: "a\uFFFDkey", Field: "/subject", Expected: "system:dataloop:mine",
			Actual: "system:dataloop:Mine\uFFFD", DiffAt: new(16), Differences: []diagnosis.MemberDifference{
				{Member: "subject", Want: "system:dataloop:mine", Have: "system:dataloop:Mine\uFFFD",
					Owner: diagnosis.OwnerOurs},
				{Member: "description", Want: "ours", Have: "", Owner: diagnosis.OwnerOther}}},
		transient: true,
	},
	"different in a member that is not set": {
		item: resource.Item{Name: "federatedCredential", State: resource.Different,
			Code: diagnosis.CodeFederatedCredentialMissing, Differences: []diagnosis.MemberDifference{
				{Member: "issuer", Want: "https://issuer", Owner: diagnosis.OwnerOurs}}},
		want: assessment.Check{ID: "structure.federatedCredential", Layer: "structure",
			Status: diagnosis.OutcomeFail, Code: "federated-credential-missing",
			Title: title(diagnosis.CodeFederatedCredentialMissing), Field: "/issuer", Expected: "https://issuer",
			Differences: []diagnosis.MemberDifference{
				{Member: "issuer", Want: "https://issuer", Owner: diagnosis.OwnerOurs}}},
		transient: true,
	},
	"missing": {
		item: resource.Item{Name: "application", Title: "not shown", Target: "key", State: resource.Missing,
			Code: diagnosis.CodeIdentityMissing, Context: named("the\u200bapplication")},
		want: assessment.Check{ID: "structure.application", Layer: "structure", Status: diagnosis.OutcomeFail,
			Code: "identity-missing", Title: "The identity does not exist",
			Target: "the\uFFFDapplication"},
		transient: true,
	},
	"extra": {
		item: resource.Item{Name: "federatedCredential", Title: "not shown", Target: "by-hand",
			State: resource.Extra, Code: diagnosis.CodeFederatedCredentialExtra, Context: mine},
		want: assessment.Check{ID: "drift.federatedCredential", Layer: "structure", Status: diagnosis.OutcomeWarn,
			Code: "federated-credential-extra", Title: "The identity trusts somebody else too",
			Target: "by-hand"},
		transient: true,
	},
	"unwanted": {
		item: resource.Item{Name: "federatedCredential", Title: "The subject of before", Target: "wif-before",
			State: resource.Unwanted, Context: mine},
		want: assessment.Check{ID: "drift.federatedCredential", Layer: "structure", Status: diagnosis.OutcomePass,
			Title: "The subject of before", Target: "wif-before"},
	},
	"unwanted, under an id of its own": {
		item: resource.Item{Name: "integration", CheckID: "ddoe.integration", State: resource.Unwanted,
			Code: diagnosis.CodeDDOEIntegrationUnwanted, Target: "integration"},
		want: assessment.Check{ID: "ddoe.integration", Layer: "structure", Status: diagnosis.OutcomeWarn,
			Code: "ddoe-integration-unwanted", Title: title(diagnosis.CodeDDOEIntegrationUnwanted),
			Target: "integration"},
		transient: true,
	},
	"manual": {
		item: resource.Item{Name: "driver", CheckID: "ddoe.driver", Title: "The driver is left to you",
			Target: "images", State: resource.Manual, Code: diagnosis.CodeDDOEAPIUsable,
			Detail: "Make it by hand."},
		want: assessment.Check{ID: "ddoe.driver", Layer: "structure", Status: diagnosis.OutcomeSkip,
			Code: "ddoe-api-usable", Title: "The driver is left to you", Detail: "Make it by hand.",
			Target: "images"},
	},
	"manual, and not read": {
		item: resource.Item{Name: "driver", CheckID: "ddoe.driver", Title: "not shown", Target: "images",
			State: resource.Manual, Err: notRead(policy.ApplicationGet, http.StatusServiceUnavailable, "")},
		want: assessment.Check{ID: "ddoe.driver", Layer: "structure", Status: diagnosis.OutcomeUnknown,
			Code: "graph-unavailable", Title: title(diagnosis.CodeGraphUnavailable), Target: "images",
			Evidence: &diagnosis.Evidence{Service: "graph", HTTPStatus: 503, RequestID: "request"}},
		transient: true, propagated: true,
	},
	"a read that shows that it is gone": {
		item: resource.Item{Name: "application", Title: "not shown", Target: "key", Context: mine,
			State: resource.Unchanged, Code: diagnosis.CodeApplicationReplaced,
			Err: notRead(policy.ApplicationGet, http.StatusNotFound, "Request_ResourceNotFound")},
		want: assessment.Check{ID: "structure.application", Layer: "structure", Status: diagnosis.OutcomeFail,
			Code: "identity-missing", Title: "The identity does not exist", Target: "key",
			Evidence: &diagnosis.Evidence{Service: "graph", HTTPStatus: 404,
				ServiceCode: "Request_ResourceNotFound", RequestID: "request"}},
		transient: true,
	},
	"a read that is refused": {
		item: resource.Item{Name: "application", Title: "not shown", Target: "key", Context: mine,
			Err: notRead(policy.ApplicationGet, http.StatusForbidden, "Authorization_RequestDenied")},
		want: assessment.Check{ID: "structure.application", Layer: "structure", Status: diagnosis.OutcomeUnknown,
			Code: "graph-permission-missing", Title: title(diagnosis.CodeGraphPermissionMissing), Target: "key",
			Evidence: &diagnosis.Evidence{Service: "graph", HTTPStatus: 403,
				ServiceCode: "Authorization_RequestDenied", RequestID: "request"}},
	},
}

func named(target string) diagnosis.Context {
	c := mine
	c.Target = target
	return c
}

// title is the catalogue's, which no item replaces.
func title(code diagnosis.Code) string { return diagnosis.New(code).Title }

// TestChecks: a report tells of each item which one it is, what is wrong with it, member by member, and whether
// waiting may mend it.
func TestChecks(t *testing.T) {
	t.Parallel()
	for name, c := range reportedItems {
		for propagated, transient := range map[bool]bool{false: c.transient, true: c.propagated} {
			want, words := c.want, c.item.Context
			want.Transient, words.Propagated = transient, propagated
			words.Operation = policy.OperationOf(c.item.Err)
			if want.Code != "" && want.Status != diagnosis.OutcomeSkip {
				d := diagnosis.New(want.Code, diagnosis.WithContext(words))
				want.Remedy, want.Detail = d.Remedy, cmp.Or(want.Detail, d.Detail)
			}
			assert.Equal(t, []assessment.Check{want}, resource.Checks([]resource.Item{c.item}, propagated),
				"%s, propagated: %v", name, propagated)
		}
	}
}
