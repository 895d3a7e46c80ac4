package platform_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id   = "my-service"
	mark = "ddoe-wif/0123abcd/my-service"
	key  = "planted-key"
)

// fixture is a deployment's platform side, over the sandbox's platform, with one clock that only sleeping moves.
type fixture struct {
	t        *testing.T
	world    *world.World
	gate     http.Handler
	platform *platform.Platform
	document integration.Document

	mu       sync.Mutex
	at       time.Time
	requests []string
	faults   []*fault
	// storage answers what the platform asks of Entra and of a storage account.
	storage func(r *http.Request) int
}

var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, at: time.Now().UTC().Truncate(time.Second), storage: func(*http.Request) int {
		return http.StatusCreated
	}}
	f.world = world.New(f.now)
	world.Seed(f.world)
	f.world.RewordOffer()
	signing, err := issuerKey()
	require.NoError(t, err)
	f.gate = sandbox.New(f.world, sandbox.Options{Issuer: sandbox.NewIssuer(world.Issuer, f.now, signing), APIKey: key,
		Transport: azure{f}})
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://gate.dataloop.ai/api/v1", Key: secret.New(key),
		Client: &http.Client{Transport: gate{f}}})
	require.NoError(t, err)
	f.platform = &platform.Platform{Client: client, Instance: "0123abcd", Requests: policy.Requests{Sleep: f.sleep,
		Now: f.now},
		Accounts: accounts(func(context.Context, string) (bool, error) { return false, nil })}
	f.document = integration.Document{ID: id, Spec: wired(), Status: integration.Status{ClientID: "client-id",
		ServicePrincipalID: "principal"}}
	return f
}

func wired() integration.Spec {
	return integration.Spec{DisplayName: "My service", TenantID: world.TenantID, Issuer: world.Issuer,
		Audience: "api://AzureADTokenExchange",
		Subjects: []string{"system:serviceaccount:dataloop:my-service"},
		Storage: []integration.StorageAccess{{ResourceID: world.DataAccountID, Container: "images",
			Access: integration.AccessReadWrite}},
		DDOE: &integration.DDOE{OrganizationID: dataloop.OrganizationID, Integration: true,
			Driver: &integration.Driver{ProjectID: dataloop.ProjectID, Name: "images"}}}
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
	return ctx.Err()
}

// fault makes matching requests fail, instead of being done or after.
type fault struct {
	match *regexp.Regexp // over "METHOD path?query", below the base
	times int            // how often; 0 is always
	after bool
	// answer is nil for a connection that is cut.
	answer func(r *http.Request, done *http.Response) (*http.Response, error)
	struck int
}

// strike makes requests fail from now on.
func (f *fixture) strike(pattern string, times int, x fault) {
	x.match, x.times = regexp.MustCompile("^"+pattern), times
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = []*fault{&x}
}

func (f *fixture) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.requests = nil, nil
}

var errCut = errors.New("connection reset by peer")

func status(code int) fault { return statusWith(code, nil) }

func statusWith(code int, header http.Header) fault {
	return fault{answer: func(r *http.Request, _ *http.Response) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for name, values := range header {
			h[name] = values
		}
		return respond(r, code, h, fmt.Sprintf(`{"status": %d, "message": "fault"}`, code)), nil
	}}
}

func respond(r *http.Request, code int, h http.Header, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// gate is the way to the platform's API.
type gate struct{ f *fixture }

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	f := g.f
	what := r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/api/v1")
	f.mu.Lock()
	f.requests = append(f.requests, what)
	var hit *fault
	for _, x := range f.faults {
		if x.match.MatchString(what) && (x.times == 0 || x.struck < x.times) {
			x.struck++
			hit = x
		}
	}
	f.mu.Unlock()
	if hit != nil && !hit.after {
		if hit.answer == nil {
			return nil, errCut
		}
		return hit.answer(r, nil)
	}
	done, err := inprocess.Answer(f.gate, r)
	if err != nil {
		return nil, err
	}
	if hit == nil {
		return done, nil
	}
	if hit.answer == nil {
		return nil, errCut
	}
	return hit.answer(r, done)
}

// azure is what the platform meets at Entra and at a storage account.
type azure struct{ f *fixture }

func (a azure) RoundTrip(r *http.Request) (*http.Response, error) {
	code := a.f.storage(r)
	return respond(r, code, http.Header{"Content-Type": {"application/json"}}, `{"access_token": "token"}`), nil
}

// outcome is what a run came to.
type outcome struct {
	steps   []string
	errs    []error
	unnamed int // creates without the id of their request
}

func (o outcome) codes() []string {
	var all []string
	for _, err := range o.errs {
		all = append(all, string(describe(err).Code))
	}
	return all
}

func describe(err error) diagnosis.Diagnosis {
	var f *policy.Failure
	if errors.As(err, &f) {
		return f.Diagnosis(false)
	}
	return classify.Error(err, diagnosis.Context{})
}

// kinds are those of the platform as it is now.
func (f *fixture) kinds() []resource.Kind {
	kinds, err := platform.New(*f.platform)
	require.NoError(f.t, err)
	return kinds
}

// observe looks with both kinds.
func (f *fixture) observe(v resource.View) []resource.Item {
	f.t.Helper()
	var all []resource.Item
	for _, kind := range f.kinds() {
		all = append(all, kind.Observe(f.t.Context(), v)...)
	}
	return all
}

