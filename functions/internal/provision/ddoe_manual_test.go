package provision_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestPlatformManualThenAutomatic: an organisation without the type, which gets it later.
func TestPlatformManualThenAutomatic(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d := f.provisioned(wired())
	st := d.Status.DDOE
	assert.Equal(t, "manual", st.Mode)
	assert.Contains(t, st.Why, "gcp-workload-identity-federation (GCP Workload Identity Federation)")
	assert.Contains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	assert.Equal(t, diagnosis.CodeDDOETypeUnknown, st.Diagnosis.Code)
	assert.Equal(t, &integration.DDOEForm{OrganizationID: world.OrganizationID, IntegrationName: "DDOE WIF my-service", Provider: "Azure", IntegrationType: "Workload Identity Federation",
		ClientID: d.Status.ClientID, TenantID: world.TenantID, ImportFile: "azure_credentials.json"}, st.Form)
	assert.Contains(t, st.Next, "azure_credentials.json")
	assert.Equal(t, gateCounts{}, f.onGate())

	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Nil(t, d.Status.DDOE.Form)
	assert.Nil(t, d.Status.DDOE.Diagnosis)
	assert.Empty(t, d.Status.DDOE.Why)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())

	// It disappears again: what was made stays known, and is torn down.
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d = f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.NotEmpty(t, d.Status.DDOE.IntegrationID)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
}

func TestPlatformSeveralTypesAndTheSetting(t *testing.T) {
	f := withPlatform(t)
	second := f.offered()
	second["type"], second["displayName"] = "other-type", "Azure federation (preview)"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, second))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	for _, name := range []string{fmt.Sprintf("%s (%s)", f.offered()["type"], f.offered()["displayName"]), "other-type (Azure federation (preview))"} {
		assert.Contains(t, d.Status.DDOE.Why, name)
	}
	for _, name := range []string{"azureblob", "gcp"} {
		assert.NotContains(t, d.Status.DDOE.Why, name, "it is none of the several")
	}
	f.setPlatform(provision.Platform{IntegrationType: "other-type"})
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Equal(t, "other-type", d.Status.DDOE.IntegrationType)
	f.setPlatform(provision.Platform{IntegrationType: "not-there"})
	why := f.provisioned(wired()).Status.DDOE.Why
	assert.Contains(t, why, "does not offer the type not-there of DDOE_INTEGRATION_TYPE. It offers: azureblob (Azure Blob), ")
	assert.Contains(t, why, "else have DDOE enable the type for the organisation.")
}

// TestPlatformTypeIsListedTwice: that makes no second type of it.
func TestPlatformTypeIsListedTwice(t *testing.T) {
	for name, setting := range map[string]string{"found by its names": "", "named by the setting": "azure-wif-twice"} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind := f.offered()
			kind["type"] = "azure-wif-twice"
			require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
			require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, kind))
			one, err := json.Marshal(kind)
			require.NoError(t, err)
			f.answers(askTypes, 200, "application/json", fmt.Sprintf("[%s,%s]", one, one))
			f.setPlatform(provision.Platform{IntegrationType: setting})
			s := wired()
			s.DDOE.Driver = nil
			assert.Equal(t, "api", f.provisioned(s).Status.DDOE.Mode)
		})
	}
}

// TestPlatformOffersNothing: there is nothing to name.
func TestPlatformOffersNothing(t *testing.T) {
	f := withPlatform(t)
	f.answers(askTypes, 200, "application/json", `[]`)
	d := f.provisioned(wired())
	assert.Equal(t, "None of the types that the organisation offers names Azure and workload identity federation. It offers nothing: have DDOE enable the type for the organisation.", d.Status.DDOE.Why)
	assert.Equal(t, diagnosis.WhoOperator, d.Status.DDOE.Diagnosis.Remedy.Who)
}

// TestPlatformTypeTakesASecret: nobody is told to write it into a setting, which has the last word all the same: the option
// may be none in spite of its name.
func TestPlatformTypeTakesASecret(t *testing.T) {
	f := withPlatform(t)
	f.setPlatform(provision.Platform{IntegrationType: "azureblob"})
	st := f.provisioned(wired()).Status.DDOE
	assert.Equal(t, "manual", st.Mode)
	assert.Equal(t, diagnosis.CodeDDOEOptionSecret, st.Diagnosis.Code)
	assert.Contains(t, st.Why, "azureblob (Azure Blob) takes a secret: secret (Client secret).")
	assert.Contains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	for _, text := range append(st.Diagnosis.Remedy.Steps, st.Why) {
		assert.NotContains(t, text, "literal")
	}
	assert.NotContains(t, st.Why, "DDOE_OPTION_MAP")

	options, err := provision.ParseOptionMap(`{"secret": "=none"}`)
	require.NoError(t, err)
	f.setPlatform(provision.Platform{IntegrationType: "azureblob", OptionMap: options})
	s := wired()
	s.DDOE.Driver = nil
	assert.Equal(t, "api", f.provisioned(s).Status.DDOE.Mode)
}

