package diagnosis

// Decisive picks the check that decides a report that did not simply pass, failures before what is unknown before
// warnings, and reports whether waiting may help with all that failed or is unknown: beside a refusal that stays,
// waiting for another is pointless.
func (r Report) Decisive() (Diagnosis, bool) {
	rank := map[Outcome]int{OutcomeWarn: 1, OutcomeUnknown: 2, OutcomeFail: 3}
	var decisive *Check
	patient := true
	for i, c := range r.Checks {
		if rank[c.Status] == 0 {
			continue
		}
		patient = patient && (c.Transient || c.Status == OutcomeWarn)
		better := decisive == nil || rank[c.Status] > rank[decisive.Status] ||
			decisive.Status == c.Status && decisive.Transient && !c.Transient
		if better {
			decisive = &r.Checks[i]
		}
	}
	if decisive == nil {
		return New(CodeUnrecognised), false
	}
	return decisive.Diagnosis(), patient && decisive.Status != OutcomeWarn
}
