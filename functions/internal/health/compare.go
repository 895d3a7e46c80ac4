package health

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Structure compares what Entra and Azure hold with what the document's status says was made, in one hop of reads.
// settled says that replication explains no absence any more. It changes nothing.
func Structure(ctx context.Context, directory *graph.Client, resources *arm.Client, d integration.Document, settled bool) []diagnosis.Check {
	observer := &Observer{Graph: directory, ARM: resources}
	parts := []func(*look, context.Context){(*look).application, (*look).principal, (*look).credentials, (*look).assignments}
	looks := make([]look, len(parts))
	var group errgroup.Group
	for i, part := range parts {
		looks[i] = look{observer: observer, document: d, settled: settled}
		group.Go(func() error {
			part(&looks[i], ctx)
			return nil
		})
	}
	_ = group.Wait() // the parts return nil; what they met is in the checks
	var checks []diagnosis.Check
	for _, l := range looks {
		checks = slices.Concat(checks, l.checks)
	}
	return checks
}

// OtherSubjects completes the report of an access test, whose token was for one subject: the federated credentials of the
// others are held against what was asked for, and the verdict takes them in. Where there is no other, nothing is asked.
func OtherSubjects(ctx context.Context, directory *graph.Client, d integration.Document, settled bool, r diagnosis.Report) diagnosis.Report {
	others := slices.DeleteFunc(integration.WantedCredentials(d), func(f integration.FederatedCredential) bool { return f.Subject == r.TestedAs.Subject })
	if len(others) == 0 {
		return r
	}
	d.Status.FederatedCredentials = others
	l := &look{observer: &Observer{Graph: directory}, document: d, settled: settled}
	l.credentials(ctx)
	r.Checks = slices.Concat(r.Checks, l.checks)
	r.Verdict = diagnosis.Summarise(r.Checks)
	return r
}
