package policy

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// CredentialPace is how long two writes below one managed identity are apart, and two lists: Azure takes 0.25 of each
// a second. Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling.
const CredentialPace = 4 * time.Second

// Pace keeps requests about one thing apart, so that a service need not refuse them. It is no record: after a restart
// the first request may come too early, and is repeated. It is safe for concurrent use.
type Pace struct {
	requests Requests
	between  time.Duration

	mu   sync.Mutex
	free map[string]time.Time
}

// NewPace returns the pace of requests that are to be so far apart.
func NewPace(requests Requests, between time.Duration) *Pace {
	return &Pace{requests: requests, between: between, free: map[string]time.Time{}}
}

// Await returns when the turn of a request about something, whose letters' case does not matter, has come. Where that
// is later than the invocation lasts, it fails at once with a *diagnosis.Error; else the error is the context's.
func (p *Pace) Await(ctx context.Context, what string) error {
	what = strings.ToLower(what)
	p.mu.Lock()
	now := p.requests.Now()
	maps.DeleteFunc(p.free, func(_ string, at time.Time) bool { return at.Before(now) })
	at, isTaken := p.free[what]
	if !isTaken {
		at = now
	}
	pause := at.Sub(now)
	isTooLate := pause > 0 && isTooLong(ctx, pause)
	if !isTooLate {
		p.free[what] = at.Add(p.between)
	}
	p.mu.Unlock()
	switch {
	case isTooLate:
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeManagedIdentityPaced)}
	case pause > 0:
		return p.requests.Sleep(ctx, pause)
	}
	return nil
}
