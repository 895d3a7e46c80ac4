package provision_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformRolesAndErrors(t *testing.T) {
	user := func(f *fixture, member, role string) {
		o, _ := f.world.DDOEObject(world.DDOEUsers, world.UserEmail)
		o[member] = role
		require.NoError(f.t, f.world.PutDDOEObject(world.DDOEUsers, o))
	}
	for name, c := range map[string]struct {
		arrange func(*fixture)
		code    string
		detail  string
		kept    gateCounts
	}{
		"organisation role": {func(f *fixture) { user(f, "role", "member") }, "ddoe-organization-role-missing", "admin or owner", gateCounts{}},
		"project role":      {func(f *fixture) { user(f, "projectRole", "viewer") }, "ddoe-project-role-missing", "developer or owner", gateCounts{integrations: 1}},
		"role as 401": {func(f *fixture) {
			f.quirk(platform.QuirkRole401, nil)
			user(f, "role", "member")
		}, "ddoe-organization-role-missing", "admin or owner", gateCounts{}},
		"key refused": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`gate`), status: 401}) }, "ddoe-unauthorized", "API key", gateCounts{}},
		"plain text": {func(f *fixture) {
			f.quirk(platform.QuirkErrors, world.Object{"value": "text"})
			user(f, "role", "member")
		}, "ddoe-organization-role-missing", "The platform says: Forbidden", gateCounts{}},
		"web page": {func(f *fixture) {
			f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>"))
			})
		}, "ddoe-answer-invalid", "", gateCounts{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			c.arrange(f)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, c.code, op.Error.Code)
			assert.Contains(t, op.Error.Detail, c.detail)
			assert.Equal(t, c.kept, f.onGate())
			if name == "key refused" || name == "web page" {
				assert.Equal(t, counts{}, f.counts(), "nothing was written")
			}
		})
	}
}

func TestPlatformForeignIntegration(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": f.offered()["type"],
		"org": world.OrganizationID, "options": world.Object{}, "metadata": []any{}}))
	a, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, "ddoe-integration-foreign", op.Error.Code)
	assert.Contains(t, op.Error.Detail, "theirs")
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "what is not ours stays")
}
