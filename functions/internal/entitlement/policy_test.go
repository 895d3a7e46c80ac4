package entitlement_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	issuer       = "https://dataloop.ai/oauth2"
	subscription = "/subscriptions/22222222-2222-4222-8222-222222222222"
	data         = subscription + "/resourceGroups/data"
	account      = data + "/providers/Microsoft.Storage/storageAccounts/acmedata"
	own          = data + "/providers/Microsoft.Storage/storageAccounts/ownstate"
	team         = "cccccccc-3333-4333-8333-333333333333"
	portal       = "eeeeeeee-5555-4555-8555-555555555555"
)

func defaults() entitlement.Defaults {
	return entitlement.Defaults{Issuer: issuer, SubjectTemplate: "system:serviceaccount:dataloop:{service}",
		Scopes: []string{data}, OwnAccounts: []string{"ownstate"}}
}

func policyOf(t *testing.T, text string) entitlement.Policy {
	t.Helper()
	p, err := entitlement.New(text, defaults())
	require.NoError(t, err)
	return p
}

func spec(change func(*integration.Spec)) integration.Spec {
	s := integration.Spec{Issuer: issuer, Subjects: []string{"system:serviceaccount:dataloop:one",
		"system:serviceaccount:dataloop:team-a-two"}, Storage: []integration.StorageAccess{
		{ResourceID: account, Container: "images", Access: "read"},
		{ResourceID: account, Container: "archive", Access: "readWrite"}}}
	change(&s)
	return s
}

func operator() caller.Caller {
	return caller.Caller{ID: "someone", AppID: portal, Roles: []caller.Role{caller.RoleOperate}, Groups: []string{"x",
		team}}
}

// pointers are where the refusal of a spec points; none where it is allowed.
func pointers(t *testing.T, p entitlement.Policy, who caller.Caller, s integration.Spec) []string {
	t.Helper()
	err := p.Admit(caller.With(t.Context(), who), s)
	if err == nil {
		return nil
	}
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, diagnosis.CodeNotAllowed, refused.Diagnosis.Code)
	at := []string{}
	for _, f := range refused.Diagnosis.Findings {
		assert.Equal(t, diagnosis.CodeNotAllowed, f.Code)
		assert.NotEmpty(t, f.Detail)
		assert.NotEmpty(t, f.Remedy)
		at = append(at, f.Pointer)
	}
	return at
}

// TestTheDefaultPolicy: the issuer is the platform's, subjects have the template's form, storage lies in the scopes.
func TestTheDefaultPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*integration.Spec)
		want   []string
	}{
		"all of it": {func(*integration.Spec) {}, nil},
		"the scope's case": {func(s *integration.Spec) { s.Storage[1].ResourceID = strings.ToUpper(account) },
			nil},
		"another issuer": {func(s *integration.Spec) { s.Issuer += "/" }, []string{"/issuer"}},
		"the issuer's case": {func(s *integration.Spec) { s.Issuer = strings.ToUpper(s.Issuer) },
			[]string{"/issuer"}},
		"another namespace": {func(s *integration.Spec) { s.Subjects[1] = "system:serviceaccount:other:one" },
			[]string{"/subjects/1"}},
		"more segments": {func(s *integration.Spec) { s.Subjects[1] += ":x" }, []string{"/subjects/1"}},
		"no service": {func(s *integration.Spec) { s.Subjects[0] = "system:serviceaccount:dataloop:" },
			[]string{"/subjects/0"}},
		"a look-alike": {func(s *integration.Spec) { s.Subjects[0] = "system:serviceaccount:dаtaloop:one" },
			[]string{"/subjects/0"}},
		"a look-alike service": {func(s *integration.Spec) { s.Subjects[0] = "system:serviceaccount:dataloop:оne" },
			[]string{"/subjects/0"}},
		"another case": {func(s *integration.Spec) { s.Subjects[0] = "System:serviceaccount:dataloop:one" },
			[]string{"/subjects/0"}},
		"both subjects": {func(s *integration.Spec) { s.Subjects = []string{"a", "b"} },
			[]string{"/subjects/0", "/subjects/1"}},
		"another group": {func(s *integration.Spec) {
			s.Storage[1].ResourceID = strings.Replace(account, "/data/", "/data2/", 1)
		}, []string{"/storage/1/resourceId"}},
		"an account of the service": {func(s *integration.Spec) {
			s.Storage[1].ResourceID = strings.Replace(own, "own",
				"OWN", 1)
		},
			[]string{"/storage/1/resourceId"}},
		"everything at once": {func(s *integration.Spec) { s.Subjects[0], s.Storage[0].ResourceID = "a", own },
			[]string{"/storage/0/resourceId", "/subjects/0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policyOf(t, "")
			for _, who := range []caller.Caller{operator(), caller.FunctionKey(), caller.Queue(""), caller.Queue("",
				caller.RoleAdmin)} {
				assert.Equal(t, c.want, pointers(t, p, who, spec(c.change)), who.ID)
			}
			assert.NoError(t, p.Admit(t.Context(), spec(c.change)), "the app itself asks for what was admitted")
		})
	}
	assert.Equal(t, []string{""}, pointers(t, policyOf(t, ""), caller.Caller{Roles: []caller.Role{caller.RoleRead}},
		spec(func(*integration.Spec) {})), "who may only look asks for nothing")
}

