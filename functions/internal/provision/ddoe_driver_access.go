package provision

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// ownTestPatience is how long this service's own access test may take, with the token that it needs.
const ownTestPatience = 30 * time.Second

// ownTest is what this service finds when it tests the access that the platform is refused.
type ownTest struct {
	// lasting is the fault that waiting does not mend; nil where there is none, or where none can be told.
	lasting *diagnosis.Diagnosis
	// works says that nothing was found that stands in the way: what the platform is refused is its own matter.
	works bool
	// says is a sentence about what was found, with a blank before it; empty where nothing was tested.
	says string
}

// testRefused decides about a test of the storage that an invocation has tried as often as it may, and gives it its words.
// The platform has no codes: which of its failures are a matter of time is told by a test of our own.
func (r *run) testRefused(ctx context.Context, f *policy.Failure, refused *ddoe.Error, found diagnosis.Diagnosis) diagnosis.Diagnosis {
	own := r.ownTest(ctx)
	if own.lasting != nil {
		f.Decision = policy.Decision{Action: policy.GiveUp}
		return quoting(orRole(*own.lasting, refused, found), refused)
	}
	// A test of our own that has not decided is made again in a later attempt, until the clocks of Azure have run out.
	if (own.works || !r.verifies() || r.settledFor(r.attempt, verifyWindow)) && r.believed(ctx, refused) {
		f.Decision = policy.Decision{Action: policy.GiveUp}
		if refused.HTTPStatus() >= http.StatusInternalServerError {
			found = quoting(diagnosis.New(diagnosis.CodeDDOEDriverTestError, diagnosis.WithEvidence(*found.Evidence)), refused)
			found.Remedy.Steps = r.alsoOptions(found.Remedy.Steps)
		}
	}
	found.Detail += own.says
	return found
}

// ownTest tests access as the federated identity, with requests that write nothing: a crash leaves nothing behind. It is
// skipped where there is no token, or no time for it.
func (r *run) ownTest(ctx context.Context) ownTest {
	if !r.verifies() || policy.Outlasts(ctx, ownTestPatience) {
		return ownTest{}
	}
	wanted := AccessTest{Mode: access.ModeOracle, Settled: new(r.settledFor(r.attempt, verifyWindow))}
	bounded, cancel := context.WithTimeout(ctx, ownTestPatience)
	defer cancel()
	report, err := r.test(bounded, r.current(), wanted)
	if err != nil {
		return ownTest{says: " This service could not test the same access: " + inBrief(operation.Describe(err, false))}
	}
	const tested = " This service tested the same access as the federated identity"
	worst, _ := report.Decisive()
	switch report.Verdict {
	case diagnosis.VerdictPass:
		return ownTest{works: true, says: tested + ", and it works."}
	case diagnosis.VerdictWarn:
		return ownTest{works: true, says: tested + ", and it works, but: " + inBrief(worst)}
	}
	own := ownTest{says: tested + ": " + inBrief(worst)}
	if _, refuted := conclusive(wanted, report); refuted && lasts(worst) {
		worst.Detail += " Found when this service tested the same access as the federated identity, after the platform's test of the storage had failed."
		worst.Remedy = alsoPut(worst.Remedy)
		own.lasting = &worst
	}
	return own
}

// lasts reports whether a fault stays, and is the platform's too: what the operator has to mend may be on this service's
// way to the storage alone.
func lasts(d diagnosis.Diagnosis) bool {
	return !d.Transient && d.Remedy != nil && d.Remedy.Who != diagnosis.WhoOperator
}

// orRole adds to a fault that depends on where the caller comes from what the platform's refusal may mean in its stead:
// where the storage lets the platform in, its 401 or 403 is its own.
func orRole(lasting diagnosis.Diagnosis, refused *ddoe.Error, found diagnosis.Diagnosis) diagnosis.Diagnosis {
	if !roleRefused(refused) || !slices.Contains([]diagnosis.Code{diagnosis.CodeNetworkRulesBlocked, diagnosis.CodeConditionalAccessBlocked}, lasting.Code) {
		return lasting
	}
	lasting.Detail += " That depends on the caller's address: if the platform is let in, it has refused by itself: " + inBrief(found)
	remedy := *lasting.Remedy
	remedy.Steps = slices.Insert(slices.Clone(remedy.Steps), len(remedy.Steps)-1, "Where the platform is let in already: "+found.Remedy.Steps[0])
	lasting.Remedy = &remedy
	return lasting
}

// alsoPut adds the step that completes the integration once the fault is mended.
func alsoPut(remedy *diagnosis.Remedy) *diagnosis.Remedy {
	more := *remedy
	more.Steps = append(slices.Clone(more.Steps), "Then PUT the spec again.")
	return &more
}

// inBrief names a diagnosis within another's text.
func inBrief(d diagnosis.Diagnosis) string { return fmt.Sprintf("%s (%s).", d.Title, d.Code) }