// run carries out what a loop does with the kinds: look, stop where something blocks, remove what is unwanted, apply
// the rest.
func (f *fixture) run(v resource.View) outcome {
	f.t.Helper()
	v.Document = f.document
	kinds := f.kinds()
	items := map[string][]resource.Item{}
	var o outcome
	for _, kind := range kinds {
		items[kind.Name()] = kind.Observe(f.t.Context(), v)
		for _, item := range items[kind.Name()] {
			switch {
			case item.Blocks && v.Ending, item.State == resource.Foreign:
				o.errs = append(o.errs,
					&diagnosis.Error{Diagnosis: diagnosis.New(item.Code, diagnosis.WithDetail("%s", item.Detail))})
			case item.Err != nil:
				o.errs = append(o.errs, item.Err)
			}
		}
		resource.LearnAll(&f.document.Status, items[kind.Name()])
	}
	if v.Ending && len(o.errs) > 0 {
		return o
	}
	for _, kind := range slices.Backward(kinds) {
		if !f.learn(&o, kind.Remove(f.t.Context(), v, resource.InState(items[kind.Name()], resource.Unwanted))) {
			return o
		}
		v.Document = f.document
	}
	isNew := false
	for _, kind := range kinds {
		if v.Document = f.document; isNew {
			items[kind.Name()] = kind.Observe(f.t.Context(), v)
			resource.LearnAll(&f.document.Status, items[kind.Name()])
			for _, item := range items[kind.Name()] {
				if item.Err != nil {
					o.errs = append(o.errs, item.Err)
				}
			}
		}
		before := f.document.Clone()
		todo := resource.InState(items[kind.Name()], resource.Missing, resource.Different)
		if !f.learn(&o, kind.Apply(f.t.Context(), v, todo)) || len(o.errs) > 0 {
			return o
		}
		isNew = !reflect.DeepEqual(before, f.document)
	}
	return o
}

func (f *fixture) learn(o *outcome, results []resource.Result) bool {
	good := true
	for _, r := range results {
		if r.Learn != nil {
			r.Learn(&f.document.Status)
		}
		if r.Err != nil {
			o.errs = append(o.errs, r.Err)
			good = false
			continue
		}
		if r.Outcome == resource.OutcomeCreated && r.RequestID == "" {
			o.unnamed++
		}
		name := r.Step
		if name == "" {
			name = r.Item.Name
		}
		o.steps = append(o.steps, name+" "+string(r.Outcome))
	}
	return good
}

// provisioned carries the document's spec out.
func (f *fixture) provisioned() *fixture {
	f.t.Helper()
	require.Empty(f.t, f.run(resource.View{}).errs)
	f.requireOne("provisioned")
	f.calm()
	return f
}

func (f *fixture) integrations() []dataloop.Object { return f.world.DDOEObjects(dataloop.Integrations) }
func (f *fixture) drivers() []dataloop.Object      { return f.world.DDOEObjects(dataloop.Drivers) }

// requireOne checks that there is one integration and one driver on it, those of the document, and as the spec states.
func (f *fixture) requireOne(msg string) {
	f.t.Helper()
	require.Len(f.t, f.integrations(), 1, msg)
	require.Len(f.t, f.drivers(), 1, msg)
	is, driver, st, spec := f.integrations()[0], f.drivers()[0], f.document.Status.DDOE, f.document.Spec
	require.NotNil(f.t, st, msg)
	require.Equal(f.t, []any{st.IntegrationID, st.DriverID, st.IntegrationID},
		[]any{is["id"], driver["id"], driver["integrationId"]}, msg)
	require.Equal(f.t, []any{spec.DisplayName, spec.DDOE.Driver.Name, spec.DDOE.Driver.Path, spec.Storage[0].Container,
		spec.DDOE.Driver.AllowExternalDelete},
		[]any{is["name"], driver["name"], driver["path"], driver["containerName"], driver["allowExternalDelete"]}, msg)
	require.Contains(f.t, fmt.Sprint(is["options"]), spec.Subjects[0], msg)
	require.Equal(f.t, "api", st.Mode, msg)
}

// writes are the requests so far that are no reads.
func (f *fixture) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.requests), func(r string) bool { return strings.HasPrefix(r, "GET ") })
}

// put adds an object of somebody else.
func (f *fixture) put(kind string, o dataloop.Object) dataloop.Object {
	f.t.Helper()
	require.NoError(f.t, f.world.PutDDOEObject(kind, o))
	return o
}

// offered is the type for federation with Azure, however it is called.
func (f *fixture) offered() dataloop.Object {
	for _, o := range f.world.DDOEObjects(dataloop.AvailableIntegrations) {
		if slices.ContainsFunc(o["options"].([]any), func(option any) bool {
			return option.(dataloop.Object)["means"] == dataloop.MeansCredentialFile
		}) {
			return o
		}
	}
	f.t.Fatal("the type is not offered")
	return nil
}

// theirs is an integration that a person has made under our name.
func (f *fixture) theirs() dataloop.Object {
	return f.put(dataloop.Integrations, dataloop.Object{"id": "theirs", "name": f.document.Spec.DisplayName,
		"type": f.offered()["type"], "org": dataloop.OrganizationID,
		"createdAt": f.now().UnixMilli(), "options": dataloop.Object{"secret": "theirs"}, "metadata": []any{}})
}

// item is the one item of a name in a state.
func item(t *testing.T, items []resource.Item, name string, state resource.State) resource.Item {
	t.Helper()
	i := slices.IndexFunc(items, func(i resource.Item) bool { return i.Name == name && i.State == state })
	require.GreaterOrEqual(t, i, 0, "no %s that is %s in %+v", name, state, items)
	return items[i]
}

// accounts tells which accounts are hierarchical.
type accounts func(ctx context.Context, accountID string) (bool, error)

func (a accounts) IsHierarchical(ctx context.Context, accountID string) (bool, error) {
	return a(ctx, accountID)
}
