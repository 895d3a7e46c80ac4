package resource

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// Find sends a read and reports whether the object is there. Where it is known to have been there, one 404 decides
// nothing: a second read confirms it. The error is a *policy.Failure or the context's.
func Find(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context, known bool,
	read func(context.Context) error) (bool, error) {
	found, err := look(ctx, requests, op, c, read)
	if found || err != nil || !known {
		return found, err
	}
	found, err = requests.Await(ctx, policy.WaitForReplica, func(ctx context.Context) (bool, error) {
		return look(ctx, requests, op, c, read)
	})
	if errors.Is(err, policy.ErrNoTime) {
		err = policy.Fail(op, c, err)
	}
	return found, err
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

// stillThere is the error of an object that reads go on showing after its delete was answered.
func stillThere(c diagnosis.Context) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeObjectStillThere, diagnosis.WithContext(c))}
}

// UntilGone deletes, and reads, until a read shows that the object is gone. deletion and isThere return
// *policy.Failure or the context's error. An object that stays ends as object-still-there, which a later attempt takes
// up.
func UntilGone(ctx context.Context, requests policy.Requests, c diagnosis.Context,
	deletion func(context.Context) error, isThere func(context.Context) (bool, error)) error {
	isGone, err := requests.Await(ctx, policy.WaitForRemoval, func(ctx context.Context) (bool, error) {
		if err := deletion(ctx); err != nil {
			return false, err
		}
		there, err := isThere(ctx)
		return !there, err
	})
	if err == nil && !isGone || errors.Is(err, policy.ErrNoTime) {
		return stillThere(c)
	}
	return err
}
