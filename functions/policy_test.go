package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestThePolicyHoldsForEveryWayToAsk, before anything is written.
func TestThePolicyHoldsForEveryWayToAsk(t *testing.T) {
	t.Parallel()
	faulty := strings.Replace(good, "{", `{"issuer":"https://attacker.example",`, 1)
	imported := `{"credentials":{"clientId":"33333333-3333-4333-8333-333333333333","tenantId":"` + world.TenantID +
		`",` +
		`"federatedTokenIssuer":"https://attacker.example","subject":"` + subject + `",` +
		`"audience":"api://AzureADTokenExchange"},"storage":[{"resourceId":"` + world.DataAccountID + `"}]}`
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	before := a.state()
	for _, c := range [][3]string{{"PUT", "/integrations/my-others", faulty},
		{"PUT", "/integrations/my-others?dryRun=true", faulty}, {"PUT", "/integrations/my-images", faulty},
		{"PATCH", "/integrations/my-images", `{"issuer":"https://attacker.example"}`},
		{"POST", "/integrations/my-others/import", imported}} {
		got := a.call(c[0], c[1], c[2], "Content-Type", "application/json")
		assert.Equal(t, 403, got.StatusCode, "%v: %s", c[:2], got.raw)
		assert.Equal(t, "not-allowed", got.at("code"))
		finding := got.at("errors").([]any)[0].(map[string]any)
		pointer := "/issuer"
		if strings.HasSuffix(c[1], "/import") {
			pointer = "/credentials/federatedTokenIssuer" // where the file has it
		}
		assert.Equal(t, pointer, finding["pointer"])
		assert.Equal(t, world.Issuer, finding["expected"])
	}
	assert.Equal(t, before, a.state(), "nothing is written")
	produce(a, "provision", "my-others", map[string]any{"integrationId": "my-others", "operationId": "asked",
		"spec": json.RawMessage(faulty)})
	refused := a.call("GET", "/operations/asked", "")
	assert.Equal(t, "not-allowed", refused.at("error", "code"), refused.raw)
	assert.Contains(t, refused.raw, `"/data/spec/issuer"`)
	assert.Equal(t, 404, a.call("GET", "/integrations/my-others", "").StatusCode)
}

// TestThePolicyIsShownToAdministrators as it holds, its defaults filled in.
func TestThePolicyIsShownToAdministrators(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "DATA_SCOPES": world.DataAccountID[:strings.Index(
		world.DataAccountID, "/providers/")], "OWN_STORAGE_ACCOUNTS": "HostState"})
	assert.Equal(t, 403, as(a, first, "GET", "/policy", "").StatusCode)
	got := as(a, manager, "GET", "/policy", "")
	require.Equal(t, 200, got.StatusCode, got.raw)
	assert.Equal(t, map[string]any{"grants": []any{map[string]any{
		"callers": []any{"role:Wif.Operate", "queue"}, "issuers": []any{world.Issuer},
		"subjects": []any{"system:serviceaccount:dataloop:*"},
		"storage":  []any{world.DataAccountID[:strings.Index(world.DataAccountID, "/providers/")]},
		"access":   "readWrite"}},
		"ownAccounts": []any{"hoststate", "state"}}, plainPolicy(got.body))
}

// plainPolicy leaves the link to the schema out.
func plainPolicy(body map[string]any) map[string]any {
	delete(body, "$schema")
	return body
}

// TestSettingsOfThePolicy: what is malformed stops the start, and each fault is named.
func TestSettingsOfThePolicy(t *testing.T) {
	t.Parallel()
	_, err := ConfigFromEnvironment(settings(map[string]string{"POLICY": `[{"callers":["me"]},{}]`,
		"DATA_SCOPES": "data",
		"QUEUE_OWNER": "me"}))
	for _, part := range []string{"setting POLICY", "/0/callers/0", "/1/callers", "setting DATA_SCOPES",
		"setting QUEUE_OWNER"} {
		assert.ErrorContains(t, err, part)
	}
}

