package resourcetest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	sandboxplatform "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

const (
	apiKey            = "planted-key"
	otherOrganization = "other-organization"
	otherProject      = "other-project"
)

// issuerKey signs for the issuers of all worlds: an RSA key takes longer to make than most tests take.
var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

func TestPlatformIntegration(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "platform integration", New: newPlatformIntegration,
		Lacks: map[resourcetest.Ability]string{
			resourcetest.CanBin: "a removed integration is gone for good",
		}, Keyless: map[string]string{
			"POST gate.dataloop.ai/api/v1/orgs/": "the platform takes no key of ours"}}.Run(t)
}

func TestDriver(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "driver", New: newDriver, Lacks: map[resourcetest.Ability]string{
		resourcetest.CanBin: "a removed driver is gone for good",
	}, Keyless: map[string]string{"POST gate.dataloop.ai/api/v1/drivers": "names of drivers are not unique"}}.Run(t)
}

// kinds are the platform's kinds over the wire.
func (a *azure) kinds(t testing.TB, w *resourcetest.Wire) (integrations, drivers resource.Kind) {
	key, err := issuerKey()
	require.NoError(t, err)
	require.NoError(t, a.PutDDOEObject(dataloop.Organizations, dataloop.Object{"id": otherOrganization,
		"name": "Other"}))
	require.NoError(t, a.PutDDOEObject(dataloop.Projects, dataloop.Object{"id": otherProject, "name": "Other",
		"org": dataloop.Object{"id": dataloop.OrganizationID}}))
	w.Hosts[sandboxplatform.GateHost] = sandboxplatform.New(a.World,
		sandboxplatform.Options{Issuer: sandboxplatform.NewIssuer(world.Issuer, w.Now, key), APIKey: apiKey,
			Transport: storage{a}})
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + sandboxplatform.GateHost + "/api/v1",
		Key:    secret.New(apiKey),
		Client: &http.Client{Transport: w}})
	require.NoError(t, err)
	all, err := platform.New(platform.Platform{Client: client, Instance: instance, Requests: a.requests,
		Accounts: a.arm})
	require.NoError(t, err)
	return all[0], all[1]
}

// storage is what the platform's own tests of a driver meet: the token service, and an account.
type storage struct{ *azure }

func (s storage) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/json")
	if s.isLocked {
		answer.WriteHeader(http.StatusForbidden)
	} else if r.Method == http.MethodPut {
		answer.WriteHeader(http.StatusCreated)
	}
	_, _ = answer.WriteString(`{"access_token": "token"}`) // a recorder does not fail
	response := answer.Result()
	response.Request = r
	return response, nil
}

func wired() integration.Document {
	d := document(subject)
	d.Spec.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID, Integration: true,
		Driver: &integration.Driver{ProjectID: dataloop.ProjectID, Name: "images"}}
	return d
}

// objects shows the platform's objects of a sort.
func (a *azure) objects(sort string) []resourcetest.Object {
	var all []resourcetest.Object
	for _, o := range a.DDOEObjects(sort) {
		id, _ := o["id"].(string)
		all = append(all, object(id, !a.theirs[id], o, func(o *dataloop.Object) {
			for _, varying := range []string{"id", "createdAt", "updatedAt", "integrationId"} {
				delete(*o, varying)
			}
			entries, _ := (*o)["metadata"].([]any)
			for _, entry := range entries {
				for _, varying := range []string{"id", "integration", "createdAt", "updatedAt"} {
					delete(entry.(dataloop.Object), varying)
				}
			}
			a.translate(*o)
		}))
	}
	return all
}

// translate puts meanings in the place of the offer's names, which each world has its own.
func (a *azure) translate(o dataloop.Object) {
	offered := a.offered()
	for _, member := range []string{"type", "integrationType"} {
		if o[member] == offered["type"] {
			o[member] = "federation with Azure"
		}
	}
	given, _ := o["options"].(dataloop.Object)
	for _, option := range offered["options"].([]any) {
		name, meaning := option.(dataloop.Object)["name"].(string), option.(dataloop.Object)["means"]
		if value, isGiven := given[name]; isGiven && meaning != nil {
			delete(given, name)
			given[meaning.(string)] = value
		}
	}
}

// offered is the integration type for federation with Azure.
func (a *azure) offered() dataloop.Object {
	all := a.DDOEObjects(dataloop.AvailableIntegrations)
	return all[slices.IndexFunc(all, func(o dataloop.Object) bool {
		return slices.ContainsFunc(o["options"].([]any), func(option any) bool {
			return option.(dataloop.Object)["means"] == dataloop.MeansCredentialFile
		})
	})]
}

// change changes all of ours of a sort.
func (a *azure) change(t testing.TB, sort string, change func(o dataloop.Object)) {
	for _, o := range a.DDOEObjects(sort) {
		if id, _ := o["id"].(string); !a.theirs[id] {
			change(o)
			require.NoError(t, a.PutDDOEObject(sort, o))
		}
	}
}

