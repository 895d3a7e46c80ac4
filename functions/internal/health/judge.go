package health

import (
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

const (
	// maxHistory is how many changes of state are kept.
	maxHistory = 20
	// maxMissed is after how many intervals without an answer the state becomes unknown.
	maxMissed = 3
	// firstPause is the first pause before another look at what is not well, and maxTries how often it doubles: to
	// more than the longest interval.
	firstPause = time.Minute
	maxTries   = 14
)

// conclusion is what one report shows of the integration.
type conclusion int

const (
	nothing  conclusion = iota // it could not be told, or may pass by itself
	working                    // access works, or everything is as it was made
	impaired                   // it works, but something should be changed
	failing                    // it does not work, and will not by itself
)

// judgement is a conclusion with its reasons; there are none where all is well.
type judgement struct {
	conclusion conclusion
	diagnosis.Causes
}

// judge reads a report. Only a recognised success works, and only a recognised, lasting refusal fails.
func judge(r assessment.Report) judgement {
	r.Checks = slices.DeleteFunc(slices.Clone(r.Checks), isByDesign)
	r = r.Concluded()
	j := judgement{Causes: r.Causes}
	switch {
	case r.Verdict == assessment.VerdictPass:
		j.conclusion = working
	case r.Verdict == assessment.VerdictWarn:
		j.conclusion = impaired
	case r.Verdict == assessment.VerdictFail && !r.Diagnosis.Transient:
		j.conclusion = failing
	}
	return j
}

// isByDesign reports whether a check only tells why something was not tested: a container that is immutable on purpose
// is no fault that somebody should mend.
func isByDesign(c assessment.Check) bool {
	return c.Status == diagnosis.OutcomeWarn && policy.IsByDesign(c.Code)
}

// look is one that was made at an integration.
type look struct {
	slot    time.Time // that of the check, or the time of another test
	confirm bool
	// isDecided means that a failure needs no second look: this is one, or somebody has asked and is answered.
	isDecided bool
	// isFailing means that what may pass by itself was waited for in vain.
	isFailing bool
	report    assessment.Report
	at        time.Time
	plan      plan
	// isWatched means that the spec wants checks.
	isWatched bool
}

// isStructural reports whether the look could not test access itself.
func (r look) isStructural() bool { return r.report.ClaimLevel == assessment.ClaimStructure }

// name is the look's part of a message id.
func (r look) name() string {
	if r.confirm {
		return slotName(r.slot) + "-confirm"
	}
	return slotName(r.slot)
}

// apply moves the record's state by what a look has found. A lasting failure counts when a second look has seen one
// too; what could not be told leaves the state, until it has been untold for three intervals.
func apply(record *integration.HealthRecord, r look) {
	record.LastRun, record.LastReport = &r.at, &r.report
	if r.slot.After(record.LastSlot) {
		record.LastSlot = r.slot
	}
	j := judge(r.report)
	if r.isFailing {
		j.conclusion = failing
	}
	if j.conclusion != failing && record.State == integration.HealthUnhealthy && r.isStructural() &&
		record.ClaimLevel != assessment.ClaimStructure {
		j.conclusion = nothing // what a test of access has found, no look at the structure disproves
	}
	if j.conclusion != nothing {
		record.LastConclusive = record.LastSlot
	}
	switch j.conclusion {
	case nothing:
		if record.LastSlot.Sub(record.LastConclusive) >= maxMissed*r.plan.length() {
			record.Suspicion = nil
			move(record, integration.HealthUnknown, j.Causes, r)
		}
	case working, impaired:
		record.Suspicion = nil
		if r.isStructural() {
			record.LastSeen = &r.at
		} else {
			record.LastPass = &r.at
		}
		to := integration.HealthHealthy
		if j.conclusion == impaired {
			to = integration.HealthDegraded
		}
		move(record, to, j.Causes, r)
	case failing:
		if record.State != integration.HealthUnhealthy && record.Suspicion == nil && !r.isDecided {
			record.Suspicion, record.Again = &integration.Suspicion{Slot: r.slot, Code: j.Diagnosis.Code}, nil
			return
		}
		record.Suspicion = nil
		move(record, integration.HealthUnhealthy, j.Causes, r)
	}
	planAgain(record, r)
}

// move enters a state, for the reasons that were seen, and puts the notice of another one into the outbox. Another
// reason for the same state is told by the history alone.
func move(record *integration.HealthRecord, to integration.HealthState, why diagnosis.Causes, r look) {
	change := integration.HealthChange{At: r.at, From: record.State, To: to}
	if why.Diagnosis != nil {
		change.Code = why.Diagnosis.Code
	}
	record.Causes, record.ClaimLevel = why, r.report.ClaimLevel
	if to == integration.HealthUnknown {
		record.ClaimLevel = ""
	}
	if record.State == to && (len(record.History) == 0 || record.History[0].Code == change.Code) {
		return
	}
	record.History = slices.Insert(record.History, 0, change)
	record.History = record.History[:min(len(record.History), maxHistory)]
	if record.State == to {
		return
	}
	record.State, record.Since = to, r.at
	record.Outbox.Add(integration.Notice{ID: record.IntegrationID + "-health-" + r.name(), Change: &change,
		Diagnosis: why.Diagnosis})
}

// planAgain plans the next look at what is not well, in pauses that grow from a minute to the interval: what passes by
// itself, or what somebody is mending, shows soon, and what stays costs little. Rights may need half an hour until
// they count: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting. A look in between, because
// somebody asks, leaves the plan as it is: who asks often would else put it off.
func planAgain(record *integration.HealthRecord, r look) {
	if record.State == integration.HealthHealthy || record.State == integration.HealthDegraded {
		record.Again, record.Tries = nil, 0
		return
	}
	if r.isWatched && record.Again != nil && record.Again.After(r.slot) {
		return
	}
	record.Again = nil
	at := r.at.Add(firstPause << min(record.Tries, maxTries))
	record.Tries = min(record.Tries+1, maxTries)
	if r.isWatched && at.Before(r.plan.next(r.at)) {
		record.Again = &at
	}
}
