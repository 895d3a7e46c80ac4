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
	l := lookup{requests: requests, op: op, c: c, read: read, isAbsent: policy.IsNotThere}
	if !known {
		return l.once(ctx)
	}
	return l.twice(ctx)
}

// FindVisible is Find of what is known to be there, or is named by a person, where what the service does not show to
// who asks counts as absent.
func FindVisible(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error) {
	return lookup{requests: requests, op: op, c: c, read: read, isAbsent: policy.IsUnknown}.twice(ctx)
}

// Confirm sends the second read of what a first one, by Find of what is not known, did not show.
func Confirm(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error) {
	return lookup{requests: requests, op: op, c: c, read: read, isAbsent: policy.IsNotThere}.confirm(ctx)
}

// lookup is one read, and the answers to it that mean that there is no such object.
type lookup struct {
	requests policy.Requests
	op       policy.Operation
	c        diagnosis.Context
	read     func(context.Context) error
	isAbsent func(op policy.Operation, err error) bool
}

func (l lookup) once(ctx context.Context) (bool, error) {
	found := true
	err := l.requests.Do(ctx, l.op, l.c, func(ctx context.Context) error {
		err := l.read(ctx)
		if l.isAbsent(l.op, err) {
			found = false
			return nil
		}
		return err
	})
	return found && err == nil, err
}

// twice has a second read confirm that there is no such object.
func (l lookup) twice(ctx context.Context) (bool, error) {
	found, err := l.once(ctx)
	if found || err != nil {
		return found, err
	}
	return l.confirm(ctx)
}

func (l lookup) confirm(ctx context.Context) (bool, error) {
	found, err := l.requests.Await(ctx, policy.WaitForReplica, l.once)
	if errors.Is(err, policy.ErrNoTime) {
		err = policy.Fail(l.op, l.c, err)
	}
	return found, err
}

// stillThere is the error of an object that reads still return after its delete was answered.
func stillThere(c diagnosis.Context) error {
	d := diagnosis.New(diagnosis.CodeObjectStillThere, diagnosis.WithContext(c))
	if c.Target != "" {
		d.Detail += " It is at " + c.Target + "."
	}
	return &diagnosis.Error{Diagnosis: d}
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