// TestNothingIsAllowedOfAnUnknownIssuer: where the service knows no issuer the operator has to name one.
func TestNothingIsAllowedOfAnUnknownIssuer(t *testing.T) {
	t.Parallel()
	d := defaults()
	d.Issuer, d.Scopes = "", nil
	p, err := entitlement.New("", d)
	require.NoError(t, err)
	assert.Equal(t, []string{"/issuer"}, pointers(t, p, operator(), spec(func(*integration.Spec) {})))
	p, err = entitlement.New(`[{"callers":["role:Wif.Operate"],"issuers":["`+issuer+`"]}]`, d)
	require.NoError(t, err)
	assert.Empty(t, pointers(t, p, operator(), spec(func(s *integration.Spec) {
		s.Storage[0].ResourceID = strings.Replace(account, "/data/", "/anywhere/", 1)
	})), "without scopes the service's own rights limit it")
	assert.Equal(t, []string{"/storage/0/resourceId"}, pointers(t, p, operator(), spec(func(s *integration.Spec) {
		s.Storage[0].ResourceID = own
	})), "but not its own accounts")
}

// TestGrants: one grant has to allow caller, issuer, subject, storage and access together.
func TestGrants(t *testing.T) {
	t.Parallel()
	const readOne = `{"callers":["role:Wif.Operate"],"access":"read"}`
	container := account + "/blobServices/default/containers/"
	for name, c := range map[string]struct {
		text string
		who  caller.Caller
		want []string
	}{
		"for a role that includes it": {`[{"callers":["role:Wif.Read"]}]`, operator(), nil},
		"for a wider role":            {`[{"callers":["role:Wif.Admin"]}]`, operator(), []string{""}},
		"for a group":                 {`[{"callers":["group:` + team + `"]}]`, operator(), nil},
		"for another group":           {`[{"callers":["group:` + portal + `"]}]`, operator(), []string{""}},
		"for an application":          {`[{"callers":["queue","app:` + portal + `"]}]`, operator(), nil},
		"for another application":     {`[{"callers":["app:` + team + `"]}]`, operator(), []string{""}},
		"for the queue, by the queue": {`[{"callers":["queue"]}]`, caller.Queue("x"), nil},
		"for the queue, by a caller":  {`[{"callers":["queue"]}]`, operator(), []string{""}},
		"for a role, by the queue": {`[{"callers":["role:Wif.Read"]}]`, caller.Queue("", caller.RoleAdmin),
			[]string{""}},
		"for the function key":      {`[{"callers":["function-key"]}]`, caller.FunctionKey(), nil},
		"for the key, by a caller":  {`[{"callers":["function-key"]}]`, operator(), []string{""}},
		"for the key, by the queue": {`[{"callers":["function-key"]}]`, caller.Queue("function-key"), []string{""}},
		"narrower access":           {`[` + readOne + `]`, operator(), []string{"/storage/1/access"}},
		"wide enough by the second": {`[` + readOne + `,{"callers":["queue","role:Wif.Read"]}]`, operator(), nil},
		"a container, not the other": {`[{"callers":["role:Wif.Read"],"storage":["` + container + `images"]}]`,
			operator(), []string{"/storage/1/resourceId"}},
		"both containers": {`[{"callers":["role:Wif.Read"],"storage":["` + container + `images","` +
			container + `archive"]}]`, operator(), nil},
		"a container of a like name": {`[{"callers":["role:Wif.Read"],"storage":["` + container + `image","` +
			container + `archives"]}]`, operator(), []string{"/storage/0/resourceId", "/storage/1/resourceId"}},
		"a subscription": {`[{"callers":["role:Wif.Read"],"storage":["` + subscription + `"]}]`,
			operator(), nil},
		"one subject of two": {
			`[{"callers":["role:Wif.Read"],"subjects":["system:serviceaccount:dataloop:team-a-*"]}]`, operator(),
			[]string{"/subjects/0"}},
		"subject and storage by turns": {
			`[{"callers":["role:Wif.Read"],"subjects":["system:serviceaccount:dataloop:team-a-*"],"storage":["` +
				data +
				`"]},{"callers":["role:Wif.Read"],"subjects":["system:serviceaccount:dataloop:one"],"storage":["` +
				container + `images"]}]`, operator(), []string{"/storage/1/resourceId"}},
		"two issuers": {`[{"callers":["role:Wif.Read"],"issuers":["https://other.example","` +
			issuer + `"]}]`, operator(), nil},
		"another issuer": {`[{"callers":["role:Wif.Read"],"issuers":["https://other.example"]}]`,
			operator(), []string{"/issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, pointers(t, policyOf(t, c.text), c.who, spec(func(*integration.Spec) {})))
		})
	}
	whole := policyOf(t, `[{"callers":["role:Wif.Read"],"storage":["`+container+`images"]}]`)
	assert.Equal(t, []string{"/storage/0/resourceId"}, pointers(t, whole, operator(), spec(func(s *integration.Spec) {
		s.Storage = []integration.StorageAccess{{ResourceID: account, Access: "read"}}
	})), "the account is more than a container of it")
}

