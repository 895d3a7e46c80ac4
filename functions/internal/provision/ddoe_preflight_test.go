package provision_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// role gives the user of the API key another role in the organisation.
func (f *fixture) role(role string) {
	f.t.Helper()
	o, _ := f.world.DDOEObject(world.DDOEUsers, world.UserEmail)
	o["role"] = role
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEUsers, o))
}

// answers has the platform answer each request that matches "METHOD path" so.
func (f *fixture) answers(request string, status int, contentType, body string) {
	next, pattern := f.hosts[platform.GateHost], regexp.MustCompile(request)
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pattern.MatchString(r.Method + " " + r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// answersDone has the platform carry out each request that matches "METHOD path", and answer it with 200 and another body.
func (f *fixture) answersDone(request, body string) {
	next, pattern := f.hosts[platform.GateHost], regexp.MustCompile(request)
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pattern.MatchString(r.Method + " " + r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	})
}

// The questions of a preflight.
const (
	askTypes   = `GET .*/availableIntegrations$`
	askRole    = `GET .*/users/orgs$`
	askProject = `GET .*/projects/`
)

// refusalAt is a finding of a preflight.
type refusalAt struct{ pointer, code, actual string }

// TestPlatformPreflightRefuses: what the platform would refuse is refused before anything is written, says which member of
// the spec it is about, and passes once it is mended.
func TestPlatformPreflightRefuses(t *testing.T) {
	const organization, project = "/ddoe/organizationId", "/ddoe/driver/projectId"
	as := func(request string, status int) func(*fixture) func() {
		return func(f *fixture) func() {
			f.answers(request, status, "application/json", `{"message":"no"}`)
			return func() {}
		}
	}
	role := func(role string) func(*fixture) func() {
		return func(f *fixture) func() {
			f.role(role)
			return func() { f.role("admin") }
		}
	}
	mended := func(f *fixture) func() {
		return func() {
			require.NoError(f.t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "o-2"}))
			require.NoError(f.t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": world.ProjectID, "org": "o-2"}))
		}
	}
	for name, c := range map[string]struct {
		change   func(*integration.DDOE)
		arrange  func(*fixture) (mend func())
		who      diagnosis.Who
		detail   string
		findings []refusalAt
	}{
		"unknown organisation": {func(d *integration.DDOE) { d.OrganizationID, d.Driver = "o-2", nil }, func(f *fixture) func() {
			return func() {
				require.NoError(f.t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "o-2"}))
			}
		}, diagnosis.WhoUploader, "The platform says: Org not found", []refusalAt{{organization, "ddoe-organization-unknown", "o-2"}}},
		"an id that the platform cannot read": {nil, as(askTypes, 400), diagnosis.WhoUploader, "no organisation of this id", []refusalAt{{organization, "ddoe-organization-unknown", world.OrganizationID}}},
		"another's organisation":              {nil, as(askTypes, 403), diagnosis.WhoDDOEAdmin, "admin or owner", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"another's organisation, as 401":      {nil, as(askTypes, 401), diagnosis.WhoDDOEAdmin, "admin or owner", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"a member":                            {nil, role("member"), diagnosis.WhoDDOEAdmin, "has the role member", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"a worker":                            {nil, role("Worker"), diagnosis.WhoDDOEAdmin, "has the role Worker", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"a member, in objects": {nil, func(f *fixture) func() {
			f.quirk(platform.QuirkReferences, world.Object{"value": "object"})
			return role("member")(f)
		}, diagnosis.WhoDDOEAdmin, "has the role member", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"unknown project": {func(d *integration.DDOE) { d.Driver.ProjectID = "p-2" }, func(f *fixture) func() {
			return func() { require.NoError(f.t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": "p-2"})) }
		}, diagnosis.WhoUploader, "The platform says: Project not found", []refusalAt{{project, "ddoe-project-unknown", "p-2"}}},
		"a project that is not shown":   {nil, as(askProject, 403), diagnosis.WhoUploader, "may not see it", []refusalAt{{project, "ddoe-project-unknown", world.ProjectID}}},
		"a project that cannot be read": {nil, as(askProject, 400), diagnosis.WhoUploader, "no project of this id", []refusalAt{{project, "ddoe-project-unknown", world.ProjectID}}},
		"another organisation's project": {nil, func(f *fixture) func() {
			f.answers(askProject, 200, "application/json", `{"id":"`+world.ProjectID+`","org":{"id":"o-2"}}`)
			return func() {}
		}, diagnosis.WhoUploader, "The project belongs to the organisation o-2, and the spec asks for the integration in " + world.OrganizationID, []refusalAt{
			{project, "ddoe-project-elsewhere", world.ProjectID}, {organization, "ddoe-project-elsewhere", world.OrganizationID}}},
		"unknown organisation, and the project is in the right one": {func(d *integration.DDOE) { d.OrganizationID = "o-2" }, mended,
			diagnosis.WhoUploader, "no organisation of this id", []refusalAt{{organization, "ddoe-organization-unknown", "o-2"}, {project, "ddoe-project-elsewhere", world.ProjectID}}},
		"unknown organisation, and the project does not say its own": {func(d *integration.DDOE) { d.OrganizationID = "o-2" }, func(f *fixture) func() {
			f.answers(askProject, 200, "application/json", `{"id":"`+world.ProjectID+`"}`)
			return mended(f)
		}, diagnosis.WhoUploader, "no organisation of this id", []refusalAt{{organization, "ddoe-organization-unknown", "o-2"}}},
		"unknown organisation, and nothing is shown": {nil, func(f *fixture) func() {
			as(askProject, 403)(f)
			return as(askTypes, 404)(f)
		}, diagnosis.WhoUploader, "no organisation of this id", []refusalAt{{organization, "ddoe-organization-unknown", world.OrganizationID}}},
		"forbidden, all of it": {nil, as(`GET`, 403), diagnosis.WhoDDOEAdmin, "admin or owner", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}}},
		"organisation and project": {nil, func(f *fixture) func() {
			as(askProject, 404)(f)
			return as(askTypes, 404)(f)
		}, diagnosis.WhoUploader, "no organisation of this id", []refusalAt{{organization, "ddoe-organization-unknown", world.OrganizationID}, {project, "ddoe-project-unknown", world.ProjectID}}},
		"role, and another organisation's project": {nil, func(f *fixture) func() {
			f.answers(askProject, 200, "application/json", `{"id":"`+world.ProjectID+`","org":"o-2"}`)
			return role("member")(f)
		}, diagnosis.WhoDDOEAdmin, "has the role member", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}, {project, "ddoe-project-elsewhere", world.ProjectID}}},
		"role and project": {nil, func(f *fixture) func() {
			as(askProject, 404)(f)
			return role("member")(f)
		}, diagnosis.WhoDDOEAdmin, "has the role member", []refusalAt{{organization, "ddoe-organization-role-missing", world.OrganizationID}, {project, "ddoe-project-unknown", world.ProjectID}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			sound := f.hosts[platform.GateHost]
			mend := c.arrange(f)
			s := wired()
			if c.change != nil {
				c.change(s.DDOE)
			}
			a, cmd := f.submit(s)
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, c.findings[0].code, string(op.Error.Code))
			assert.Equal(t, c.who, op.Error.Remedy.Who)
			assert.Contains(t, op.Error.Detail, c.detail)
			var findings []refusalAt
			for _, found := range op.Error.Findings {
				findings = append(findings, refusalAt{found.Pointer, string(found.Code), found.Actual})
				assert.NotEmpty(t, found.Remedy)
			}
			assert.Equal(t, c.findings, findings)
			assert.Equal(t, gateCounts{}, f.onGate())
			assert.Equal(t, counts{}, f.counts())
			for _, request := range f.requests {
				assert.Regexp(t, `^GET gate`, request, "nothing was written anywhere")
			}

			f.hosts[platform.GateHost] = sound
			mend()
			d := f.carried(s)
			assert.Equal(t, "api", d.Status.DDOE.Mode)
			assert.Equal(t, 1, f.onGate().integrations)
		})
	}
}

