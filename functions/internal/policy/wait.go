package policy

import (
	"context"
	"fmt"
	"time"
)

// Wait names what is looked at again and again, as a service takes its time to show it. It is a row of the table of
// waits.
type Wait string

const (
	// WaitForReplica is for a second read that is to confirm a 404.
	WaitForReplica Wait = "a second read"
	// WaitForRemoval is for the reads that are to show that a deleted object is gone.
	WaitForRemoval Wait = "the removal of an object"
	// WaitForRecycling is for a deleted object to arrive in the recycle bin.
	WaitForRecycling Wait = "the arrival in the recycle bin"
	// WaitForCreation is for the lists that are to show what a create whose answer was lost has made.
	WaitForCreation Wait = "the outcome of a create"
	// WaitForValidation is for a command of the platform to end.
	WaitForValidation Wait = "the end of a validation"
)

// waitRow tells the pause before each look; without one the look is at once.
type waitRow struct {
	pauses []time.Duration
	source string
}

func seconds(pauses ...time.Duration) []time.Duration {
	for i := range pauses {
		pauses[i] *= time.Second
	}
	return pauses
}

// waits is the table of waits.
func waits() map[Wait]waitRow {
	return map[Wait]waitRow{
		WaitForReplica: {seconds(1), "rule 2: one 404 decides nothing; the replica that answers may lag behind"},
		WaitForRemoval: {seconds(0, 1, 2, 4, 8, 15),
			"rule 2: gone is what a read shows; Graph's replicas agree within seconds, mostly"},
		WaitForRecycling: {seconds(0, 1, 2, 4, 8, 15),
			"provisioning.md s.3: a purge is answered 404 until the object has arrived"},
		WaitForCreation: {seconds(0, 5, 10, 15), "rule 3: Crossplane's grace for lists that lag is 30 s"},
		WaitForValidation: {seconds(2, 4, 8, 16, 30),
			"ddoe.md: as the platform's SDK asks for a command, for a minute"},
	}
}

// ErrNoTime means that an invocation ends before what it waits for has come: a later attempt waits again.
var ErrNoTime = fmt.Errorf("the invocation ends before the next look: %w", context.DeadlineExceeded)

// Await looks until look reports true or fails, or until the wait is used up, and returns what the last look has
// reported. The error is look's, the context's, or ErrNoTime.
func (r Requests) Await(ctx context.Context, w Wait, look func(ctx context.Context) (bool, error)) (bool, error) {
	for _, pause := range waits()[w].pauses {
		if pause > 0 {
			if isTooLong(ctx, pause) {
				return false, ErrNoTime
			}
			if err := r.Sleep(ctx, pause); err != nil {
				return false, err
			}
		}
		if isDone, err := look(ctx); isDone || err != nil {
			return isDone && err == nil, err
		}
	}
	return false, nil
}
