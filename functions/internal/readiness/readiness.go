// Package readiness tells which of the services that the app stands on cannot be reached, and which of its own rights
// is missing, as far as that can be seen without writing. It knows no service: it is given probes.
package readiness

import (
	"context"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
)

const (
	// Limit is how long one probe may take; all run at once.
	Limit = 4 * time.Second
	// Kept is how long a report is answered with before it is made anew, so that no monitor makes load.
	Kept = 10 * time.Second
)

// Probe asks one dependency whether it answers, or what the app may do there. It writes nothing.
type Probe struct {
	Name string
	// Ask returns what is wrong; an error that proves nothing about the dependency leaves it unknown.
	Ask func(ctx context.Context) error
	// Command grants the right that the dependency needs, or finds out more; empty for the diagnosis's own.
	Command string
	// Unseen states what cannot be seen without writing.
	Unseen string
	// Note is what somebody should know of how the app is set up, which hinders no work. Nothing is asked then.
	Note string
}

// Probed is what one probe has found.
type Probed struct {
	Name       string               `json:"name" example:"stateStore"`
	Status     diagnosis.Outcome    `json:"status" enum:"pass,warn,fail" doc:"warn hinders no work"`
	Unseen     string               `json:"unseen,omitempty" doc:"What cannot be seen without writing"`
	Note       string               `json:"note,omitempty" doc:"What one should know of how the app is set up"`
	Diagnosis  *diagnosis.Diagnosis `json:"diagnosis,omitempty" doc:"Why it is not ready, with the command"`
	DurationMS int64                `json:"durationMs"`
}

// Readiness is what all probes have found.
type Readiness struct {
	Ready     bool      `json:"ready" doc:"No check has failed"`
	CheckedAt time.Time `json:"checkedAt" doc:"A report is kept for ten seconds"`
	Checks    []Probed  `json:"checks"`
}

// Service asks all probes. Its zero value asks none.
type Service struct {
	Probes []Probe
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex // held while a report is made: who asks meanwhile gets the same one
	last Readiness
}

// Check returns the last report where it is fresh, else a new one. Who asks may go: the report is made for all.
func (s *Service) Check(ctx context.Context) Readiness {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if !s.last.CheckedAt.IsZero() && now.Sub(s.last.CheckedAt) < Kept {
		return s.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Limit)
	defer cancel()
	report := Readiness{Ready: true, CheckedAt: now.UTC(), Checks: make([]Probed, len(s.Probes))}
	var wait sync.WaitGroup
	for i, p := range s.Probes {
		wait.Go(func() { report.Checks[i] = s.ask(ctx, p) })
	}
	wait.Wait()
	for _, c := range report.Checks {
		report.Ready = report.Ready && c.Status != diagnosis.OutcomeFail
	}
	s.last = report
	return report
}

func (s *Service) ask(ctx context.Context, p Probe) Probed {
	if p.Note != "" {
		return Probed{Name: p.Name, Status: diagnosis.OutcomeWarn, Note: p.Note}
	}
	began := s.Now()
	answered := make(chan error, 1)
	go func() { answered <- p.Ask(ctx) }()
	var err error
	select {
	case err = <-answered:
	case <-ctx.Done(): // one that does not listen delays nobody
		err = ctx.Err()
	}
	check := Probed{Name: p.Name, Status: diagnosis.OutcomePass, Unseen: p.Unseen,
		DurationMS: s.Now().Sub(began).Milliseconds()}
	if err == nil {
		return check
	}
	found := classify.Error(err, diagnosis.Context{Propagated: true})
	if p.Command != "" && found.Remedy != nil {
		found.Remedy.Command = p.Command
	}
	check.Status, check.Diagnosis = diagnosis.OutcomeFail, &found
	return check
}