// TestASubjectHasOneOwner: a service with identities of two owners could be led to use the wrong one.
func TestASubjectHasOneOwner(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	two := strings.Replace(good, `"serviceName":"my-service"`, `"subjects":["system:serviceaccount:dataloop:other",`+
		`"`+subject+`"]`, 1)
	require.NotEqual(t, good, two)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	refused := func(who, method, path, body, pointer string) {
		t.Helper()
		got := as(a, who, method, path, body)
		assert.Equal(t, 409, got.StatusCode, got.raw)
		assert.Equal(t, "subject-bound", got.at("code"))
		assert.Equal(t, pointer, got.at("errors").([]any)[0].(map[string]any)["pointer"])
		assert.NotContains(t, got.raw, "my-images")
	}
	for range 2 { // before anything is made, and afterwards
		refused(second, "PUT", "/integrations/my-others", two, "/subjects/1")
		refused(second, "PUT", "/integrations/my-others?dryRun=true", good, "/subjects/0")
		a.deliver()
	}
	assert.Equal(t, 201, as(a, first, "PUT", "/integrations/my-second", good).StatusCode, "its owner may")
	refused(first, "PATCH", "/integrations/my-second/owner", `{"owner":"`+second+`"}`, "/subjects/0")
	assert.Equal(t, 201, as(a, manager, "PUT", "/integrations/of-manager", good).StatusCode, "an administrator may")
	assert.Equal(t, 200, as(a, manager, "PATCH", "/integrations/my-second/owner", `{"owner":"`+second+`"}`).StatusCode)
	assert.Equal(t, 200, as(a, second, "GET", "/integrations/my-second", "").StatusCode)
}

// TestAPlanIsRefusedAsTheRequestIs: by the same code, where more than one would do.
func TestAPlanIsRefusedAsTheRequestIs(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	other := strings.Replace(good, "my-service", "other", 1)
	require.Equal(t, 201, as(a, second, "PUT", "/integrations/given-away", other).StatusCode)
	require.Equal(t, 200, as(a, second, "PATCH", "/integrations/given-away/owner", `{"owner":"`+first+`"}`).StatusCode)
	for _, query := range []string{"", "?dryRun=true"} {
		got := as(a, second, "PUT", "/integrations/my-images"+query, other)
		assert.Equal(t, "integration-exists", got.at("code"), query)
		got = as(a, second, "PUT", "/integrations/new"+query, other)
		assert.Equal(t, "subject-bound", got.at("code"), query)
	}
}

// TestASubjectIsFreeAgain after a teardown at once; when the spec names it no more, when a request is certain to have
// ended that may still write it.
func TestASubjectIsFreeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := withCallers(t)
		require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
		a.deliver()
		require.Equal(t, 202, as(a, first, "DELETE", "/integrations/my-images", "").StatusCode)
		time.Sleep(time.Second)
		a.deliver()
		assert.Equal(t, 201, as(a, second, "PUT", "/integrations/my-others", good).StatusCode)
		a.deliver()
		other := strings.Replace(good, "my-service", "other", 1)
		require.Equal(t, 200, as(a, second, "PUT", "/integrations/my-others", other).StatusCode)
		time.Sleep(9 * time.Minute)
		assert.Equal(t, 409, as(a, first, "PUT", "/integrations/my-third", good).StatusCode)
		time.Sleep(time.Minute)
		assert.Equal(t, 201, as(a, first, "PUT", "/integrations/my-third", good).StatusCode)
	})
}

// TestSubjectsFromBeforeAreEntered by the timer: callers were not told apart when they were bound.
func TestSubjectsFromBeforeAreEntered(t *testing.T) {
	t.Parallel()
	before := newApp(t, nil)
	require.Equal(t, 201, before.call("PUT", "/integrations/my-images", good).StatusCode)
	before.deliver()
	a := newAppOn(t, map[string]string{"AUTH_AUDIENCE": apiAudience},
		func(network, identity) integration.Store { return before.store })
	require.NoError(t, a.function("sweep").Tick(t.Context(), false))
	assert.Equal(t, "subject-bound", as(a, second, "PUT", "/integrations/my-others", good).at("code"))
}

