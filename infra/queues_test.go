package infra_test

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type entity struct {
	RequiresSession                     bool
	RequiresDuplicateDetection          bool
	DuplicateDetectionHistoryTimeWindow string
	LockDuration                        string
	MaxDeliveryCount                    int
	DefaultMessageTimeToLive            string
	DeadLetteringOnMessageExpiration    bool
}

func entities(t *testing.T, resourceType string) map[string]entity {
	t.Helper()
	found := map[string]entity{}
	for _, r := range ofType(t, resourceType) {
		var e entity
		r.properties(t, &e)
		found[r.leaf()] = e
	}
	return found
}

func queues(t *testing.T) map[string]entity {
	t.Helper()
	return entities(t, "Microsoft.ServiceBus/namespaces/queues")
}

func topics(t *testing.T) map[string]entity {
	t.Helper()
	return entities(t, "Microsoft.ServiceBus/namespaces/topics")
}

func TestEntitiesAreThoseThatTheCodeNames(t *testing.T) {
	const messages = "../functions/internal/message/*.go"
	wanted := slices.Sorted(maps.Values(constants(t, messages, "Queue")))
	assert.Equal(t, wanted, slices.Sorted(maps.Keys(queues(t))))
	assert.Equal(t, slices.Sorted(maps.Values(constants(t, messages, "Topic"))), slices.Sorted(maps.Keys(topics(t))))
}

func TestQueuesFitTheirTriggers(t *testing.T) {
	deployed := queues(t)
	for _, tr := range queueTriggers(t) {
		t.Run(tr.Function, func(t *testing.T) {
			queue, ok := deployed[tr.queue()]
			require.True(t, ok, "queue %s is not deployed", tr.QueueName)
			if tr.deadLetters() {
				assert.False(t, tr.IsSessionsEnabled, "a dead-letter queue has no sessions")
				assert.True(t, queue.DeadLetteringOnMessageExpiration,
					"an expired command must end as a failed operation")
				return
			}
			assert.Equal(t, tr.IsSessionsEnabled, queue.RequiresSession,
				"a trigger with sessions reads only a queue with sessions, and the other way round")
		})
	}
}

func TestCommandsOfOneIntegrationAreSerial(t *testing.T) {
	assert.True(t, queues(t)["wif-commands"].RequiresSession)
	assert.False(t, queues(t)["wif-health"].RequiresSession, "a check waits for no other")
}

// A lost answer makes a sender repeat; the same command or check must not be queued twice.
func TestRepeatedSendsAreDropped(t *testing.T) {
	all := queues(t)
	maps.Copy(all, topics(t))
	for name, e := range all {
		assert.True(t, e.RequiresDuplicateDetection, name)
		window := duration(t, e.DuplicateDetectionHistoryTimeWindow)
		assert.GreaterOrEqual(t, window, 10*time.Minute, name)
		assert.LessOrEqual(t, window, 7*24*time.Hour, "%s: the service's limit", name)
		assert.Positive(t, duration(t, e.DefaultMessageTimeToLive), name)
	}
	// Else a check could expire, and its slot still be refused when it is asked for again.
	assert.GreaterOrEqual(t, duration(t, all["wif-health"].DuplicateDetectionHistoryTimeWindow),
		duration(t, all["wif-health"].DefaultMessageTimeToLive))
}

func TestLocksLastAsLongAsAFunctionRuns(t *testing.T) {
	var host struct {
		FunctionTimeout string
		Extensions      struct {
			ServiceBus struct{ MaxAutoLockRenewalDuration string }
		}
	}
	readJSON(t, "../host.json", &host)
	timeout, renewal := clock(t, host.FunctionTimeout), clock(t, host.Extensions.ServiceBus.MaxAutoLockRenewalDuration)
	assert.GreaterOrEqual(t, renewal, timeout, "host.json: a function may outlive its lock")
	for name, q := range queues(t) {
		lock := duration(t, q.LockDuration)
		assert.LessOrEqual(t, lock, 5*time.Minute, "%s: the service's limit", name)
		assert.GreaterOrEqual(t, lock, 30*time.Second,
			"%s: the host renews at half of it; less does not survive a slow answer", name)
	}
}

// Instances beyond those that use up Graph's quota would only be refused more often; fewer would leave some of it
// unused.
func TestReconcileHasTheInstancesThatGraphFeeds(t *testing.T) {
	const (
		// Of one application in one tenant: https://learn.microsoft.com/graph/throttling-limits, identity and access.
		quota = 3000.0 / 150 // writes in a second
		// An integration takes three of them (application, service principal, one credential) and two deliveries, its
		// provisioning and its first verification, which work this long together (BenchmarkBurst; decisions.md).
		writes, deliveries = 3, 2
		work               = 1500 * time.Millisecond
	)
	var host struct {
		Extensions struct {
			ServiceBus struct {
				MaxConcurrentSessions int
				SessionIdleTimeout    string
			}
		}
	}
	readJSON(t, "../host.json", &host)
	bus := host.Extensions.ServiceBus
	held := work + deliveries*clock(t, bus.SessionIdleTimeout) // the time of a session slot that an integration takes
	each := float64(bus.MaxConcurrentSessions) / held.Seconds()
	var site struct {
		FunctionAppConfig struct {
			ScaleAndConcurrency struct{ MaximumInstanceCount int }
		}
	}
	one(t, "Microsoft.Web/sites").properties(t, &site)
	assert.LessOrEqual(t, each, quota/writes, "one instance alone asks for more than Graph gives")
	assert.Equal(t, int(math.Ceil(quota/writes/each)), site.FunctionAppConfig.ScaleAndConcurrency.MaximumInstanceCount)
}

// Transient failures are sent anew by the code, so a delivery is only used up by a crash.
func TestACrashDoesNotUseUpTheDeliveries(t *testing.T) {
	for name, q := range queues(t) {
		assert.GreaterOrEqual(t, q.MaxDeliveryCount, 5, name)
		assert.LessOrEqual(t, q.MaxDeliveryCount, 10, "%s: a message that kills the app must come to rest", name)
	}
}

var isoDuration = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// duration reads an ISO 8601 duration of days, hours, minutes and seconds.
func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	parts := isoDuration.FindStringSubmatch(text)
	require.NotNil(t, parts, "%q is not an ISO 8601 duration", text)
	total := time.Duration(0)
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi("0" + parts[i+1])
		total += time.Duration(n) * unit
	}
	return total
}

// clock reads host.json's hh:mm:ss.
func clock(t *testing.T, text string) time.Duration {
	t.Helper()
	at, err := time.Parse(time.TimeOnly, text)
	require.NoError(t, err)
	return at.Sub(at.Truncate(24 * time.Hour))
}
