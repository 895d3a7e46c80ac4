package provision_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// trusting asks for one grant, and for the trust of n subjects, the first of which has that name.
func trusting(n int, first string) integration.Spec {
	s := spec("images")
	s.ServiceName, s.Subjects = "", []string{"system:serviceaccount:dataloop:" + first}
	for i := 1; i < n; i++ {
		s.Subjects = append(s.Subjects, fmt.Sprintf("system:serviceaccount:dataloop:service-%02d", i))
	}
	return s
}

func (f *fixture) tearDown() {
	f.t.Helper()
	a, c := f.remove(provision.TeardownOptions{})
	f.handle(c)
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
}

// journey is a run of an integration with so many subjects, and what it may cost.
type journey struct {
	name     string
	subjects int
	// isMade is true where the integration is provisioned before.
	isMade bool
	// before is what is done before, else.
	before func(f *fixture, subjects int)
	run    func(f *fixture, subjects int)
	// ends is what there is afterwards.
	ends counts
	// hops are the round trips to Graph and ARM that follow one another; writeHops are those of the writes alone.
	hops, writeHops int
	// reads and writes are the round trips to Graph and ARM together; batched are the requests within batches.
	reads, writes, batched int
	// store is the most requests to the state store, from the request of a caller to the end of its operation.
	store int
}

func journeys() []journey {
	provisions := func(f *fixture, n int) { f.provisioned(trusting(n, "service-00")) }
	changes := func(f *fixture, n int) { f.provisioned(trusting(n, "renamed")) }
	tearsDown := func(f *fixture, _ int) { f.tearDown() }
	managed := func(n int) integration.Spec { return of(integration.IdentityManaged, trusting(n, "service-00")) }
	makesManaged := func(f *fixture, n int) { f.provisioned(managed(n)) }
	with := func(n int) counts { return counts{applications: 1, principals: 1, credentials: n, assignments: 1} }
	withManaged := func(n int) counts { return counts{identities: 1, credentials: n, assignments: 1} }
	gone := counts{deleted: 2}
	return []journey{
		// The application; its service principal beside the credentials; the role assignment.
		{name: "first provisioning", store: 23, subjects: 1, run: provisions, ends: with(1), hops: 3, writeHops: 3,
			writes: 4},
		{name: "first provisioning", store: 23, subjects: 20, run: provisions, ends: with(20), hops: 3,
			writeHops: 3, writes: 4,
			batched: 20},
		{name: "nothing to do", store: 17, subjects: 1, isMade: true, run: provisions, ends: with(1),
			hops: 1, reads: 4},
		{name: "nothing to do", store: 17, subjects: 20, isMade: true, run: provisions, ends: with(20),
			hops: 1, reads: 4},
		// A look, the deletion of the old credential, the list that shows it no more, the new one.
		{name: "change of a subject", store: 20, subjects: 1, isMade: true, run: changes, ends: with(1), hops: 4,
			writeHops: 2, reads: 5, writes: 2},
		{name: "change of a subject", store: 20, subjects: 20, isMade: true, run: changes, ends: with(20), hops: 4,
			writeHops: 2, reads: 5, writes: 2},
		// A look, trust and rights, the application: three. Reads confirm each removal: one list, then three of the
		// application.
		{name: "teardown", store: 23, subjects: 1, isMade: true, run: tearsDown, ends: gone, hops: 3 + 4,
			writeHops: 2, reads: 9,
			writes: 3},
		{name: "teardown", store: 23, subjects: 20, isMade: true, run: tearsDown, ends: gone, hops: 3 + 4,
			writeHops: 2, reads: 9,
			writes: 3, batched: 20},
		// A look at the managed identity; the identity; the credential beside the role assignment.
		{name: "managed identity", store: 23, subjects: 1, run: makesManaged, ends: withManaged(1), hops: 3,
			writeHops: 2, reads: 1, writes: 3},
		// Its credentials follow one another.
		{name: "managed identity", store: 23, subjects: 3, run: makesManaged, ends: withManaged(3), hops: 5,
			writeHops: 4, reads: 1, writes: 5},
		{name: "managed identity, nothing to do", store: 17, subjects: 1, before: makesManaged, run: makesManaged,
			ends: withManaged(1), hops: 1, reads: 3},
		// A look; whose identity it is, beside the role assignment; the credential, the list, the identity, and a
		// last look.
		{name: "managed identity, teardown", store: 23, subjects: 1, before: makesManaged, run: tearsDown, hops: 6,
			writeHops: 3, reads: 7, writes: 3},
	}
}

func (j journey) String() string { return fmt.Sprintf("%s/subjects=%d", j.name, j.subjects) }

// begin makes a deployment that is where the journey begins; nothing takes any time so far.
func (j journey) begin(t operationtest.TB) *fixture {
	f := newFixture(t)
	if j.isMade {
		f.provisioned(trusting(j.subjects, "service-00"))
	}
	if j.before != nil {
		j.before(f, j.subjects)
	}
	return f
}

// TestHops holds what a run costs: how often it waits for an answer, and what it asks for. Time is virtual, so that
// what is sent side by side takes no longer than one, and Graph and ARM take as long, so that the longest chain is the
// one of most hops. The store takes none: what is asked of it is counted in another test.
func TestHops(t *testing.T) {
	t.Parallel()
	for _, j := range journeys() {
		t.Run(j.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := j.begin(t)
				f.latency = latencies()
				f.latency[serviceARM] = f.latency[serviceGraph]
				delete(f.latency, serviceStore)
				got, wall := f.measure(func() { j.run(f, j.subjects) })
				assert.Equal(t, j.ends, f.counts())
				assert.Equal(t, [2]int{j.hops, j.writeHops}, [2]int{got.hops, got.writeHops},
					"hops, and those of writes: %v", f.requests)
				assert.Equal(t, [3]int{j.reads, j.writes, j.batched},
					[3]int{got.reads[serviceGraph] + got.reads[serviceARM],
						got.writes[serviceGraph] + got.writes[serviceARM], got.batched},
					"reads, writes, requests within batches: %v", f.requests)
				assert.Equal(t, got.waits, wall, "it waits for nothing else")
				assert.LessOrEqual(t, got.reads[serviceStore]+got.writes[serviceStore], j.store, "to the state store")
			})
		})
	}
}

// TestNothingToDoWithThePlatform: one hop of reads there as well, and no write.
func TestNothingToDoWithThePlatform(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := withPlatform(t)
		f.provisioned(wired())
		require.Equal(t, gateCounts{1, 1}, f.onGate())
		f.latency = latencies()
		delete(f.latency, serviceStore)
		got, wall := f.measure(func() { f.provisioned(wired()) })
		assert.Equal(t, 1, got.hops)
		assert.Equal(t, latencies()[serviceGraph], wall)
		assert.NotZero(t, got.reads[servicePlatform])
		for _, service := range []string{serviceGraph, serviceARM, servicePlatform} {
			assert.Zero(t, got.writes[service], service)
		}
	})
}
