package story

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// badInput is a request with a mistake, and what the answer is like.
type badInput struct {
	method, path string
	body         any
	status       int
	pointer      string
}

func badInputs(a *app) map[string]badInput {
	spec := func(change func(map[string]any)) map[string]any {
		s := a.spec("images")
		change(s)
		return s
	}
	storage := func(member, value string) map[string]any {
		return spec(func(s map[string]any) { s["storage"].([]any)[0].(map[string]any)[member] = value })
	}
	return map[string]badInput{
		"no body":        {method: "PUT", path: "/integrations/x-y-z", status: 400},
		"malformed body": {method: "PUT", path: "/integrations/x-y-z", body: `{"storage":`, status: 400},
		"an array":       {method: "PUT", path: "/integrations/x-y-z", body: `[]`, status: 422},
		"unknown member": {method: "PUT", path: "/integrations/x-y-z",
			body: spec(func(s map[string]any) { s["colour"] = "red" }), status: 422, pointer: "/colour"},
		"unknown member inside": {method: "PUT", path: "/integrations/x-y-z", body: storage("colour", "red"),
			status: 422, pointer: "/storage/0/colour"},
		"wrong type": {method: "PUT", path: "/integrations/x-y-z",
			body: spec(func(s map[string]any) { s["subjects"] = "one" }), status: 422, pointer: "/subjects"},
		"duplicate member": {method: "PUT", path: "/integrations/x-y-z",
			body: `{"serviceName":"a","serviceName":"b"}`, status: 422, pointer: "/serviceName"},
		"oversize": {method: "PUT", path: "/integrations/x-y-z", body: `{"displayName":"` +
			strings.Repeat("x", 1<<20) + `"}`, status: 413},
		"bad id":       {method: "PUT", path: "/integrations/Not_An_Id", body: a.spec("images"), status: 400},
		"id too short": {method: "PUT", path: "/integrations/ab", body: a.spec("images"), status: 400},
		"no subject": {method: "PUT", path: "/integrations/x-y-z",
			body: spec(func(s map[string]any) { delete(s, "serviceName") }), status: 422, pointer: "/subjects"},
		"placeholder subject": {method: "PUT", path: "/integrations/x-y-z", body: spec(func(s map[string]any) {
			s["subjects"] = []string{"system:serviceaccount:dataloop:<service-name>"}
		}), status: 422, pointer: "/subjects/0"},
		"http issuer": {method: "PUT", path: "/integrations/x-y-z",
			body: spec(func(s map[string]any) { s["issuer"] = "http://dataloop.ai/oauth2" }), status: 422,
			pointer: "/issuer"},
		"another tenant": {method: "PUT", path: "/integrations/x-y-z",
			body: spec(func(s map[string]any) { s["tenantId"] = "99999999-9999-4999-8999-999999999999" }), status: 422,
			pointer: "/tenantId"},
		"no resource id": {method: "PUT", path: "/integrations/x-y-z", body: storage("resourceId", "acmedata"),
			status: 422, pointer: "/storage/0/resourceId"},
		"a virtual machine": {method: "PUT", path: "/integrations/x-y-z",
			body: storage("resourceId",
				"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Compute/virtualMachines/vm"), status: 422, pointer: "/storage/0/resourceId"},
		"bad container": {method: "PUT", path: "/integrations/x-y-z", body: storage("container", "No--Good"),
			status: 422, pointer: "/storage/0/container"},
		"unknown access": {method: "PUT", path: "/integrations/x-y-z", body: storage("access", "owner"),
			status: 422, pointer: "/storage/0/access"},
		"unknown integration": {method: "GET", path: "/integrations/not-there", status: 404},
		"unknown view":        {method: "GET", path: "/integrations/not-there/colour", status: 404},
		"unknown operation":   {method: "GET", path: "/operations/00000000-0000-4000-8000-000000000000", status: 404},
		"delete unknown":      {method: "DELETE", path: "/integrations/not-there", status: 404},
		"test unknown":        {method: "POST", path: "/integrations/not-there/access-tests", body: `{}`, status: 404},
	}
}

// TestBadInputAtEveryDoor goes through the host as a caller's mistakes do: each is one clear problem that names the
// member by JSON pointer, and nothing is written anywhere.
func TestBadInputAtEveryDoor(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	for name, c := range badInputs(a) {
		t.Run(name, func(t *testing.T) {
			got := a.call(c.method, c.path, c.body)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.NotEmpty(t, got.at("code"), got.Raw)
			assert.NotEmpty(t, got.at("detail"), got.Raw)
			if c.pointer != "" {
				assert.Contains(t, got.pointers(), c.pointer, got.Raw)
			}
		})
	}
	assert.Equal(t, counts{}, a.made(before))
	list := a.call(http.MethodGet, "/integrations", nil)
	require.Equal(t, http.StatusOK, list.Status)
	assert.Empty(t, list.at("value"), "nothing was written")
}

// pointers are the members that a problem names.
func (a answer) pointers() []any {
	findings, _ := a.at("errors").([]any)
	var pointers []any
	for _, f := range findings {
		pointers = append(pointers, at(f, "pointer"))
	}
	return pointers
}
