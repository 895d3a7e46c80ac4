package platform

import (
	"context"
	"errors"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// looks are the pauses before the looks at what a write has come to: at once, and after 5, 15 and 30 seconds. Crossplane's
// grace for lists that lag is 30.
func looks() []time.Duration {
	return []time.Duration{0, 5 * time.Second, 10 * time.Second, 15 * time.Second}
}

// until looks until the answer is good or the looks are used up. An error of a look ends it.
func until(ctx context.Context, p *Platform, look func(ctx context.Context) (bool, error)) (bool, error) {
	for _, pause := range looks() {
		if pause > 0 {
			if policy.Outlasts(ctx, pause) {
				return false, nil
			}
			if err := p.Requests.Sleep(ctx, pause); err != nil {
				return false, err
			}
		}
		if good, err := look(ctx); good || err != nil {
			return good, err
		}
	}
	return false, nil
}

// maxCreates is how often a create is sent in one attempt at the operation.
const maxCreates = 2

// create sends a create, which has no key. Where its answer leaves in doubt whether it was carried out, look says whether
// there is something with our mark; it is sent again only where nothing is. It reports whether an answer has shown what was
// made: if not, it is what look has found.
func create(ctx context.Context, p *Platform, op policy.Operation, send func(ctx context.Context) (string, error),
	look func(ctx context.Context) (bool, error)) (request string, isAnswered bool, err error) {
	for n := 1; ; n++ {
		request, err = write(ctx, p, op, send)
		action := policy.ActionOf(err)
		if action != policy.InDoubt && action != policy.Exists || ctx.Err() != nil {
			return request, err == nil, err
		}
		found, lookErr := until(ctx, p, look)
		switch {
		case lookErr != nil:
			return request, false, lookErr
		case found:
			return request, false, nil
		case action == policy.Exists, isHopeless(err):
			return request, false, asAction(err, policy.GiveUp) // the platform says that the name is taken, and shows nothing of ours
		case n == maxCreates:
			return request, false, notYet(op, "ddoe-create-unsettled", "The platform was sent this %d times without an answer, and shows nothing that was made.", n)
		}
	}
}

// isHopeless reports whether a create that has made nothing would meet the same again.
func isHopeless(err error) bool {
	return policy.ActionOf(policy.Absent(err)) == policy.GiveUp
}

// asAction is a failure with another action: that of a caller who has looked.
func asAction(err error, a policy.Action) error {
	var f *policy.Failure
	if !errors.As(err, &f) {
		return err
	}
	return f.With(a)
}
