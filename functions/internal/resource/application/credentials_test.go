package application_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const objectID = "aaaaaaaa-0000-4000-8000-000000000001"

// directory is the sandbox with an application in it, and the product's client of it.
type directory struct {
	t       *testing.T
	cloud   *cloud.Cloud
	kept    *application.Kind
	slept   time.Duration
	alter   func(answer []byte) []byte // of batches
	subject integration.Document
}

func newDirectory(t *testing.T) *directory {
	t.Helper()
	c, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	_, err = c.World().CreateApplication(world.Application{ID: objectID, UniqueName: "u", DisplayName: "d"},
		world.AppPrincipalID)
	require.NoError(t, err)
	d := &directory{t: t, cloud: c, subject: integration.Document{Status: integration.Status{
		Identity: integration.IdentityMade{ID: objectID}}}}
	client, err := graph.New(d, &graph.Options{ClientOptions: azcore.ClientOptions{Transport: d,
		Retry: azpolicy.RetryOptions{MaxRetries: -1}}})
	require.NoError(t, err)
	d.kept = application.New(client,
		policy.Requests{Now: time.Now, Sleep: func(ctx context.Context, pause time.Duration) error {
			d.slept += pause
			return ctx.Err()
		}}, "0123abcd", nil)
	return d
}

// GetToken implements azcore.TokenCredential.
func (d *directory) GetToken(context.Context, azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := d.cloud.Authority().Issue(world.AppPrincipalID, entra.ResourceGraph)
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

// Do implements policy.Transporter.
func (d *directory) Do(r *http.Request) (*http.Response, error) {
	response, err := d.cloud.RoundTripper().RoundTrip(r)
	if err != nil || d.alter == nil || !strings.HasSuffix(r.URL.Path, "/$batch") {
		return response, err
	}
	whole, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	altered := d.alter(whole)
	d.alter = nil // once
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(altered)), int64(len(altered))
	return response, nil
}

func name(i int) string { return fmt.Sprintf("subject-%02d", i) }

// twenty are as many credentials as an application can have.
func twenty() []resource.Credential {
	all := make([]resource.Credential, 20)
	for i := range all {
		all[i] = resource.Credential{Name: name(i), Issuer: world.Issuer, Subject: name(i),
			Audiences: []string{"api://AzureADTokenExchange"}}
	}
	return all
}

// sent counts the round trips since the n-th request, and the requests within batches.
func (d *directory) sent(n int) (roundTrips, inBatch int) {
	for _, r := range d.cloud.Requests(n) {
		if r.InBatch {
			inBatch++
		} else {
			roundTrips++
		}
	}
	return roundTrips, inBatch
}

func (d *directory) number() int {
	all := d.cloud.Requests(0)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].N
}

