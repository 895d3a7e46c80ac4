package assessment

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestNames holds the words that reports are written in: programs compare them.
func TestNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []Verdict{"pass", "warn", "fail", "unknown"},
		[]Verdict{VerdictPass, VerdictWarn, VerdictFail, VerdictUnknown})
	assert.Equal(t, []ClaimLevel{"file", "discovery", "structure", "exchange", "access"},
		[]ClaimLevel{ClaimFile, ClaimDiscovery, ClaimStructure, ClaimExchange, ClaimAccess})
	assert.Equal(t, []string{"case", "trailing-slash", "blank", "namespace", "look-alike", "other"},
		[]string{ClassCase, ClassSlash, ClassBlank, ClassNamespace, ClassLookAlike, ClassOther})
	field, _ := reflect.TypeFor[Check]().FieldByName("Layer")
	assert.Equal(t, "file,discovery,structure,token,exchange,network,protection,list,read,write,delete,cleanup",
		field.Tag.Get("enum"))
	assert.Equal(t, []string{"file", "discovery", "structure", "token", "exchange", "network", "protection", "list",
		"read", "write", "delete", "cleanup"}, layers(), "each layer of the document has its place")
}

// TestACheckIsItsDiagnosis: what one says the other says, in every member, there and back.
func TestACheckIsItsDiagnosis(t *testing.T) {
	t.Parallel()
	d := diagnosis.Diagnosis{Type: diagnosis.TypeOf("", diagnosis.CodeRoleMissing), Layer: "read",
		Code: diagnosis.CodeRoleMissing, Title: "t", Detail: "d", Transient: true,
		Remedy:   &diagnosis.Remedy{Who: diagnosis.WhoStorageAdmin, Steps: []string{"s"}},
		Evidence: &diagnosis.Evidence{HTTPStatus: 403}}
	check := CheckOf("access.read", "read", d)
	assert.Equal(t, Check{ID: "access.read", Layer: "read", Status: diagnosis.OutcomeFail, Code: d.Code, Title: "t",
		Detail: "d", Transient: true, Remedy: d.Remedy, Evidence: d.Evidence}, check)
	assert.Equal(t, d, check.Diagnosis())
	check.Detail = ""
	assert.Equal(t, "t", check.Diagnosis().Detail, "the title says it")
	assert.Equal(t, Check{ID: "i", Layer: "l", Status: diagnosis.OutcomeSkip, Title: "t", DependsOn: "o"},
		Skip("i", "l", "t", "o"))
}

// TestEachLayerComesBeforeTheNext as a cause, and each outcome before the next, whatever the order of the checks.
func TestEachLayerComesBeforeTheNext(t *testing.T) {
	t.Parallel()
	check := func(layer string, status diagnosis.Outcome) Check {
		id := layer + string(status)
		return Check{ID: id, Layer: layer, Status: status, Code: diagnosis.Code(id)}
	}
	all := layers()
	for i := range all[1:] {
		earlier, later := check(all[i], "fail"), check(all[i+1], "fail")
		for _, checks := range [][]Check{{earlier, later}, {later, earlier}} {
			assert.Equal(t, []Check{earlier, later}, Ordered(checks), all[i])
		}
	}
	outcomes := []diagnosis.Outcome{diagnosis.OutcomeFail, diagnosis.OutcomeUnknown, diagnosis.OutcomeWarn}
	for i := range outcomes[1:] {
		graver, lighter := check("write", outcomes[i]), check("file", outcomes[i+1])
		for _, checks := range [][]Check{{graver, lighter}, {lighter, graver}} {
			assert.Equal(t, []Check{graver, lighter}, Ordered(checks), outcomes[i])
		}
	}
	stays, passes := check("write", "fail"), check("file", "fail")
	passes.Transient = true
	for _, checks := range [][]Check{{stays, passes}, {passes, stays}} {
		assert.Equal(t, []Check{stays, passes}, Ordered(checks), "what stays is mended first")
	}
	assert.Empty(t, Ordered([]Check{check("file", "pass"), check("file", "skip")}))
}