func TestPlatformUnknownRequiredOption(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	offered["options"] = append(offered["options"].([]any), world.Object{"name": "zone", "displayName": "Trust zone", "type": "string", "required": true})
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Equal(t, diagnosis.CodeDDOEOptionUnmapped, d.Status.DDOE.Diagnosis.Code)
	assert.Contains(t, d.Status.DDOE.Why, "zone (Trust zone)")
	assert.Contains(t, d.Status.DDOE.Why, "DDOE_OPTION_MAP")

	options, err := provision.ParseOptionMap(`{"zone": "=planted-zone", "not-listed": "clientId"}`)
	require.NoError(t, err)
	f.setPlatform(provision.Platform{OptionMap: options})
	f.provisioned(wired())
	sent := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
	assert.Equal(t, "planted-zone", sent["zone"])
	assert.NotContains(t, sent, "not-listed")
	document, err := json.Marshal(f.document())
	require.NoError(t, err)
	assert.NotContains(t, string(document), "planted")
}

// TestPlatformFallsBack: where the API cannot be used any more, what it has made stays, is named, is not to be made a second
// time, and is gone on with afterwards.
func TestPlatformFallsBack(t *testing.T) {
	for name := range reasons(withPlatform(t)) {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind, why := f.offered()["type"], reasons(f)[name]
			made := f.carried(wired()).Status.DDOE
			why.arrange(f)
			d := f.carried(wired())
			st := d.Status.DDOE
			assert.Equal(t, []any{"manual", made.IntegrationID, made.DriverID, made.OrganizationID, kind}, []any{st.Mode, st.IntegrationID, st.DriverID, st.OrganizationID, st.IntegrationType})
			assert.Equal(t, made.OptionsHash, st.OptionsHash)
			assert.Nil(t, st.Form, "there is nothing to type in")
			assert.NotEmpty(t, st.Why)
			for _, text := range []string{"integration " + made.IntegrationID + " exists already", "do not make another", "driver " + made.DriverID, "the same PUT goes on"} {
				assert.Contains(t, st.Next, text)
			}
			refused := st.Diagnosis != nil
			assert.Equal(t, !refused, strings.Contains(st.Next, "nothing else is left to do"), "%s", st.Next)
			assert.Equal(t, refused, strings.Contains(st.Next, "status.ddoe.diagnosis"), "%s", st.Next)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			if name == "an option is not mapped" { // the sandbox reads its options by the type that is offered
				f.verified(d.Status.LastOperationID)
				assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
				assert.True(t, f.document().Status.DDOE.Validated, "the platform validates what is there")
			}

			why.mend(f)
			st = f.carried(wired()).Status.DDOE
			assert.Equal(t, []any{"api", made.IntegrationID, made.DriverID}, []any{st.Mode, st.IntegrationID, st.DriverID})
			assert.Empty(t, st.Next)
			why.arrange(f)
			f.carried(wired())
			f.setPlatform(provision.Platform{})
			_, down := f.remove(provision.TeardownOptions{})
			f.handle(down)
			f.requireStatus(down.OperationID, integration.OperationSucceeded)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

// TestPlatformFallsBackToADriver: the integration is there, and the driver alone is left to a person, then taken over.
func TestPlatformFallsBackToADriver(t *testing.T) {
	for name := range reasons(withPlatform(t)) {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind, why := f.offered()["type"], reasons(f)[name]
			s := wired()
			s.DDOE.Driver = nil
			made := f.carried(s).Status.DDOE
			why.arrange(f)
			wanted := wired()
			wanted.DDOE.Driver.Path, wanted.DDOE.Driver.AllowExternalDelete = "sub", true
			st := f.carried(wanted).Status.DDOE
			for _, text := range []string{"do not make another", "Create in the project " + world.ProjectID, "named images: container images, path sub, external deletion allowed, with it"} {
				assert.Contains(t, st.Next, text)
			}
			assert.NotEqual(t, diagnosis.VerdictFail, f.watched().Verdict, "a person is asked for the driver")
			f.driverByHand("by-hand", made.IntegrationID, kind)
			o, _ := f.world.DDOEObject(world.DDOEDrivers, "by-hand")
			o["path"], o["allowExternalDelete"] = "sub", true
			require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, o))
			why.mend(f)
			assert.Equal(t, "by-hand", f.carried(wanted).Status.DDOE.DriverID)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
	}
}

