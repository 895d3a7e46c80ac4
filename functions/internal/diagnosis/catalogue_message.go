package diagnosis

// messageEntries are the ends of a command or operation that come from the queue itself.
func messageEntries() []Entry {
	return []Entry{
		{Code: CodeUnknownCommand, Title: "The command is not known", Who: WhoCaller,
			Cause: "The message is a CloudEvent of a type that this app does not handle.",
			Steps: []string{"Send one of the ai.ddoe.wif.*.v1 command types."}},
		{Code: CodeNotACloudevent, Title: "The message is not a CloudEvent", Who: WhoCaller,
			Cause: "The body is JSON, but not a CloudEvent 1.0 in structured mode.",
			Steps: []string{"Send specversion, id, source, type and data as CloudEvents 1.0 asks for."}},
		{Code: CodeMessageTooLarge, Title: "The message is too large", Who: WhoCaller,
			Cause: "The message body is larger than a command can be.",
			Steps: []string{"Send a smaller message."}},
		{Code: CodeSessionMismatch, Title: "Session and integration differ", Who: WhoCaller,
			Cause: "The message's SessionId is not the integration id, so commands of one integration could run at " +
				"the same time.",
			Steps: []string{"Send the message with SessionId equal to integrationId."}},
		{Code: CodeSuperseded, Title: "A newer command took its place", Who: WhoCaller,
			Cause: "The integration has a newer operation, so this one was not carried out.",
			Steps: []string{"Follow the newer operation: lastOperationId of the integration."}},
		{Code: CodeOperationNotCancelable, Title: "The operation can no longer be canceled", Who: WhoCaller,
			Cause: "Only what has not started, or waits for its next attempt, can be canceled.",
			Steps: []string{"Follow the operation to its end. To take back what it has made, DELETE " +
				"the integration."}},
		{Code: CodeOperationCanceled, Title: "The operation was canceled", Who: WhoCaller,
			Cause: "A caller has canceled the operation. What earlier attempts have made is still there.",
			Steps: []string{"Nothing, if that is meant. Else send the request again, without its Operation-Id."}},
		{Code: CodeAttemptsExhausted, Title: "All attempts have failed", Who: WhoOperator,
			Cause: "The operation met a transient failure on every attempt, and no further attempt is made.",
			Steps: []string{"Look at the operation's last failure.",
				"Have its cause mended; then PUT the spec again."}},
		{Code: CodeDeliveryExhausted, Title: "The message could not be handled", Who: WhoOperator,
			Cause: "The message was delivered as often as the queue allows without being completed, and went to the " +
				"dead-letter queue.",
			Steps: []string{"Look at the log of the invocations with this operation id.", "PUT the spec again."}},
		{Code: CodeMessageExpired, Title: "The message expired", Who: WhoOperator,
			Cause: "The message was not handled within its time to live and went to the dead-letter queue.",
			Steps: []string{"Check that the app is running.", "PUT the spec again."}},
		{Code: CodeDeadLettered, Title: "The message was dead-lettered", Who: WhoOperator,
			Cause: "The message reached the dead-letter queue; its reason is in the detail.",
			Steps: []string{"Look at the reason.", "PUT the spec again."}},
	}
}