// TestAnIntegrationOfThePlatformIsNamedByAdministrators: it could be another owner's.
func TestAnIntegrationOfThePlatformIsNamedByAdministrators(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	named := strings.Replace(good, "{", `{"ddoe":{"organizationId":"org","integrationId":"0123abcd"},`, 1)
	got := as(a, first, "PUT", "/integrations/my-images", named)
	assert.Equal(t, 403, got.StatusCode, got.raw)
	assert.Equal(t, "/ddoe/integrationId", got.at("errors").([]any)[0].(map[string]any)["pointer"])
	assert.NotEqual(t, 403, as(a, manager, "PUT", "/integrations/my-images", named).StatusCode)
}

// TestWhatIsRefusedClaimsNoSubject: else anybody could keep a subject from its owner by requests that come to nothing.
func TestWhatIsRefusedClaimsNoSubject(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	assert.Equal(t, 412, as(a, second, "PUT", "/integrations/decoy", good, "If-Match", `"1-00000000"`).StatusCode)
	assert.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	assert.Equal(t, 409, as(a, second, "PUT", "/integrations/my-images", good).StatusCode)
	assert.Equal(t, 200, as(a, first, "PUT", "/integrations/my-images", good).StatusCode, "nobody took it meanwhile")
}

// TestMessagesAboutOthersAreTheSendersOwn records: the other owner's history is not for them to fill.
func TestMessagesAboutOthersAreTheSendersOwn(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "QUEUE_OWNER": second})
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	for range 2 {
		produce(a, "deprovision", "my-images", map[string]any{"integrationId": "my-images", "operationId": "foreign"})
		produce(a, "provision", "my-images", map[string]any{"integrationId": "my-images", "operationId": "faulty",
			"spec": map[string]any{"unknown": 1}})
	}
	for _, operation := range []string{"foreign", "faulty"} {
		assert.Equal(t, 404, as(a, first, "GET", "/operations/"+operation, "").StatusCode, operation)
		got := as(a, second, "GET", "/operations/"+operation, "")
		assert.Equal(t, 200, got.StatusCode, got.raw)
		assert.Equal(t, "Failed", got.at("status"))
	}
	assert.Len(t, as(a, first, "GET", "/integrations/my-images/operations", "").at("value"), 1)
	assert.Len(t, as(a, second, "GET", "/operations", "").at("value"), 2, "a repeated message is recorded once")
}

// TestEventsAndLogTellWhoAsked, of a request and of a message.
func TestEventsAndLogTellWhoAsked(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	event, isThere := a.queue.take("wif-events")
	require.True(t, isThere)
	assert.Contains(t, string(event.Body), `"caller":{"objectId":"`+first+`","appId":"`+theirApp+`"}`)
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "own", "source": "/producer",
		"type": "ai.ddoe.wif.provision.v1", "data": map[string]any{"integrationId": "my-own",
			"spec": json.RawMessage(strings.Replace(good, "my-service", "my-own", 1))}})
	require.NoError(t, err)
	ctx, attributes := Annotate(t.Context())
	delivery := Delivery{Body: body, MessageID: "own", SessionID: "my-own"}
	require.NoError(t, a.function("reconcile").Message(ctx, delivery))
	assert.Contains(t, attributes(), slog.String("caller", "queue"))
	event, isThere = a.queue.take("wif-events")
	require.True(t, isThere)
	assert.Contains(t, string(event.Body), `"caller":{"objectId":"queue"}`)
}

