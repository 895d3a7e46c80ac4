package diagnosis_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// putItself are the codes whose remedy is a PUT whatever was asked for: about a PUT alone, or about a record that only
// a PUT makes readable again. None of them is what a teardown of a readable record ends with.
var putItself = map[diagnosis.Code]bool{diagnosis.CodeRecordUnreadable: true, diagnosis.CodeRecordSetAside: true}

// TestNoTeardownIsToldToPut: the whole catalogue, as it is told of a DELETE, has something to do, and no PUT in it.
func TestNoTeardownIsToldToPut(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, diagnosis.Entries())
	for _, entry := range diagnosis.Entries() {
		for request, words := range map[diagnosis.Request]string{diagnosis.RequestDelete: "DELETE again",
			diagnosis.RequestOther: "request again"} {
			told := diagnosis.New(entry.Code, diagnosis.WithContext(diagnosis.Context{Request: request}))
			text := strings.Join(told.Remedy.Steps, "\n")
			assert.NotEmpty(t, text, entry.Code)
			if putItself[entry.Code] {
				continue
			}
			assert.NotRegexp(t, `\bPUTs?\b`, text+told.Detail, entry.Code)
			again := strings.Contains(strings.Join(entry.Steps, "\n"), diagnosis.PutAgain+".")
			assert.True(t, !again || strings.Contains(text, words), "%s: %s", entry.Code, text)
		}
		put := diagnosis.New(entry.Code)
		assert.Equal(t, entry.Command == "", put.Remedy.Command == "", "a PUT is given the command of %s", entry.Code)
		assert.Len(t, put.Remedy.Steps, len(entry.Steps), "a PUT is told everything")
	}
}

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	for code, want := range map[diagnosis.Code][]string{
		diagnosis.CodeMessageExpired: {"Check that the app is running.", "Send the DELETE again."},
		diagnosis.CodeDDOEProjectUnknown: {"Correct ddoe.driver.projectId in the spec: it is the id, " +
			"not the name.",
			"If it is right, give the user of DDOE_API_KEY the role developer or owner in the project; " +
				"then send the " +
				"DELETE again."},
		diagnosis.CodeDDOEDriverNotDeleted: {"Read what the platform says. Move or delete the datasets on " +
			"the driver, or " +
			"delete the driver itself on the platform; then send the request again."},
		diagnosis.CodeFederatedCredentialMissing: {"Send the DELETE again."},
	} {
		told := diagnosis.New(code, diagnosis.WithContext(diagnosis.Context{Request: diagnosis.RequestDelete}))
		assert.Equal(t, want, told.Remedy.Steps, code)
	}
}

// TestWhatRemovesGivesNothingBack: over the whole catalogue, no removal is told to make or grant what is to go, and
// what stays after a DELETE ends with that.
func TestWhatRemovesGivesNothingBack(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, diagnosis.Entries())
	for name, c := range map[string]diagnosis.Context{
		"a DELETE":                    {Request: diagnosis.RequestDelete},
		"a managed identity's DELETE": {Request: diagnosis.RequestDelete, Upkeep: diagnosis.InResourceGroup},
		"a role's removal in a PUT":   {Operation: "rbac.delete"},
		"a purge":                     {Operation: "deletedItem.purge"},
		"a credential's removal":      {Operation: "federatedCredential.delete"},
	} {
		for _, entry := range diagnosis.Entries() {
			told := diagnosis.New(entry.Code, diagnosis.WithContext(c)).Remedy
			text := strings.Join(append(told.Steps, told.Command), "\n")
			assert.NotRegexp(t, `az .* (create|update|add|set|assign)\b|--set |--method (put|post|patch)`, text,
				"%s: %s", name, entry.Code)
			assert.NotRegexp(t, `(?i)\bassign (<role>|the integration's role)|\benable the service|(?m:^Enable )|`+
				`create the (container|credential)|the command (does|names)`, text, "%s: %s", name, entry.Code)
			if c.Request == diagnosis.RequestDelete && !entry.Transient {
				assert.Regexp(t, `(?i)send the (DELETE|request) again\.$`, strings.Join(told.Steps, "\n"), entry.Code)
			}
		}
	}
}

// TestWhatIsSaidOfALook: over the whole catalogue, nothing that was only read is said to have been written, or to have
// failed at a step of an operation; what was to be written is told so.
func TestWhatIsSaidOfALook(t *testing.T) {
	t.Parallel()
	for _, operation := range []diagnosis.Operation{"application.get", "rbac.list", "bus.link", "ddoe.driver.count"} {
		for _, entry := range diagnosis.Entries() {
			told := diagnosis.New(entry.Code, diagnosis.WithContext(diagnosis.Context{Operation: operation}))
			assert.NotEmpty(t, told.Remedy.Steps, entry.Code)
			assert.NotRegexp(t, `landed|operation's (failed )?step|deleted application still`,
				told.Detail+strings.Join(told.Remedy.Steps, "\n"),
				"%s: %s", operation, entry.Code)
		}
	}
	for _, operation := range []diagnosis.Operation{"", "application.update", "application.delete"} {
		c := diagnosis.WithContext(diagnosis.Context{Operation: operation})
		assert.Contains(t, diagnosis.New(diagnosis.CodeGraphUnavailable, c).Detail, "failed. The write may or may not")
		steps := diagnosis.New(diagnosis.CodeGraphPermissionMissing, c).Remedy.Steps
		assert.Contains(t, strings.Join(steps, "\n"), "failed step")
	}
}

// TestARightThatIsTriedIsGranted: a blob's deletion is a try, and the right to it is what is missing.
func TestARightThatIsTriedIsGranted(t *testing.T) {
	t.Parallel()
	for _, operation := range []diagnosis.Operation{"", "rbac.put", "access.delete"} {
		told := diagnosis.New(diagnosis.CodeRoleMissing,
			diagnosis.WithContext(diagnosis.Context{Operation: operation}))
		assert.Contains(t, told.Remedy.Command, "az role assignment create", operation)
	}
}

// TestNoRemedyBeginsWithAnAlternative: whoever reads it, there is something that the others stand in the place of.
func TestNoRemedyBeginsWithAnAlternative(t *testing.T) {
	t.Parallel()
	alternatives := 0
	for _, entry := range diagnosis.Entries() {
		for _, request := range []diagnosis.Request{diagnosis.RequestPut, diagnosis.RequestDelete,
			diagnosis.RequestOther, diagnosis.RequestLook} {
			for _, wasThere := range []bool{false, true} {
				steps := diagnosis.New(entry.Code, diagnosis.WithContext(diagnosis.Context{Request: request,
					WasThere: wasThere})).Remedy.Steps
				assert.False(t, diagnosis.IsAlternative(steps[0]), "%s: %s", entry.Code, steps[0])
				for _, step := range steps[1:] {
					if diagnosis.IsAlternative(step) {
						alternatives++
					}
				}
			}
		}
	}
	assert.Greater(t, alternatives, 50)
}