// TestPlatformFallsBackAndDropsTheDriver: that needs no type.
func TestPlatformFallsBackAndDropsTheDriver(t *testing.T) {
	f := withPlatform(t)
	why := reasons(f)["the type is not offered"]
	f.carried(wired())
	why.arrange(f)
	s := wired()
	s.DDOE.Driver = nil
	st := f.carried(s).Status.DDOE
	assert.Empty(t, st.DriverID)
	assert.Equal(t, gateCounts{1, 0}, f.onGate())
	assert.NotContains(t, st.Next, "river")
}

// TestPlatformFallsBackAfterACrash: the process dies between any two effects, and then the type is gone. What was made is
// found, or nothing was: nobody is told to make a second one.
func TestPlatformFallsBackAfterACrash(t *testing.T) {
	found := 0
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := withPlatform(t)
		s := wired()
		s.DDOE.Driver = nil
		_, cmd := f.submit(s)
		return f, cmd
	}, func(f *fixture, cmd message.Command, n int) {
		unlearnt := f.onGate().integrations == 1 && f.document().Status.DDOE.IntegrationID == ""
		reasons(f)["the type is not offered"].arrange(f)
		f.completed(cmd)
		st := f.document().Status.DDOE
		assert.Equal(t, f.onGate().integrations == 0, st.Form != nil, "killed at effect %d", n)
		if unlearnt {
			found++
			assert.Equal(t, f.world.DDOEObjects(world.DDOEIntegrations)[0]["id"], st.IntegrationID)
		}
	})
	assert.Positive(t, found, "there was something to find")
}

// TestPlatformMovesToAnOrganisationWithoutTheType: what exists stays until there is something in its place.
func TestPlatformMovesToAnOrganisationWithoutTheType(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "o-2"}))
	require.NoError(t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": "p-2"}))
	kind := f.offered()["type"]
	f.verified(f.carried(wired()).Status.LastOperationID)
	made := f.document().Status.DDOE
	require.True(t, made.Validated)
	sound := f.hosts[platform.GateHost]
	f.answers(`GET .*/orgs/o-2/availableIntegrations$`, 200, "application/json", `[]`)
	s := wired()
	s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "o-2", "p-2"
	st := f.carried(s).Status.DDOE
	assert.Equal(t, []any{"manual", made.IntegrationID, world.OrganizationID, kind}, []any{st.Mode, st.IntegrationID, st.OrganizationID, st.IntegrationType})
	require.NotNil(t, st.Form)
	assert.Equal(t, "o-2", st.Form.OrganizationID)
	assert.False(t, st.Validated, "nothing in the organisation that is asked for was validated")
	assert.Nil(t, st.CheckedAt)
	assert.Contains(t, st.Next, "The integration "+made.IntegrationID+" in the organisation "+world.OrganizationID+", which this service made earlier, stays until then.")
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	report, _ := f.drift()
	assert.Equal(t, []string{"ddoe.integration warn ddoe-integration-elsewhere", "ddoe.options skip", "ddoe.driver skip"}, outcomes(report))
	assert.NotContains(t, fmt.Sprint(checkOf(t, report, "ddoe.integration").Remedy.Steps), "failed", "nothing has")

	f.byHand("by-hand", kind, func(o world.Object) { o["org"] = "o-2" })
	f.hosts[platform.GateHost] = sound
	st = f.carried(s).Status.DDOE
	assert.Equal(t, []any{"api", "by-hand", "o-2"}, []any{st.Mode, st.IntegrationID, st.OrganizationID})
	assert.Equal(t, gateCounts{1, 1}, f.onGate(), "the old one is gone")
}

// TestPlatformAmbiguousTypes: where several types may be the one, what was made before says which.
func TestPlatformAmbiguousTypes(t *testing.T) {
	f := withPlatform(t)
	kind := f.offered()["type"]
	f.carried(wired())
	second := f.offered()
	second["type"], second["displayName"] = "other-type", "Azure federation (preview)"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, second))
	f.service.Platform = nil
	require.Equal(t, "manual", f.carried(wired()).Status.DDOE.Mode)
	f.setPlatform(provision.Platform{})
	st := f.carried(wired()).Status.DDOE
	assert.Equal(t, []any{"api", kind}, []any{st.Mode, st.IntegrationType})
}
