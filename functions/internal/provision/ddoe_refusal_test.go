package provision_test

import (
	"fmt"
	"regexp"
	"slices"
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

// TestPlatformRefusalIsNamed: whatever request of ours the platform refuses, the operation ends with what was refused, whose it
// is to mend, and what the platform says; once that is mended, the same request goes through.
func TestPlatformRefusalIsNamed(t *testing.T) {
	t.Parallel()
	plain := func() integration.Spec {
		s := wired()
		s.DDOE.Driver = nil
		return s
	}
	moved := func() integration.Spec {
		s := wired()
		s.DDOE.Driver.Path = "sub"
		return s
	}
	put := func(s func() integration.Spec) func(*fixture) integration.Operation {
		return func(f *fixture) integration.Operation {
			_, c := f.submit(s())
			f.handle(c)
			return f.settle(c)
		}
	}
	const unknown, content = "418", "400 409 422 424"
	for name, c := range map[string]struct {
		there    bool // integration and driver have been made
		does     func(*fixture) integration.Operation
		request  string
		statuses string
		code     diagnosis.Code
		who      diagnosis.Who
		says     string
	}{
		"make the driver":               {false, put(wired), `POST .*/drivers$`, content, "ddoe-driver-refused", diagnosis.WhoUploader, "make the driver images"},
		"make the driver, quota":        {false, put(wired), `POST .*/drivers$`, "402", "ddoe-quota-reached", diagnosis.WhoDDOEAdmin, "make the driver images"},
		"make the driver, role":         {false, put(wired), `POST .*/drivers$`, "403", "ddoe-project-role-missing", diagnosis.WhoDDOEAdmin, "make the driver images"},
		"make the driver, unknown":      {false, put(wired), `POST .*/drivers$`, unknown, "ddoe-unrecognised", diagnosis.WhoOperator, "make the driver images"},
		"change the driver":             {true, put(moved), `PATCH .*/drivers/`, content, "ddoe-driver-refused", diagnosis.WhoUploader, "change the driver images"},
		"change the driver, quota":      {true, put(moved), `PATCH .*/drivers/`, "402", "ddoe-quota-reached", diagnosis.WhoDDOEAdmin, "change the driver images"},
		"drop the driver":               {true, put(plain), `DELETE .*/drivers/`, content, "ddoe-driver-not-deleted", diagnosis.WhoDDOEAdmin, "delete the driver images (id "},
		"delete the driver":             {true, (*fixture).teardown, `DELETE .*/drivers/`, content, "ddoe-driver-not-deleted", diagnosis.WhoDDOEAdmin, "delete the driver images (id "},
		"make the integration":          {false, put(plain), `POST .*/integrations$`, "400 422 424", "ddoe-integration-refused", diagnosis.WhoOperator, "make the integration DDOE WIF my-service"},
		"make the integration, quota":   {false, put(plain), `POST .*/integrations$`, "402", "ddoe-quota-reached", diagnosis.WhoDDOEAdmin, "make the integration DDOE WIF my-service"},
		"delete the integration":        {true, (*fixture).teardown, `DELETE .*/integrations/`, content, "ddoe-integration-not-deleted", diagnosis.WhoDDOEAdmin, "delete the integration "},
		"read the driver, unknown":      {true, put(wired), `GET .*/drivers/[^/]*$`, unknown, "ddoe-unrecognised", diagnosis.WhoOperator, "show the driver images (id "},
		"list integrations, unknown":    {false, put(plain), `GET .*/integrations$`, unknown, "ddoe-unrecognised", diagnosis.WhoOperator, "list the organisation's integrations"},
		"test what is to be, quota":     {false, put(wired), `POST .*/drivers/test$`, "402", "ddoe-quota-reached", diagnosis.WhoDDOEAdmin, ""},
		"test what is to be, unknown":   {false, put(wired), `POST .*/drivers/test$`, unknown, "ddoe-unrecognised", diagnosis.WhoOperator, "test the storage of the driver images"},
		"read whose key it is, unknown": {false, put(wired), `GET .*/users/me$`, unknown, "ddoe-unrecognised", diagnosis.WhoOperator, "show the API key's user"},
	} {
		for status := range strings.FieldsSeq(c.statuses) {
			t.Run(name+", "+status, func(t *testing.T) {
				f := withPlatform(t)
				if c.there {
					f.provisioned(wired())
				}
				var code int
				_, err := fmt.Sscan(status, &code)
				require.NoError(t, err)
				mended := f.hosts[platform.GateHost]
				f.answers(c.request, code, "application/json", `{"message":"It may not be"}`)
				op := c.does(f)
				require.Equal(t, integration.OperationFailed, op.Status)
				assert.Equal(t, c.code, op.Error.Code)
				assert.Equal(t, c.who, op.Error.Remedy.Who)
				if c.says != "" {
					assert.True(t, strings.HasPrefix(op.Error.Detail, "The platform refused to "+c.says), op.Error.Detail)
				}
				assert.Contains(t, op.Error.Detail, ". The platform says: It may not be.")
				assert.NotContains(t, op.Error.Remedy.Steps[0], "evidence")

				f.hosts[platform.GateHost] = mended
				assert.Equal(t, integration.OperationSucceeded, c.does(f).Status)
			})
		}
	}
}

// TestPlatformIsQuotedInSentences: what follows what the platform says begins a new sentence, however the platform ends its own.
func TestPlatformIsQuotedInSentences(t *testing.T) {
	for said, quoted := range map[string]string{"No": "No.", "No.": "No.", " No! ": "No!", "Really?": "Really?", "No (x)": "No (x).", "": ""} {
		f := withPlatform(t)
		f.answers(`POST .*/drivers/test$`, 400, "application/json", fmt.Sprintf(`{"message":%q}`, said))
		_, c := f.submit(wired())
		f.handle(c)
		op := f.requireStatus(c.OperationID, integration.OperationRunning)
		require.NotNil(t, op.Waiting)
		want := " This service tested the same access"
		if quoted != "" {
			want = " The platform says: " + quoted + want
		}
		assert.Contains(t, op.Waiting.Diagnosis.Detail, "failed."+want)
	}
}

// TestPlatformOptionsOfTheSettingAreSuspected: where the platform cannot reach the storage, and a setting says what options
// hold, the remedy sends to the setting, by the options' names alone.
func TestPlatformOptionsOfTheSettingAreSuspected(t *testing.T) {
	const suspected = "check DDOE_OPTION_MAP, which has the last word on the options "
	for name, c := range map[string]struct {
		mapped string
		status int
		code   diagnosis.Code
	}{
		"mapped":           {`=planted-literal`, 400, "ddoe-driver-test-failed"},
		"mapped, as a 500": {`=planted-literal`, 500, "ddoe-driver-test-error"},
		"not mapped":       {"", 400, "ddoe-driver-test-failed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			if c.mapped != "" {
				options, err := provision.ParseOptionMap(fmt.Sprintf(`{%q: %q}`, optionFor(f, nil), c.mapped))
				require.NoError(t, err)
				f.setPlatform(provision.Platform{OptionMap: options})
			}
			f.fails(fault{match: regexp.MustCompile(`POST gate.*/drivers/test`), status: c.status})
			op := f.refused(wired())
			assert.Equal(t, c.code, op.Error.Code)
			steps := op.Error.Remedy.Steps
			assert.Equal(t, c.mapped != "", strings.Contains(steps[len(steps)-2], suspected+fmt.Sprint(optionFor(f, nil))), steps)
			assert.True(t, strings.HasPrefix(steps[len(steps)-1], "PUT the spec again."), steps)
			assert.NotContains(t, fmt.Sprint(op), "planted-literal")
		})
	}
}

// TestPlatformOptionsOfTheSettingAreSuspectedLater: so do an access test and a validation that fail.
func TestPlatformOptionsOfTheSettingAreSuspectedLater(t *testing.T) {
	const suspected = "check DDOE_OPTION_MAP, which has the last word on the options "
	for _, mapped := range []bool{true, false} {
		f := withPlatform(t)
		if mapped {
			otherMap(f)
		}
		f.quirk(platform.QuirkValidation, world.Object{"status": "failed"})
		made := f.provisioned(wired())
		f.verified(made.Status.LastOperationID)
		failed := slices.ContainsFunc(f.sent, func(s sent) bool { return strings.Contains(string(s.Body), suspected) })
		assert.Equal(t, mapped, failed, "the event of the failed validation")

		f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/[^/]*/test$`), status: 424})
		report, err := f.service.TestAccess(t.Context(), made.ID, provision.AccessTest{})
		require.NoError(t, err)
		i := slices.IndexFunc(report.Checks, func(c diagnosis.Check) bool { return c.ID == "ddoe.driver.test" })
		assert.Equal(t, mapped, strings.Contains(fmt.Sprint(report.Checks[i].Remedy.Steps), suspected))
	}
}