// TestARefusalTellsWhatWouldBeAllowed, of the caller's grants alone.
func TestARefusalTellsWhatWouldBeAllowed(t *testing.T) {
	t.Parallel()
	p := policyOf(t, `[{"callers":["queue"],"issuers":["https://secret.example"]},{"callers":["role:Wif.Read"],`+
		`"issuers":["https://two.example","https://one.example"]}]`)
	err := p.Admit(caller.With(context.Background(), operator()), spec(func(*integration.Spec) {}))
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "https://one.example or https://two.example", refused.Diagnosis.Findings[0].Expected)
	assert.Equal(t, issuer, refused.Diagnosis.Findings[0].Actual)
}

// TestAPolicyThatIsFaulty names every member that is wrong.
func TestAPolicyThatIsFaulty(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`[]`:                  {"it has no grant"},
		`{}`:                  {"/"},
		`[`:                   {"JSON"},
		`[{"callers":["x"]}]`: {"/0/callers/0"},
		`[{}]`:                {"/0/callers: it names nobody"},
		`[{"caller":["x"]}]`:  {"/0/caller"},
		`[{"callers":["role:Wif.Other","group:x","app:","role:"],"issuers":["http://x","x"],"subjects":[""],` +
			`"storage":["/","` + account + `/","` + account +
			`/blobServices/default/containers/A"],"access":"write"}]`: {
			"/0/callers/0", "/0/callers/1", "/0/callers/2", "/0/callers/3", "/0/issuers/0", "/0/issuers/1",
			"/0/subjects/0",
			"/0/storage/0", "/0/storage/1", "/0/storage/2", "/0/access"},
		`[{"callers":["queue"]},{"callers":["queue","me"]}]`: {"/1/callers/1"},
	} {
		_, err := entitlement.New(text, defaults())
		require.Error(t, err, text)
		for _, part := range want {
			assert.ErrorContains(t, err, part, text)
		}
	}
}
