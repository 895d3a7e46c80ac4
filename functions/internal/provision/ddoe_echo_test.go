package provision_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// begin submits a spec and carries out its first delivery, however that ends.
func begin(s integration.Spec) func(*fixture) any {
	return func(f *fixture) any {
		a, c := f.submit(s)
		_ = f.worker.Handle(f.t.Context(), c)
		return f.operation(a.Operation.ID)
	}
}

// fileOnGate is the credential file that the platform was given.
func (f *fixture) fileOnGate() string {
	f.t.Helper()
	for _, value := range f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any) {
		if text := value.(string); strings.Contains(text, "federatedTokenIssuer") {
			return text
		}
	}
	f.t.Fatal("the platform has no file")
	return ""
}

// renamedAll changes integration and driver, and none of the options.
func renamedAll() integration.Spec {
	s := named("renamed")
	s.DisplayName = "Renamed"
	return s
}

// TestPlatformEchoesTheFile: the platform was given the credential file, and may show it in the message of any refusal. Nobody
// is shown it, whatever was asked for.
func TestPlatformEchoesTheFile(t *testing.T) {
	gone := func(kind string) func(*fixture) {
		return func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(kind, f.world.DDOEObjects(kind)[0]["id"].(string)))
		}
	}
	goneLate := func(f *fixture) { // so that a list that lags is not waited for
		gone(world.DDOEIntegrations)(f)
		f.advance(3 * time.Minute)
	}
	drift := func(f *fixture) any { report, _ := f.drift(); return report }
	down := func(f *fixture) any {
		a, c := f.remove(provision.TeardownOptions{})
		_ = f.worker.Handle(f.t.Context(), c)
		return f.operation(a.Operation.ID)
	}
	verified := func(f *fixture) any {
		f.verified(f.document().Status.LastOperationID)
		return f.operation(f.document().Status.LastOperationID)
	}
	failed := func(f *fixture) {
		gone(world.DDOEDrivers)(f)
		f.theirs()
		f.quirk(platform.QuirkValidation, world.Object{"status": "failed"})
	}
	for name, c := range map[string]struct {
		request string
		arrange func(*fixture)
		do      func(*fixture) any
	}{
		"types":                       {`GET .*/availableIntegrations`, nil, begin(renamedAll())},
		"types, drift":                {`GET .*/availableIntegrations`, nil, drift},
		"types, manual drift":         {`GET .*/availableIntegrations`, func(f *fixture) { reasons(f)["the type is not offered"].arrange(f); f.carried(wired()) }, drift},
		"project":                     {`GET .*/projects/`, nil, begin(renamedAll())},
		"user":                        {`GET .*/users/me`, nil, begin(renamedAll())},
		"integrations":                {`GET .*/orgs/[^/]*/integrations$`, nil, begin(renamedAll())},
		"integrations, drift":         {`GET .*/orgs/[^/]*/integrations$`, nil, drift},
		"integration":                 {`GET .*/api/v1/integrations/`, goneLate, begin(wired())},
		"integration, drift":          {`GET .*/api/v1/integrations/`, nil, drift},
		"integration, watched":        {`GET .*/api/v1/integrations/`, nil, func(f *fixture) any { return f.watched() }},
		"integration after a change":  {`GET .*/api/v1/integrations/`, func(f *fixture) { f.quirk(platform.QuirkIntegrationPatch, world.Object{"value": "keepsName"}) }, begin(renamedAll())},
		"integration made":            {`POST .*/integrations$`, gone(world.DDOEIntegrations), begin(wired())},
		"integration changed":         {`PATCH .*/integrations$`, nil, begin(renamedAll())},
		"integration deleted":         {`DELETE .*/integrations/`, nil, down},
		"drivers":                     {`GET .*/drivers$`, gone(world.DDOEDrivers), begin(wired())},
		"drivers, drift":              {`GET .*/drivers$`, nil, drift},
		"driver":                      {`GET .*/drivers/[^/]+$`, nil, begin(renamedAll())},
		"driver, drift":               {`GET .*/drivers/[^/]+$`, nil, drift},
		"driver, teardown":            {`GET .*/drivers/[^/]+$`, nil, down},
		"driver made":                 {`POST .*/drivers$`, gone(world.DDOEDrivers), begin(wired())},
		"driver changed":              {`PATCH .*/drivers/`, nil, begin(renamedAll())},
		"driver deleted":              {`DELETE .*/drivers/`, nil, down},
		"driver dropped":              {`DELETE .*/drivers/`, nil, begin(without(wired()))},
		"drivers counted":             {`GET .*/drivers/byIntegration/`, nil, down},
		"drivers counted, validation": {`GET .*/drivers/byIntegration/`, failed, verified},
		"payload tested":              {`POST .*/drivers/test$`, nil, begin(renamedAll())},
		"driver tested":               {`GET .*/drivers/[^/]+/test$`, nil, begin(renamedAll())},
		"validation":                  {`POST .*/drivers/validateDrivers$`, nil, verified},
		"command":                     {`GET .*/commands/`, nil, verified},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			file := f.fileOnGate()
			if c.arrange != nil {
				c.arrange(f)
			}
			body, err := json.Marshal(map[string]string{"message": "echo: " + file})
			require.NoError(t, err)
			f.answers(c.request, 400, "application/json", string(body))
			answer := c.do(f)
			shown := ""
			for _, what := range []any{answer, f.document()} {
				text, err := json.Marshal(what)
				require.NoError(t, err)
				shown += string(text)
			}
			for _, m := range f.sent {
				shown += string(m.Body)
			}
			assert.Contains(t, shown, "echo: [redacted]")
			assert.NotContains(t, shown, "federatedTokenIssuer")
		})
	}
}
