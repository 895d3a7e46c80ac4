package provision_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// revocations are the requests that end trust and rights. Each has a service of its own where the identity is an
// application.
var revocations = map[string]struct {
	service, outage string // that revokes, and the host of the other one, which is out
	request         string
	left            func(counts) int
	stays           int // of a PUT that asks for fewer
}{
	"rights, without Graph": {serviceARM, "graph.microsoft.com", deletesAssignment,
		func(c counts) int { return c.assignments }, 0},
	"trust, without ARM": {serviceGraph, "management.azure.com", deletesCredential,
		func(c counts) int { return c.credentials }, 1},
}

// outagesOfACloud are ways in which a service does not answer: the app's transport cuts what hangs.
var outagesOfACloud = map[string]http.HandlerFunc{
	"down": outagesOfThePlatform["down"],
	"slow": outagesOfThePlatform["slow"],
	"hung": func(http.ResponseWriter, *http.Request) {
		time.Sleep(30 * time.Second)
		panic(http.ErrAbortHandler)
	},
}

// TestRevokingWaitsForNoOtherService: what one service holds is looked at and removed in two round trips, whatever the
// other does. Only a teardown hears the platform first, which is well.
func TestRevokingWaitsForNoOtherService(t *testing.T) {
	t.Parallel()
	for name, c := range revocations {
		for outage, answer := range outagesOfACloud {
			for change, begin := range map[string]func(f *fixture, s integration.Spec) message.Command{
				"DELETE": func(f *fixture, _ integration.Spec) message.Command {
					_, down := f.remove(provision.TeardownOptions{})
					return down
				},
				"PUT": func(f *fixture, s integration.Spec) message.Command {
					s.Subjects, s.Storage = nil, spec("archive").Storage
					_, put := f.submit(s)
					return put
				},
			} {
				t.Run(name+"/"+outage+"/"+change, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						f := newFixture(t)
						hears := time.Duration(0)
						if outage == "hung" && change == "DELETE" {
							f, hears = withPlatform(t), 2*latencies()[servicePlatform]-latencies()[c.service]
						}
						f.carried(trusted())
						f.pause = func(ctx context.Context, d time.Duration) error {
							time.Sleep(d)
							return f.Sleep(ctx, d)
						}
						command := begin(f, trusted())
						well := f.hosts[c.outage]
						f.hosts[c.outage], f.latency = answer, latencies()
						delete(f.latency, serviceStore) // a task that waits for a lock would stop the virtual clock
						noted := noteArrivals(f)
						f.handle(command)
						i := noted.first(c.request)
						require.GreaterOrEqual(t, i, 0, "%v", noted.all)
						assert.LessOrEqual(t, noted.all[i].at, hears+2*latencies()[c.service], "%v", noted.all)
						left := map[string]int{"DELETE": 0, "PUT": c.stays}
						assert.Equal(t, left[change], c.left(f.counts()), "before %s is back", c.outage)

						f.hosts[c.outage], f.latency = well, nil
						f.finish(command)
						f.RequireStatus(command.OperationID, integration.OperationSucceeded)
					})
				})
			}
		}
	}
}
