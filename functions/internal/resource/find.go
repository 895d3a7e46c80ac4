package resource

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// secondLook is the pause before a second read that is to confirm a 404: the replica that answers may lag behind.
const secondLook = time.Second

// Find sends a read and reports whether the object is there. Where it is known to have been there, one 404 decides
// nothing: a second read confirms it. The error is a *policy.Failure or the context's.
func Find(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context, known bool,
	read func(context.Context) error) (bool, error) {
	found, err := look(ctx, requests, op, c, read)
	if found || err != nil || !known {
		return found, err
	}
	if err := requests.Sleep(ctx, secondLook); err != nil {
		return false, err
	}
	return look(ctx, requests, op, c, read)
}

func look(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error) {
	found := true
	err := requests.Do(ctx, op, c, func(ctx context.Context) error {
		err := read(ctx)
		if policy.IsNotThere(op, err) {
			found = false
			return nil
		}
		return err
	})
	return found && err == nil, err
}

// The pauses between a delete and the reads that are to show that the object is gone; after the last one the object is
// left for a later attempt. Microsoft Graph's replicas agree within seconds, mostly.
func removalPauses() []time.Duration {
	return []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}
}

// stillThere is the error of an object that reads go on showing after its delete was answered.
func stillThere(c diagnosis.Context) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeObjectStillThere, diagnosis.WithContext(c))}
}

// UntilGone deletes, and reads, until a read shows that the object is gone. deletion and isThere return
// *policy.Failure or the context's error. An object that stays ends as object-still-there, which a later attempt takes
// up.
func UntilGone(ctx context.Context, requests policy.Requests, c diagnosis.Context,
	deletion func(context.Context) error, isThere func(context.Context) (bool, error)) error {
	for _, pause := range removalPauses() {
		if pause > 0 {
			if policy.IsTooLong(ctx, pause) {
				break
			}
			if err := requests.Sleep(ctx, pause); err != nil {
				return err
			}
		}
		if err := deletion(ctx); err != nil {
			return err
		}
		there, err := isThere(ctx)
		if err != nil || !there {
			return err
		}
	}
	return stillThere(c)
}
