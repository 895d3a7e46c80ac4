package ddoe_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
)

// TestDriverAnswers: a driver may say much or little, and its creator may be a user.
func TestDriverAnswers(t *testing.T) {
	container, path, deletes := "images", "", false
	for name, c := range map[string]struct {
		body string
		want ddoe.Driver
	}{
		"no more than required": {`{"id":"d","type":"azureblob","creator":"a@b","createdAt":"2026-01-02T03:04:05Z","name":"n","isSyncable":true}`,
			ddoe.Driver{ID: "d", Name: "n", Type: "azureblob", Creator: "a@b"}},
		"whole": {`{"id":"d","type":"azureblob","creator":{"id":"a@b"},"name":"n","projectId":"p","integrationId":"i","integrationType":"t","containerName":"images","path":"","allowExternalDelete":false}`,
			ddoe.Driver{ID: "d", Name: "n", Type: "azureblob", Creator: "a@b", ProjectID: "p", IntegrationID: "i", IntegrationType: "t",
				ContainerName: &container, Path: &path, AllowExternalDelete: &deletes}},
		"project in the metadata": {`{"id":"d","metadata":{"system":{"projectId":"p"}}}`, ddoe.Driver{ID: "d", ProjectID: "p"}},
		"two projects":            {`{"id":"d","projectId":"p","metadata":{"system":{"projectId":"q"}}}`, ddoe.Driver{ID: "d", ProjectID: "p"}},
		"nulls":                   {`{"id":"d","creator":null,"projectId":null,"integrationId":null,"path":null,"metadata":null}`, ddoe.Driver{ID: "d"}},
		"metadata of no form":     {`{"id":"d","creator":7,"metadata":[{"name":"x"}]}`, ddoe.Driver{ID: "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serve(t, scripted{status: 200, contentType: asJSON, body: c.body}).GetDriver(t.Context(), "d")
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	_, err := serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":7}`}).GetDriver(t.Context(), "d")
	assert.Error(t, err)
}

// TestDriverPatch: what stays as it is is not sent, and what becomes empty is.
func TestDriverPatch(t *testing.T) {
	empty, container, deletes := "", "images", false
	for name, c := range map[string]struct {
		patch ddoe.DriverPatch
		body  string
	}{
		"nothing":     {ddoe.DriverPatch{}, `{"payload":{}}`},
		"name":        {ddoe.DriverPatch{Name: "n"}, `{"name":"n","payload":{}}`},
		"integration": {ddoe.DriverPatch{IntegrationID: "i", IntegrationType: "t"}, `{"payload":{"integrationId":"i","integrationType":"t"}}`},
		"place": {ddoe.DriverPatch{ContainerName: &container, Path: &empty, AllowExternalDelete: &deletes},
			`{"payload":{"containerName":"images","path":"","allowExternalDelete":false}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":"d"}`})
			_, _, err := a.UpdateDriver(t.Context(), "d/../e", c.patch)
			require.NoError(t, err)
			assert.Equal(t, "PATCH /our/api/v1/drivers/d%2F..%2Fe", a.last.Method+" "+a.last.URL.EscapedPath())
			assert.JSONEq(t, c.body, a.body)
		})
	}
}