// names are those of the credentials that there are.
func (d *directory) names() []string {
	names := []string{}
	for _, f := range d.cloud.World().FederatedCredentials(objectID) {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

func allNames() []string {
	names := make([]string, 20)
	for i := range names {
		names[i] = name(i)
	}
	return names
}

// actions are those of the errors, empty for a success.
func actions(receipts []resource.Receipt) []policy.Action {
	all := make([]policy.Action, len(receipts))
	for i, r := range receipts {
		all[i] = policy.ActionOf(r.Err)
	}
	return all
}

// failing are the actions of twenty requests where those from the first one on to before the second have failed with
// it.
func failing(from, to int, with policy.Action) []policy.Action {
	all := make([]policy.Action, 20)
	for i := from; i < to; i++ {
		all[i] = with
	}
	return all
}

// batchCase is a fault that strikes while twenty credentials are written.
type batchCase struct {
	fault control.Fault
	alter func([]byte) []byte
	// ends are the actions of the errors of the first attempt.
	ends []policy.Action
	// written is how many credentials there are after it.
	written int
	// roundTrips and inBatch are what it sends; the requests within a batch that were not tried are not counted.
	roundTrips, inBatch int
	waits               time.Duration // at least
	// again is how many round trips the next attempt needs for those that have failed.
	again int
}

const (
	seventh = `federatedIdentityCredentials\(name='subject-07'\)`
	whole   = `/\$batch$`
)

// strikes is a fault that meets the requests of a path once.
func strikes(path string, status int, code string) control.Fault {
	return control.Fault{Match: control.Match{Host: "graph", Path: path}, Status: status, Code: code}
}

func batchCases() map[string]batchCase {
	asked := func(seconds string) control.Fault {
		f := strikes(seventh, 429, "TooManyRequests")
		f.Headers = map[string]string{"Retry-After": seconds}
		return f
	}
	effect := func(f control.Fault, effect string) control.Fault { f.Effect = effect; return f }
	stays := func(f control.Fault) control.Fault { f.Times = new(-1); return f }
	none := failing(0, 0, "")
	rest := failing(7, 20, policy.RetryLater)
	all := failing(0, 20, policy.RetryLater)
	return map[string]batchCase{
		"nothing": {ends: none, written: 20, roundTrips: 1, inBatch: 20},
		"429 with Retry-After": {fault: asked("5"), ends: none, written: 20, roundTrips: 2, inBatch: 21,
			waits: 5 * time.Second},
		"429 for longer": {fault: asked("120"), ends: rest, written: 7, roundTrips: 1,
			inBatch: 8, again: 1},
		"409 of two writers": {fault: strikes(seventh, 409, "Directory_ConcurrencyViolation"), ends: none,
			written: 20, roundTrips: 2, inBatch: 21},
		"409 of a name": {fault: strikes(seventh, 409, "Request_MultipleObjectsWithSameKeyValue"),
			ends: failing(7, 8, policy.Exists), written: 19, roundTrips: 2, inBatch: 20, again: 1},
		"403": {fault: strikes(seventh, 403, "Authorization_RequestDenied"),
			ends: failing(7, 8, policy.GiveUp), written: 19, roundTrips: 2, inBatch: 20, again: 1},
		"503": {fault: strikes(seventh, 503, ""), ends: none, written: 20, roundTrips: 2,
			inBatch: 21},
		"500 after it was done": {fault: effect(strikes(seventh, 500, ""), control.EffectAfter), ends: none,
			written: 20, roundTrips: 2, inBatch: 21},
		"503 that stays": {fault: stays(strikes(seventh, 503, "")), ends: rest, written: 7, roundTrips: 4,
			inBatch: 11, again: 1},
		"connection cut on the way": {fault: effect(strikes(seventh, 0, ""), control.EffectDrop), ends: all,
			written: 8, roundTrips: 1, inBatch: 8, again: 1},
		"answer lost": {fault: effect(strikes(whole, 0, ""), control.EffectDrop), ends: all, written: 20,
			roundTrips: 1, inBatch: 20, again: 1},
		"batch throttled": {fault: strikes(whole, 429, "TooManyRequests"), ends: all, roundTrips: 1, again: 1},
		"batch refused": {fault: strikes(whole, 400, "BadRequest"), ends: failing(0, 20, policy.GiveUp),
			roundTrips: 1, again: 1},
		"one answer missing": {alter: without("7"), ends: failing(7, 8, policy.RetryLater), written: 20, roundTrips: 1,
			inBatch: 20, again: 1},
		"one answer cut": {fault: control.Fault{Match: control.Match{Path: seventh}, Status: 201,
			Body: json.RawMessage(`"{\"id\""`), Effect: control.EffectAfter}, ends: failing(7, 8, policy.RetryLater),
			written: 20, roundTrips: 1, inBatch: 20, again: 1},
		"truncated": {alter: func(b []byte) []byte { return b[:len(b)/2] }, ends: all, written: 20, roundTrips: 1,
			inBatch: 20, again: 1},
		"no answers": {alter: func([]byte) []byte { return []byte(`{}`) }, ends: all, written: 20, roundTrips: 1,
			inBatch: 20, again: 1},
	}
}

// without takes one answer out of a batch's.
func without(id string) func([]byte) []byte {
	return func(b []byte) []byte {
		var body struct {
			Responses []map[string]any `json:"responses"`
		}
		_ = json.Unmarshal(b, &body) // the sandbox's JSON
		body.Responses = slices.DeleteFunc(body.Responses, func(r map[string]any) bool { return r["id"] == id })
		altered, _ := json.Marshal(body) // it was decoded from JSON
		return altered
	}
}

// TestPutTogether: whatever goes wrong with one of twenty, what is written stays, the rest is written as soon as that
// can be, and the next attempt needs no more than what is left.
func TestPutTogether(t *testing.T) {
	t.Parallel()
	for what, c := range batchCases() {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDirectory(t)
			d.alter = c.alter
			if c.fault.Match != (control.Match{}) {
				require.NoError(t, d.cloud.Faults().Set([]control.Fault{c.fault}))
			}
			receipts := d.kept.Put(t.Context(), d.subject, twenty())
			assert.Equal(t, c.ends, actions(receipts))
			assert.Len(t, d.names(), c.written)
			roundTrips, inBatch := d.sent(0)
			assert.Equal(t, [2]int{c.roundTrips, c.inBatch}, [2]int{roundTrips, inBatch})
			assert.GreaterOrEqual(t, d.slept, c.waits)
			var left []resource.Credential
			for i, r := range receipts {
				if r.Err != nil {
					left = append(left, twenty()[i])
				} else {
					assert.NotEmpty(t, r.RequestID, "what Microsoft's support asks for")
				}
			}

			d.cloud.Faults().Reset()
			n := d.number()
			for _, r := range d.kept.Put(t.Context(), d.subject, left) {
				require.NoError(t, r.Err)
			}
			assert.Equal(t, allNames(), d.names())
			roundTrips, _ = d.sent(n)
			assert.Equal(t, c.again, roundTrips)
		})
	}
}

// TestDeleteTogether: one that is gone already holds none of the others up.
func TestDeleteTogether(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	for _, r := range d.kept.Put(t.Context(), d.subject, twenty()) {
		require.NoError(t, r.Err)
		assert.Equal(t, resource.Outcome(graph.OutcomeCreated), r.Outcome)
		assert.NotEmpty(t, r.ID)
	}
	require.NoError(t, d.cloud.World().DeleteFederatedCredential(objectID, name(7)))
	require.NoError(t, d.cloud.Faults().Set([]control.Fault{{Match: control.Match{Method: "DELETE", Path: name(12)},
		Status: 403, Code: "Authorization_RequestDenied"}}))
	n := d.number()
	receipts := d.kept.Delete(t.Context(), d.subject, allNames())
	assert.Equal(t, failing(12, 13, policy.GiveUp), actions(receipts))
	assert.Empty(t, receipts[7].Outcome, "nothing was deleted")
	assert.Equal(t, resource.OutcomeDeleted, receipts[19].Outcome)
	assert.Equal(t, []string{name(12)}, d.names())
	roundTrips, inBatch := d.sent(n)
	assert.Equal(t, [2]int{3, 20}, [2]int{roundTrips, inBatch},
		"a batch, and one after each that Graph calls a failure")
}

// TestWithoutAnApplication nothing is asked for: there are no credentials.
func TestWithoutAnApplication(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	before := len(d.cloud.Requests(0))
	found, err := d.kept.List(t.Context(), integration.Document{})
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Len(t, d.cloud.Requests(0), before)
}
