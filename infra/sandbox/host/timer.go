package host

import (
	"context"
	"time"
)

// layoutTimer is how .NET writes the local times of a timer's status.
const layoutTimer = "2006-01-02T15:04:05.9999999-07:00"

// timer runs one timer function on its schedule. It never overlaps itself: the next occurrence is computed from the
// start of a run, so a run that takes longer than the interval is followed by one immediate run.
type timer struct {
	schedule     schedule
	runOnStartup bool
	monitored    bool
	now          func() time.Time
	// its outcome changes nothing about the schedule
	fire func(ctx context.Context, status *timerStatus, pastDue bool)
}

// newTimer applies the defaults: monitored, unless switched off or due more often than once a minute.
func newTimer(f *function, now func() time.Time, fire func(context.Context, *timerStatus, bool)) *timer {
	monitored := f.trigger.UseMonitor == nil || *f.trigger.UseMonitor
	if first := f.schedule.next(now()); f.schedule.next(first).Sub(first) < time.Minute {
		monitored = false
	}
	return &timer{schedule: f.schedule, runOnStartup: f.trigger.RunOnStartup, monitored: monitored, now: now,
		fire: fire}
}

// run fires until ctx ends; runCtx is what the invocations get, so that one that runs can be drained.
func (t *timer) run(ctx, runCtx context.Context) {
	var last time.Time
	if t.runOnStartup {
		start := t.now()
		t.fire(runCtx, t.status(last, t.schedule.next(start)), false)
		last = start
	}
	next := t.schedule.next(t.startOr(last))
	for ctx.Err() == nil && !next.IsZero() {
		if !t.sleepUntil(ctx, next) {
			return
		}
		start := t.now()
		t.fire(runCtx, t.status(last, next), false)
		last = start
		next = t.schedule.next(start)
	}
}

func (t *timer) startOr(last time.Time) time.Time {
	if last.IsZero() {
		return t.now()
	}
	return last
}

// sleepUntil tells whether the time has come, rather than ctx ended.
func (t *timer) sleepUntil(ctx context.Context, due time.Time) bool {
	for {
		remaining := due.Sub(t.now())
		if remaining <= 0 {
			return ctx.Err() == nil
		}
		wait := time.NewTimer(remaining)
		select {
		case <-ctx.Done():
			wait.Stop()
			return false
		case <-wait.C:
		}
	}
}

func (t *timer) status(last, next time.Time) *timerStatus {
	if !t.monitored {
		return nil
	}
	return &timerStatus{Last: last.Format(layoutTimer), Next: next.Format(layoutTimer),
		LastUpdated: last.Format(layoutTimer)}
}