func (a *azure) removeOurs(t testing.TB, sort string) {
	for _, o := range a.DDOEObjects(sort) {
		if id, _ := o["id"].(string); !a.theirs[id] {
			require.NoError(t, a.DeleteDDOEObject(sort, id))
		}
	}
}

func (a *azure) put(t testing.TB, sort string, o dataloop.Object) {
	id, _ := o["id"].(string)
	a.theirs[id] = true
	require.NoError(t, a.PutDDOEObject(sort, o))
}

func newPlatformIntegration(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	kind, _ := a.kinds(t, w)
	s := &resourcetest.Subject{Kind: kind, Document: a.identified(t, wired())}
	s.Document.Spec.DDOE.Driver = nil
	s.Objects = func() []resourcetest.Object { return a.objects(dataloop.Integrations) }
	s.Change = func(spec *integration.Spec) { spec.DisplayName, spec.Subjects = "Renamed", []string{another} }
	s.Move = func(spec *integration.Spec) { spec.DDOE.OrganizationID = otherOrganization }
	s.Leaves = diagnosis.CodeDDOEIntegrationUnwanted
	s.Drift = func(t testing.TB) {
		a.change(t, dataloop.Integrations, func(o dataloop.Object) { o["name"] = "renamed by hand" })
	}
	s.Delete = func(t testing.TB) { a.removeOurs(t, dataloop.Integrations) }
	theirs := func(id, name string) func(t testing.TB) {
		return func(t testing.TB) {
			a.put(t, dataloop.Integrations, dataloop.Object{"id": id, "name": name, "type": a.offered()["type"],
				"org": dataloop.OrganizationID, "createdAt": 1, "options": dataloop.Object{"secret": "theirs"},
				"metadata": []any{}})
		}
	}
	s.Beside = theirs("beside", "Somebody's")
	s.Foreign = []resourcetest.Foreign{{Name: "an integration of our name",
		Refusal: diagnosis.CodeDDOEIntegrationForeign, Put: theirs("theirs", s.Document.Spec.DisplayName)}}
	s.Members = []resourcetest.Member{{Name: "metadata", IsSilent: "it says nothing about access",
		Set: func(t testing.TB) {
			a.change(t, dataloop.Integrations, func(o dataloop.Object) {
				o["metadata"] = append(o["metadata"].([]any),
					dataloop.Object{"name": "note", "value": "ask Ada first"})
			})
		}}}
	return s
}

func newDriver(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	integrations, kind := a.kinds(t, w)
	d := a.identified(t, wired())
	v := resource.View{Document: d, Fresh: true}
	for _, r := range integrations.Apply(t.Context(), v, integrations.Observe(t.Context(), v)) {
		require.NoError(t, r.Err)
		r.Learn(&d.Status)
	}
	s := &resourcetest.Subject{Kind: kind, Document: d}
	s.Objects = func() []resourcetest.Object { return a.objects(dataloop.Drivers) }
	s.Change = func(spec *integration.Spec) {
		driver := *spec.DDOE.Driver
		driver.Name, driver.Path, driver.AllowExternalDelete = "renamed", "a/b", true
		wanted := *spec.DDOE
		wanted.Driver, spec.DDOE = &driver, &wanted
	}
	s.Move = func(spec *integration.Spec) { spec.DDOE.Driver.ProjectID = otherProject }
	s.Drift = func(t testing.TB) {
		a.change(t, dataloop.Drivers, func(o dataloop.Object) { o["path"] = "changed/by/hand" })
	}
	s.Delete = func(t testing.TB) { a.removeOurs(t, dataloop.Drivers) }
	theirs := func(id, name string) func(t testing.TB) {
		return func(t testing.TB) {
			a.put(t, dataloop.Drivers, dataloop.Object{"id": id, "name": name, "type": "azureblob",
				"projectId": dataloop.ProjectID, "creator": "ada@acme.example",
				"integrationId": d.Status.DDOE.IntegrationID, "createdAt": "2026-01-02T03:04:05.000Z",
				"containerName": "images", "path": "", "allowExternalDelete": true})
		}
	}
	s.Lock = func(testing.TB) { a.isLocked = true }
	s.Beside = theirs("beside", "Somebody's")
	s.Foreign = []resourcetest.Foreign{{Name: "a driver of our name", Refusal: diagnosis.CodeDDOEDriverForeign,
		Put: theirs("theirs", "images")}}
	s.Members = []resourcetest.Member{{Name: "region", IsSilent: "Azure has no use for it", Set: func(t testing.TB) {
		a.change(t, dataloop.Drivers, func(o dataloop.Object) { o["region"] = "by-hand" })
	}}}
	return s
}
