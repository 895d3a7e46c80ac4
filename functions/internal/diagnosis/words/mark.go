package words

// Propagating marks what passes by itself for some minutes after a change.
func (e Entry) Propagating() Entry { e.Transient, e.Propagation = true, true; return e }

// Retryable marks what may pass by itself at any time.
func (e Entry) Retryable() Entry { e.Transient = true; return e }

// Undecided marks what may pass by itself and proves nothing.
func (e Entry) Undecided() Entry { e.Transient, e.Outcome = true, OutcomeUnknown; return e }

// Inconclusive marks what proves nothing.
func (e Entry) Inconclusive() Entry { e.Outcome = OutcomeUnknown; return e }

// Stating states what it means for a request that was to write.
func (e Entry) Stating(text string) Entry { e.Written = text; return e }

// With adds the command.
func (e Entry) With(command string) Entry { e.Command = command; return e }

// ToCompare is the entry for whoever can see the credentials where this service cannot. Entra has refused values that
// were equal until one was made anew (github.com/Azure/azure-workload-identity issue 1200).
func (e Entry) ToCompare() Entry {
	e.Steps = append(e.Steps,
		"If all are equal and Entra still refuses some minutes later, delete the credential and "+
			"repeat the PUT, which makes it anew.")
	return e.With(CompareCredentials)
}

// Unless names the code of the same refusal where a look finds in place what it asks for.
func (e Entry) Unless(there Code) Entry { e.IfThere = there; return e }

// On sets the layer.
func (e Entry) On(layer string) Entry { e.Layer = layer; return e }

// Repairable marks what the app itself puts back: the caller asks for that, and the command is for whoever must do it
// by hand. What has been put back takes some minutes to act, and is found missing until then.
func (e Entry) Repairable() Entry {
	e.ByHand, e.Who, e.Steps = e.Who, WhoCaller,
		append([]string{"Repeat the PUT of the integration; it puts back what is missing."},
			e.Steps...)
	return e.Propagating()
}

// OrElse states what a test of access cannot tell apart.
func (e Entry) OrElse(text string) Entry { e.Tested = text; return e }

// WhereLost adds what is said where the thing was there before.
func (e Entry) WhereLost(who Who, cause string, steps ...string) Entry {
	e.Lost = &Loss{Cause: cause, Who: who, Steps: steps}
	return e
}

// Warning marks what works but should be changed.
func (e Entry) Warning() Entry { e.Outcome = OutcomeWarn; return e }
