// Package sweep is the edge of the timer: every five minutes it asks for the health checks that fall due before the
// next time, and tells what could not be told before.
package sweep

import "context"

// Function is what the edge needs.
type Function struct {
	// Sweep does all that is due. An error leaves the rest to the next sweep.
	Sweep func(context.Context) error
}

// Tick handles one firing of the timer. A late one needs no other treatment: what is overdue is due.
func (f Function) Tick(ctx context.Context, _ bool) error { return f.Sweep(ctx) }