// TestPlatformPreflightOfWhatIsThere: where the same spec is sent again and all is there, a role that was taken away and a
// project that is not shown any more break nothing.
func TestPlatformPreflightOfWhatIsThere(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	f.verified(d.Status.LastOperationID)
	f.role("member")
	f.answers(askProject, 403, "application/json", `{}`)
	d = f.provisioned(wired())
	assert.Equal(t, integration.PhaseUsable, d.Status.Phase)

	s := wired()
	s.DDOE.Driver.Path = "other"
	a, cmd := f.submit(s)
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeDDOEOrganizationRoleMissing, op.Error.Code, "another spec is another matter")
	assert.Len(t, op.Error.Findings, 2)
}

// TestPlatformPreflightOfTheManualWay: a person needs no role of the key's user.
func TestPlatformPreflightOfTheManualWay(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
	f.role("member")
	f.answers(askProject, 403, "application/json", `{}`)
	assert.Equal(t, "manual", f.provisioned(wired()).Status.DDOE.Mode)
}

// TestPlatformRefusesTheKey: a key that is refused, and a platform that is none, end the operation before anything is
// written, and are no fault of the spec.
func TestPlatformRefusesTheKey(t *testing.T) {
	for name, c := range map[string]struct {
		status            int
		contentType, code string
	}{
		"key":      {401, "application/json", "ddoe-unauthorized"},
		"web page": {200, "text/html", "ddoe-answer-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.answers(`.`, c.status, c.contentType, `<html>`)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, c.code, string(op.Error.Code))
			assert.Empty(t, op.Error.Findings)
			assert.Contains(t, op.Error.Detail, "https://"+gate+"/orgs/"+world.OrganizationID+"/availableIntegrations")
			for _, step := range op.Error.Remedy.Steps {
				assert.NotContains(t, step, "DDOE_SUBJECT_TOKEN_URL")
			}
			assert.Equal(t, counts{}, f.counts())
		})
	}
}
