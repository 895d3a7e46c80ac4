package provision_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformForeignIntegration(t *testing.T) {
	f := withPlatform(t)
	f.there("theirs", "")
	a, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "theirs")
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "what is not ours stays")
}

// ownMark is the mark of the fixture's integration.
const ownMark = "ddoe-wif/0123abcd/my-service"

// there puts an integration of our name and type onto the platform, marked as somebody's or as nobody's.
func (f *fixture) there(id, owner string) {
	f.t.Helper()
	metadata := []any{}
	if owner != "" {
		metadata = append(metadata, world.Object{"id": "m-" + id, "name": "managed-by", "value": owner})
	}
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": id, "name": "DDOE WIF my-service", "type": f.offered()["type"],
		"org": world.OrganizationID, "createdAt": f.now().UnixMilli(), "options": world.Object{}, "metadata": metadata}))
}

// hides leaves the organisation's list empty so many times, for ever where that is negative.
func (f *fixture) hides(times int) {
	next, pattern := f.hosts[platform.GateHost], regexp.MustCompile(`^GET .*/orgs/[^/]*/integrations$`)
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if times == 0 || !pattern.MatchString(r.Method+" "+r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		times--
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[]`))
	})
}

// sentTo counts the requests since then that match.
func (f *fixture) sentTo(since int, pattern string) int {
	n := 0
	for _, r := range f.requests[since:] {
		if regexp.MustCompile(pattern).MatchString(r) {
			n++
		}
	}
	return n
}

// creates are the requests that make an integration.
const creates = `^POST gate.*/integrations$`

// TestPlatformMeetsItsOwn: the list hides what an earlier request made, so that a create meets it: it is adopted, with the
// options of now, and there is never a second one.
func TestPlatformMeetsItsOwn(t *testing.T) {
	for _, duplicate := range []string{platform.QuirkDuplicate400, platform.QuirkDuplicate409} {
		t.Run(duplicate+", shown at the second look", func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(duplicate, nil)
			f.there("earlier", ownMark)
			f.hides(1)
			d := f.provisioned(wired())
			assert.Equal(t, "earlier", d.Status.DDOE.IntegrationID)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			assert.Equal(t, 1, f.sentTo(0, creates))
			options := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
			assert.Len(t, options, 4, "the options of now are sent")
			steps := f.operation(d.Status.LastOperationID).Steps
			i := slices.IndexFunc(steps, func(s integration.Step) bool { return s.Name == "ddoeIntegration" })
			assert.Equal(t, "adopted", steps[i].Outcome)
		})
		t.Run(duplicate+", shown after a while", func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(duplicate, nil)
			f.quirk(platform.QuirkListLag, world.Object{"ms": float64(90_000)})
			f.fails(fault{match: regexp.MustCompile(creates), times: 1, after: true}) // made, and its answer lost
			d := f.carried(wired())
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			assert.Equal(t, f.world.DDOEObjects(world.DDOEIntegrations)[0]["id"], d.Status.DDOE.IntegrationID)
			assert.Equal(t, 1, f.sentTo(0, creates), "it is not sent again while it may show")
		})
	}
}

// TestPlatformMeetsAnothers: what has the name and is not ours is left alone, whether the list shows it or not, and the
// remedy works.
func TestPlatformMeetsAnothers(t *testing.T) {
	for _, duplicate := range []string{platform.QuirkDuplicate400, platform.QuirkDuplicate409} {
		for name, c := range map[string]anothers{
			"shown at once":            {0, "ddoe-integration-foreign", "(id theirs)", 0},
			"shown at the second look": {1, "ddoe-integration-foreign", "(id theirs)", 1},
			"never shown":              neverShown(duplicate),
		} {
			t.Run(duplicate+", "+name, func(t *testing.T) {
				f := withPlatform(t)
				f.quirk(duplicate, nil)
				f.there("theirs", "")
				f.hides(c.hidden)
				_, cmd := f.submit(wired())
				f.handle(cmd)
				op := f.settle(cmd)
				require.Equal(t, integration.OperationFailed, op.Status)
				assert.Equal(t, c.code, op.Error.Code)
				assert.Contains(t, op.Error.Detail, c.detail)
				assert.Equal(t, c.creates, f.sentTo(0, creates))
				theirs, _ := f.world.DDOEObject(world.DDOEIntegrations, "theirs")
				assert.Equal(t, world.Object{}, theirs["options"])

				s := wired()
				s.DisplayName = "Another name"
				f.carried(s)
				assert.Equal(t, gateCounts{2, 1}, f.onGate())
			})
		}
	}
}

// anothers is how what has the name is hidden, and what becomes of a PUT that meets it.
type anothers struct {
	hidden  int
	code    diagnosis.Code
	detail  string
	creates int
}

// neverShown: a status that is the name's alone is believed when it comes again; one that may mean anything is a refusal,
// as the list tells nothing, and the platform's words go to people.
func neverShown(duplicate string) anothers {
	if duplicate == platform.QuirkDuplicate400 {
		return anothers{-1, diagnosis.CodeDDOEIntegrationRefused, "already exist", 1}
	}
	return anothers{-1, diagnosis.CodeDDOEIntegrationNameTaken, "The platform says: ", 2}
}

// TestPlatformRenamesOntoAnothers: a rename meets a name that the list does not show.
func TestPlatformRenamesOntoAnothers(t *testing.T) {
	for _, duplicate := range []string{platform.QuirkDuplicate400, platform.QuirkDuplicate409} {
		t.Run(duplicate, func(t *testing.T) {
			f := withPlatform(t)
			s := wired()
			s.DisplayName = "First name"
			f.carried(s)
			f.quirk(duplicate, nil)
			f.there("theirs", "")
			f.hides(-1)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, neverShown(duplicate).code, op.Error.Code)
			d := f.carried(s)
			assert.Equal(t, gateCounts{2, 1}, f.onGate())
			assert.NotEqual(t, "theirs", d.Status.DDOE.IntegrationID)
		})
	}
}

// TestPlatformRefusesTheIntegration: a refusal that is no duplicate ends the operation with what the platform says, at once.
func TestPlatformRefusesTheIntegration(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		message string
		code    diagnosis.Code
	}{
		"a name that it dislikes":        {400, "name contains invalid characters", "ddoe-integration-refused"},
		"a name that is too long":        {422, "name is too long", "ddoe-integration-refused"},
		"something that is not there":    {400, "iconUrl does not exist", "ddoe-integration-refused"},
		"a quota":                        {402, "storage-integration quota exceeded", "ddoe-quota-reached"},
		"a role that only the write has": {403, "Forbidden", "ddoe-organization-role-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.answers(`POST .*/integrations$`, c.status, "application/json", `{"message":"`+c.message+`"}`)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, c.code, op.Error.Code)
			assert.Contains(t, op.Error.Detail, "The platform refused to make the integration DDOE WIF my-service. ")
			assert.Contains(t, op.Error.Detail, " The platform says: "+c.message+".")
			assert.Equal(t, 1, f.sentTo(0, creates))
		})
	}
}

// TestPlatformListThatLags: what the document knows is there although the list does not show it yet, and gone only where its
// id says so too.
func TestPlatformListThatLags(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkListLag, world.Object{"ms": float64(3_600_000)})
	made := f.carried(wired())
	s := wired()
	s.DisplayName = "Another name"
	d := f.carried(s)
	assert.Equal(t, made.Status.DDOE.IntegrationID, d.Status.DDOE.IntegrationID)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Equal(t, "Another name", f.world.DDOEObjects(world.DDOEIntegrations)[0]["name"])

	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, d.Status.DDOE.IntegrationID))
	again := f.carried(s)
	assert.NotEqual(t, made.Status.DDOE.IntegrationID, again.Status.DDOE.IntegrationID)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}

// TestPlatformSaysLittle: a list without types, dates and metadata does not have the same sent for ever.
func TestPlatformSaysLittle(t *testing.T) {
	f := withPlatform(t)
	d := f.carried(wired())
	f.answers(`GET .*/orgs/[^/]*/integrations$`, 200, "application/json", `[{},{"id":"`+d.Status.DDOE.IntegrationID+`","name":"DDOE WIF my-service"}]`)
	before := len(f.requests)
	f.carried(wired())
	assert.Zero(t, f.sentTo(before, `^(POST|PATCH|DELETE) gate`))
}

// TestPlatformStrays: an integration of ours that the document does not know was made by a request that was given up. It is
// removed, unless something uses it.
func TestPlatformStrays(t *testing.T) {
	for name, c := range map[string]struct {
		drivers int
		kept    gateCounts
	}{"unused": {0, gateCounts{1, 1}}, "with a driver": {1, gateCounts{2, 2}}} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			made := f.carried(wired())
			f.there("stray", ownMark)
			if c.drivers > 0 {
				f.driverByHand("on-stray", "stray", f.offered()["type"])
			}
			d := f.carried(wired())
			assert.Equal(t, made.Status.DDOE.IntegrationID, d.Status.DDOE.IntegrationID)
			assert.Equal(t, made.Status.DDOE.DriverID, d.Status.DDOE.DriverID)
			assert.Equal(t, c.kept, f.onGate())
			removed := slices.ContainsFunc(f.operation(d.Status.LastOperationID).Steps, func(s integration.Step) bool {
				return s.Name == "ddoeIntegration-delete" && s.Target == "stray" && s.Outcome == "deleted"
			})
			assert.Equal(t, c.drivers == 0, removed)
		})
	}
}

// TestPlatformWaitsForACreate: a second delivery comes while the first one makes the integration. It makes none.
func TestPlatformWaitsForACreate(t *testing.T) {
	f := withPlatform(t)
	_, cmd := f.submit(wired())
	f.onceAt(`^POST .*/integrations$`, 0, func() {
		f.handle(cmd)
		assert.NotEqual(t, integration.OperationSucceeded, f.operation(cmd.OperationID).Status)
	})
	f.handle(cmd)
	f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
	assert.Equal(t, 1, f.sentTo(0, creates))
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Nil(t, f.document().Status.DDOE.CreateSentAt)
}

// TestPlatformTwoCreatesAtOnce: two deliveries have both seen that there is none, and make an integration each. The
// document's first one stays, and the loser's is removed.
func TestPlatformTwoCreatesAtOnce(t *testing.T) {
	f := withPlatform(t)
	_, cmd := f.submit(wired())
	var winner string
	f.onceAt(`^GET .*/orgs/[^/]*/integrations$`, 0, func() {
		f.beforePut = func() {
			f.handle(cmd)
			winner = f.document().Status.DDOE.IntegrationID
		}
	})
	f.handle(cmd)
	f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
	require.NotEmpty(t, winner)
	assert.Equal(t, 2, f.sentTo(0, creates), "there were two of them")
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Equal(t, winner, f.document().Status.DDOE.IntegrationID)
	assert.Equal(t, winner, f.world.DDOEObjects(world.DDOEIntegrations)[0]["id"])
	assert.Equal(t, f.world.DDOEObjects(world.DDOEDrivers)[0]["id"], f.document().Status.DDOE.DriverID)
}

// TestPlatformStrayThatGoes: somebody else was faster to remove a stray; the platform then counts its drivers as none, or
// does not know it.
func TestPlatformStrayThatGoes(t *testing.T) {
	for name, status := range map[string]int{"counted as none": 0, "not found": 404} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			f.there("stray", ownMark)
			f.onceAt(`GET .*/byIntegration/stray`, status, func() { require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, "stray")) })
			f.carried(wired())
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
	}
}

// TestPlatformEntryWithoutID: nothing can be done with it, and it is nobody's.
func TestPlatformEntryWithoutID(t *testing.T) {
	f := withPlatform(t)
	f.answers(`GET .*/orgs/[^/]*/integrations$`, 200, "application/json", `[{"name":"DDOE WIF my-service","type":"`+f.offered()["type"].(string)+`"},{}]`)
	f.provisioned(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}

// TestPlatformIDWrittenOtherwise: the platform finds organisation and project all the same, so it is no move: nothing is
// removed.
func TestPlatformIDWrittenOtherwise(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "org-a"}))
	require.NoError(t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "ORG-A"}))
	require.NoError(t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": "p-2", "org": world.Object{"id": "org-a"}}))
	s := wired()
	s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "org-a", "p-2"
	made := f.carried(s).Status.DDOE
	require.NoError(t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": "P-2", "org": world.Object{"id": "org-a"}}))
	s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "ORG-A", "P-2"
	f.planned(s, [][3]string{{"ddoeIntegration", "upsert", "DDOE WIF my-service"}, {"ddoeDriver", "upsert", "images"}, {"verify", "schedule", subject}})
	st := f.carried(s).Status.DDOE
	assert.Equal(t, []string{made.IntegrationID, made.DriverID}, []string{st.IntegrationID, st.DriverID})
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}
