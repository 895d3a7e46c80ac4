package health

import (
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	// maxHistory is how many changes of state are kept.
	maxHistory = 20
	// maxMissed is after how many intervals without an answer the state becomes unknown.
	maxMissed = 3
)

// sight is what one report shows of the integration.
type sight int

const (
	nothing  sight = iota // it could not be told, or may pass by itself
	working               // access works, or everything is as it was made
	impaired              // it works, but something should be changed
	failing               // it does not work, and will not by itself
)

// judgement is a sight with its reasons; there are none where all is well.
type judgement struct {
	sight sight
	diagnosis.Causes
}

// judge reads a report. Only a recognised success works, and only a recognised, lasting refusal fails.
func judge(r diagnosis.Report) judgement {
	r.Checks = slices.DeleteFunc(slices.Clone(r.Checks), isByDesign)
	r = r.Concluded()
	j := judgement{Causes: r.Causes}
	switch {
	case r.Verdict == diagnosis.VerdictPass:
		j.sight = working
	case r.Verdict == diagnosis.VerdictWarn:
		j.sight = impaired
	case r.Verdict == diagnosis.VerdictFail && !r.Diagnosis.Transient:
		j.sight = failing
	}
	return j
}

// isByDesign reports whether a check only tells why something was not tested: a container that is immutable on purpose
// is no fault that somebody should mend.
func isByDesign(c diagnosis.Check) bool {
	return c.Status == diagnosis.OutcomeWarn && slices.Contains([]diagnosis.Code{diagnosis.CodeImmutableContainer,
		diagnosis.CodeProtectionUnknown, diagnosis.CodeNoStorage}, c.Code)
}

// run is one check that was made.
type run struct {
	slot    time.Time
	confirm bool
	report  diagnosis.Report
	at      time.Time
	plan    plan
}

// name is the run's part of a message id.
func (r run) name() string {
	if r.confirm {
		return slotName(r.slot) + "-confirm"
	}
	return slotName(r.slot)
}

// apply moves the record's state by what a run has found. A lasting failure counts when a second look has seen one
// too; what could not be told leaves the state, until it has been untold for three intervals.
func apply(record *integration.HealthRecord, r run) {
	record.LastRun, record.LastReport, record.ClaimLevel = &r.at, &r.report, r.report.ClaimLevel
	if r.slot.After(record.LastSlot) {
		record.LastSlot = r.slot
	}
	j := judge(r.report)
	if j.sight != nothing {
		record.LastConclusive = record.LastSlot
	}
	switch j.sight {
	case nothing:
		if record.LastSlot.Sub(record.LastConclusive) >= maxMissed*r.plan.length() {
			record.Suspicion = nil
			move(record, integration.HealthUnknown, j.Causes, r)
		}
	case working, impaired:
		record.Suspicion, record.LastPass = nil, &r.at
		to := integration.HealthHealthy
		if j.sight == impaired {
			to = integration.HealthDegraded
		}
		move(record, to, j.Causes, r)
	case failing:
		if record.State != integration.HealthUnhealthy && record.Suspicion == nil {
			record.Suspicion = &integration.Suspicion{Slot: r.slot, Code: j.Diagnosis.Code}
			return
		}
		record.Suspicion = nil
		move(record, integration.HealthUnhealthy, j.Causes, r)
	}
}

// move enters a state, for the reasons that were seen, and puts a notice into the outbox where it is another state.
func move(record *integration.HealthRecord, to integration.HealthState, why diagnosis.Causes, r run) {
	record.Causes = why
	if record.State == to {
		return
	}
	change := integration.HealthChange{At: r.at, From: record.State, To: to}
	if why.Diagnosis != nil {
		change.Code = why.Diagnosis.Code
	}
	record.State, record.Since = to, r.at
	record.History = slices.Insert(record.History, 0, change)
	record.History = record.History[:min(len(record.History), maxHistory)]
	record.Outbox.Add(integration.Notice{ID: record.IntegrationID + "-health-" + r.name(), Change: &change,
		Diagnosis: why.Diagnosis})
}
