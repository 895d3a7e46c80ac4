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
	nothing  conclusion = iota // it could not be told
	working                    // access works, or everything is as it was made
	impaired                   // it works, but something should be changed
	doubtful                   // it is refused, and that may pass by itself
	failing                    // it does not work, and will not by itself
)

// judgement is a conclusion with its reasons; there are none where all is well.
type judgement struct {
	conclusion conclusion
	diagnosis.Causes
}

// judge reads a report, whoever made it: this is the one place that states what a test means. Only a recognised
// success works, and only a recognised, lasting refusal fails. One that may pass, as a change may be on its way, is a
// doubt.
func judge(r assessment.Report) judgement {
	r.Checks = slices.DeleteFunc(slices.Clone(r.Checks), isByDesign)
	r = r.Concluded()
	j := judgement{Causes: r.Causes}
	switch {
	case r.Verdict == assessment.VerdictPass:
		j.conclusion = working
	case r.Verdict == assessment.VerdictWarn:
		j.conclusion = impaired
	case r.Verdict == assessment.VerdictFail && r.Diagnosis.Transient:
		j.conclusion = doubtful
	case r.Verdict == assessment.VerdictFail:
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
	// isAsked means that somebody waits for the answer: it states what this look has found, or that it is not known.
	isAsked bool
	// isFailing means that what may pass by itself was waited for in vain.
	isFailing bool
	report    assessment.Report
	at        time.Time
	// propagatedAt is when no change is on its way any more.
	propagatedAt time.Time
	// revokedAt is until when a pass may be of what an operation that has failed has taken away.
	revokedAt time.Time
	plan      plan
	// isWatched means that the spec wants checks, isAwaited that time may bring another verdict in any case.
	isWatched, isAwaited bool
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

// apply moves the record's state by what a look has found. A refusal counts when a second look has seen one too; what
// could not be told leaves the state, until it has been untold for three intervals or somebody asks.
func apply(record *integration.HealthRecord, r look) {
	record.LastRun, record.LastReport = &r.at, &r.report
	if r.slot.After(record.LastSlot) {
		record.LastSlot = r.slot
	}
	j := judge(r.report)
	if r.isFailing {
		j.conclusion = failing
	}
	if isPass := j.conclusion == working || j.conclusion == impaired; isPass && r.at.Before(r.revokedAt) {
		j = judgement{nothing, record.Causes}
	}
	isUntold := j.conclusion == nothing
	if j.conclusion != failing && r.isStructural() && isRefused(*record) {
		j.conclusion = nothing // what a test of access has found, no look at the structure disproves
	}
	if j.conclusion != nothing {
		record.LastConclusive = record.LastSlot
	}
	switch j.conclusion {
	case nothing:
		isLong := record.LastSlot.Sub(record.LastConclusive) >= maxMissed*r.plan.length()
		isOutdated := record.State == integration.HealthUnknown && lastCode(*record) == diagnosis.CodeHealthOutdated
		if isLong || isUntold && (r.isAsked || isOutdated) {
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
	case doubtful, failing:
		suspicion := &integration.Suspicion{Slot: r.slot, Code: j.Diagnosis.Code}
		if isSuspicionEnough(*record, r, j) {
			record.Suspicion, record.Again = suspicion, nil
			return
		}
		to := refusedState(*record, j)
		if record.Suspicion = nil; to == integration.HealthUnknown {
			suspicion.Slot = r.at // the next look confirms it, where that is refused for good; no second one of a slot
			record.Suspicion = suspicion
		}
		move(record, to, j.Causes, r)
	}
	planAgain(record, r, j)
}

// isRefused reports whether the state rests on what a test of access has met.
func isRefused(record integration.HealthRecord) bool {
	isOfAccess := record.ClaimLevel != assessment.ClaimStructure
	return isOfAccess && (record.State == integration.HealthUnhealthy ||
		record.State == integration.HealthUnknown && record.ClaimLevel != "")
}

// isSuspicionEnough reports whether a refusal waits for a second look: the first one of a schedule, where it would
// take back what is known, or state that access does not work.
func isSuspicionEnough(record integration.HealthRecord, r look, j judgement) bool {
	claimsNothing := record.State == integration.HealthUnhealthy ||
		record.State == integration.HealthUnknown && j.conclusion == doubtful
	return !claimsNothing && record.Suspicion == nil && !r.isDecided
}

// refusedState is the state of what is refused. A doubt takes back that access works, and states nothing in its place:
// that it does not work, no doubt disproves.
func refusedState(record integration.HealthRecord, j judgement) integration.HealthState {
	if j.conclusion == failing || record.State == integration.HealthUnhealthy {
		return integration.HealthUnhealthy
	}
	return integration.HealthUnknown
}

// move enters a state, for the reasons that were seen, and puts the notice of another one into the outbox. Another
// reason for the same state is told by the history alone.
func move(record *integration.HealthRecord, to integration.HealthState, why diagnosis.Causes, r look) {
	change := integration.HealthChange{At: r.at, From: record.State, To: to}
	if why.Diagnosis != nil {
		change.Code = why.Diagnosis.Code
	}
	record.Causes, record.ClaimLevel = why, r.report.ClaimLevel
	if record.State == to && lastCode(*record) == change.Code {
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

// lastCode is the code of the last change; empty where there was none.
func lastCode(record integration.HealthRecord) diagnosis.Code {
	if len(record.History) == 0 {
		return ""
	}
	return record.History[0].Code
}

// planAgain plans the next look at what is not well, in pauses that grow from a minute to the interval: what passes by
// itself, or what somebody is mending, shows soon, and what stays costs little. Rights may need half an hour until
// they count: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting. A look in between, because
// somebody asks, leaves the plan as it is: who asks often would else put it off. A doubt is looked at, at the latest,
// when no change explains it any more. Where the spec wants no checks, only what an operation has left undecided is
// looked at again, until it is decided.
func planAgain(record *integration.HealthRecord, r look, j judgement) {
	if record.State == integration.HealthHealthy || record.State == integration.HealthDegraded {
		record.Again, record.Tries = nil, 0
		return
	}
	if (r.isWatched || r.isAwaited) && record.Again != nil && record.Again.After(r.slot) {
		return
	}
	record.Again = nil
	at := r.at.Add(firstPause << min(record.Tries, maxTries))
	if j.conclusion == doubtful && r.propagatedAt.After(r.at) && r.propagatedAt.Before(at) {
		at = r.propagatedAt
	}
	if r.revokedAt.After(r.at) && r.revokedAt.Before(at) {
		at = r.revokedAt
	}
	record.Tries = min(record.Tries+1, maxTries)
	if r.isWatched && at.Before(r.plan.next(r.at)) || !r.isWatched && r.isAwaited {
		record.Again = &at
	}
}
