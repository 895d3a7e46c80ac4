package provision_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformSideIsMadeAndValidated(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	st := d.Status.DDOE
	made := f.world.DDOEObjects(world.DDOEIntegrations)[0]
	driver := f.world.DDOEObjects(world.DDOEDrivers)[0]
	assert.Equal(t, "api", st.Mode)
	assert.Equal(t, made["id"], st.IntegrationID)
	assert.Equal(t, driver["id"], st.DriverID)
	assert.Equal(t, f.offered()["type"], st.IntegrationType)
	assert.False(t, st.Validated, "the platform has not validated it yet")
	assert.Nil(t, st.Form)
	assert.Equal(t, "DDOE WIF my-service", made["name"])
	assert.Equal(t, map[string]any{"images": nil, "azureblob": nil, "": nil}, map[string]any{driver["containerName"].(string): nil, driver["type"].(string): nil, driver["path"].(string): nil})
	assert.Equal(t, false, driver["allowExternalDelete"])
	assert.Equal(t, world.UserEmail, driver["creator"])
	assert.Equal(t, st.IntegrationType, driver["integrationType"])
	assert.Equal(t, world.ProjectID, driver["projectId"])

	// What the platform offers and allows is asked for before anything is written.
	assert.ElementsMatch(t, []string{"GET " + gate + "/orgs/" + world.OrganizationID + "/availableIntegrations", "GET " + gate + "/users/orgs",
		"GET " + gate + "/projects/" + world.ProjectID}, f.requests[:3])
	// Only listed options are sent, and the ones that nobody needs are not.
	options := made["options"].(map[string]any)
	assert.Len(t, options, 4)
	var values []string
	for _, v := range options {
		values = append(values, v.(string))
	}
	all := strings.Join(values, "\n")
	for _, want := range []string{d.Status.ClientID, world.TenantID, "acmedata", `"federatedTokenIssuer": "` + world.Issuer} {
		assert.Contains(t, all, want)
	}

	before := len(f.requests)
	f.verified(d.Status.LastOperationID)
	d = f.document()
	assert.Equal(t, integration.PhaseUsable, d.Status.Phase)
	assert.True(t, d.Status.DDOE.Validated)
	assert.NotNil(t, d.Status.DDOE.CheckedAt)
	assert.Empty(t, d.Status.DDOE.ValidationID)
	assert.Contains(t, strings.Join(f.requests[before:], "\n"), "/drivers/validateDrivers")

	// The same again changes nothing on the platform.
	before = len(f.requests)
	f.provisioned(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	for _, r := range f.requests[before:] {
		assert.NotRegexp(t, `^(POST|PATCH|DELETE) gate`, r)
	}

	a, down := f.remove(provision.TeardownOptions{})
	before = len(f.requests)
	f.handle(down)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
	var order []string
	for _, r := range f.requests[before:] {
		if strings.HasPrefix(r, "DELETE") {
			order = append(order, regexp.MustCompile(`(drivers|integrations|roleAssignments|federatedIdentityCredentials|applications)/[^/]*$`).FindStringSubmatch(r)[1])
		}
	}
	assert.Equal(t, []string{"drivers", "integrations"}, order[:2])
	assert.Equal(t, "applications", order[len(order)-1])
}

// TestPlatformKnowsTheName: an integration of another type has the name. Where the platform minds, its list shows none of
// ours, and that is believed after a while; once the name is free, the same command goes on.
func TestPlatformKnowsTheName(t *testing.T) {
	for _, quirk := range []string{platform.QuirkDuplicate400, platform.QuirkDuplicate409} {
		for _, words := range []string{"", "message", "text"} {
			for _, renamed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, errors %q, renamed %v", quirk, words, renamed), func(t *testing.T) {
					f := withPlatform(t)
					f.quirk(quirk, nil)
					if words != "" {
						f.quirk(platform.QuirkErrors, world.Object{"value": words})
					}
					theirs := world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": "azureblob", "org": world.OrganizationID, "options": world.Object{}, "metadata": []any{}}
					require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, theirs))
					a, cmd := f.submit(wired())
					f.handle(cmd)
					require.Equal(t, integration.OperationRunning, f.operation(a.Operation.ID).Status, "it may be a matter of time")
					require.Equal(t, gateCounts{integrations: 1}, f.onGate())
					if renamed {
						theirs["name"] = "another"
						require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, theirs))
						f.settle(cmd)
						f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
						assert.Equal(t, gateCounts{2, 1}, f.onGate())
						return
					}
					f.settle(cmd)
					op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
					assert.Equal(t, diagnosis.CodeDDOEIntegrationNameTaken, op.Error.Code)
					assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
				})
			}
		}
	}
	// Who does not mind gets one of ours beside it.
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": "azureblob", "org": world.OrganizationID,
		"options": world.Object{}, "metadata": []any{}}))
	f.carried(wired())
	assert.Equal(t, gateCounts{2, 1}, f.onGate())
}

// TestPlatformPatchReplaces: whether the platform merges the options of an update or takes them for all that there are,
// they are whole afterwards.
func TestPlatformPatchReplaces(t *testing.T) {
	for _, replaces := range []bool{false, true} {
		t.Run(fmt.Sprintf("replaces %v", replaces), func(t *testing.T) {
			f := withPlatform(t)
			if replaces {
				f.quirk(platform.QuirkPatchReplaces, nil)
			}
			f.carried(wired())
			before := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
			s := wired()
			s.ServiceName, s.Subjects = "", []string{other}
			f.carried(s)
			after := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
			require.Len(t, after, len(before))
			changed := 0
			for name, value := range before {
				if value == after[name] {
					continue
				}
				changed++
				assert.Contains(t, after[name], other, "the credential file alone has changed")
			}
			assert.Equal(t, 1, changed)
		})
	}
}

// TestPlatformsOwnSubject: the platform's tokens have another subject than the spec says. Its words tell which, in every
// form but a web page; once the spec has it, the same integration works.
func TestPlatformsOwnSubject(t *testing.T) {
	t.Parallel()
	const real = "system:serviceaccount:ddoe-runners:storage"
	for words, legible := range map[string]bool{"": true, "message": true, "text": true, "html": false} {
		t.Run(fmt.Sprintf("errors %q", words), func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(platform.QuirkSubject, world.Object{"value": real})
			if words != "" {
				f.quirk(platform.QuirkErrors, world.Object{"value": words})
			}
			a, cmd := f.submit(wired())
			f.handle(cmd)
			f.settle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, diagnosis.CodeDDOEDriverTestFailed, op.Error.Code)
			assert.Equal(t, legible, strings.Contains(op.Error.Detail, real), op.Error.Detail)
			assert.NotContains(t, op.Error.Detail, "<")
			require.NotNil(t, op.Error.Remedy)
			assert.Contains(t, strings.Join(op.Error.Remedy.Steps, " "), "subject")
			assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "no driver that cannot work")
			made := f.document().Status.DDOE.IntegrationID

			s := wired()
			s.ServiceName, s.Subjects = "", []string{real}
			d := f.carried(s)
			assert.Equal(t, made, d.Status.DDOE.IntegrationID)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
			assert.True(t, f.document().Status.DDOE.Validated)
		})
	}
}