// TestTheLogNamesNobodyFalsely: a message that names another's operation, or that cannot be read, was sent by a
// producer, whatever it says.
func TestTheLogNamesNobodyFalsely(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	made := as(a, first, "PUT", "/integrations/my-images", good)
	require.Equal(t, 201, made.StatusCode)
	operation := path.Base(made.Header.Get("Operation-Location"))
	require.Len(t, operation, 36)
	for name, row := range map[string]struct{ kind, data string }{
		"teardown":    {"deprovision", `"integrationId":"my-images","operationId":"` + operation + `"`},
		"access test": {"accesstest", `"integrationId":"my-images","operationId":"` + operation + `"`},
		"other spec": {"provision", `"integrationId":"my-images","operationId":"` + operation + `","spec":` +
			strings.Replace(good, "my-service", "my-own", 1)},
		"no spec at all": {"provision", `"operationId":"` + operation + `"`},
		"unknown type":   {"other", `"integrationId":"my-images","operationId":"` + operation + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"specversion":"1.0","id":"forged","source":"/producer","type":"ai.ddoe.wif.` + row.kind +
				`.v1","data":{` + row.data + `}}`
			for _, from := range []string{"reconcile", "deadletter"} {
				ctx, attributes := Annotate(t.Context())
				require.NoError(t, a.function(from).Message(ctx, Delivery{Body: []byte(body), MessageID: from + name,
					SessionID: "my-images"}))
				assert.Contains(t, attributes(), slog.String("caller", "queue"), from)
			}
		})
	}
}

// interrupted fails the first write of a document after it is armed.
type interrupted struct {
	integration.Store
	isArmed bool
}

func (s *interrupted) Put(ctx context.Context, key string, body []byte, etag string) (string, error) {
	if s.isArmed && strings.HasPrefix(key, "integrations/") {
		s.isArmed = false
		return "", errors.New("the store fails")
	}
	return s.Store.Put(ctx, key, body, etag)
}

// TestAMessageIsAdmittedAgain when it goes on after a crash: the integration may be another owner's by then.
func TestAMessageIsAdmittedAgain(t *testing.T) {
	t.Parallel()
	store := &interrupted{Store: storetest.NewMemory()}
	a := newAppOn(t, map[string]string{"AUTH_AUDIENCE": apiAudience},
		func(network, identity) integration.Store { return store })
	produce(a, "provision", "my-images", map[string]any{"integrationId": "my-images", "operationId": "make",
		"spec": json.RawMessage(good)})
	change := map[string]any{"integrationId": "my-images", "operationId": "change",
		"spec": json.RawMessage(strings.Replace(good, "{", `{"displayName":"taken",`, 1))}
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "change", "source": "/producer",
		"type": "ai.ddoe.wif.provision.v1", "data": change})
	require.NoError(t, err)
	delivery := Delivery{Body: body, MessageID: "change", SessionID: "my-images"}
	store.isArmed = true
	require.NoError(t, a.function("reconcile").Message(t.Context(), delivery), "it is tried again later")
	require.False(t, store.isArmed)
	require.Equal(t, 200, as(a, manager, "PATCH", "/integrations/my-images/owner", `{"owner":"`+first+`"}`).StatusCode)
	before := as(a, first, "GET", "/integrations/my-images", "").raw
	require.NoError(t, a.function("reconcile").Message(t.Context(), delivery))
	a.deliver()
	assert.Equal(t, before, as(a, first, "GET", "/integrations/my-images", "").raw)
	assert.Contains(t, []any{"Failed", "Canceled"}, as(a, manager, "GET", "/operations/change", "").at("status"))
}

// TestAllSubjectsFromBeforeAreEntered, however often the app is started anew between two ticks of the timer.
func TestAllSubjectsFromBeforeAreEntered(t *testing.T) {
	t.Parallel()
	repository := &integration.Repository{Store: storetest.NewMemory(), Now: time.Now}
	spec := func(i int) integration.Spec {
		return integration.Spec{Issuer: world.Issuer, Subjects: []string{fmt.Sprint("s-", i)}}
	}
	for i := range 150 {
		_, err := repository.Create(t.Context(), integration.Document{ID: fmt.Sprintf("aaa-%03d", i), Owner: first,
			Spec: spec(i), Status: integration.Status{Phase: integration.PhaseUsable}})
		require.NoError(t, err)
	}
	for range 2 {
		require.NoError(t, (&entitlement.Claims{Repository: repository}).Sweep(t.Context()))
	}
	ctx := caller.With(t.Context(), caller.Caller{ID: second})
	for i := range 150 {
		require.Error(t, (&entitlement.Claims{Repository: repository}).Admit(ctx, "bbb", spec(i)), i)
	}
}
