package diagnosis

// networkEntries are failures on the way to a service. They are about the path from here, so they prove nothing about
// the integration.
func networkEntries() []Entry {
	entry := func(code Code, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: WhoOperator, Steps: steps,
			Layer: "network"}.Undecided()
	}
	return []Entry{
		entry(CodeNetworkDNS, "The host name cannot be resolved", "The name has no address as seen from here: the "+
			"account or host was deleted or never existed, or its name is known in a private DNS zone only.",
			"Look whether {target} still exists, and is spelt as here.",
			"If the account has a private endpoint, link its DNS zone with the network that the service runs in."),
		entry(CodeNetworkConnect, "The host cannot be reached", "The connection was refused, reset or could not be "+
			"opened from here: a firewall, a proxy or a private address lies between.",
			"Allow the service's egress to the host."),
		entry(CodeNetworkProxy, "The proxy does not connect to the host",
			"The proxy on the way opened no connection: the name does not resolve, or the proxy refuses it.",
			"Check the name {target}.", "If the name is right, have the proxy allow it."),
		entry(CodeAnswerNotFromService, "The answer does not come from the service",
			"The answer has no request id of the service, or is none of its documents: a web page, "+
				"nothing at all, or "+
				"somebody else's. A proxy or gateway on the way answers so. Nothing is known about the integration.",
			"Look at the status in the evidence, and at what a proxy or firewall on the way logs.",
			"Have it let the service's requests pass, then test again."),
		entry(CodeNetworkTimeout, "The host did not answer in time", "No answer came within the time budget.",
			"Test again; if it stays, check the network path from the service to the host."),
		entry(CodeNetworkTLS, "The TLS connection cannot be trusted",
			"The host's certificate does not verify, or no common TLS version was found.",
			"Look for a proxy that breaks TLS open on the way, or a DNS name that leads to another host."),
		entry(CodeCanceled, "The work was broken off",
			"The caller went away or the process ended before there was an answer.", "Start it again."),
	}
}

// platformEntries are what the DDOE platform answers.
func platformEntries() []Entry {
	entry := func(code Code, who Who, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "token"}
	}
	return []Entry{
		entry(CodeDDOEUnauthorized, WhoOperator, "The platform refused the API key", "{target} did not accept the "+
			"service's API key: it has ended or was revoked, or is one of another installation.",
			"Make a new key on the platform and set it as DDOE_API_KEY; then send the request again.",
			"If the key is good, check {setting}: it has to be of the installation that made the key.").Inconclusive(),
		entry(CodeDDOEForbidden, WhoDDOEAdmin, "The platform forbids the request",
			"DDOE knows the API key, but it may not do this.",
			"Give the key's user the right, or use a key of an organisation administrator.").Inconclusive(),
		entry(CodeDDOENotFound, WhoDDOEAdmin, "The platform knows no such object",
			"{target} was not found: the platform does not know what was asked for, or the path is none of its own.",
			"Check on the platform that what was asked for exists; for a subject token that is the service of "+
				"the subject.",
			"If it does, have the operator of this service check {setting}; then send the request again.").
			Inconclusive(),
		entry(CodeDDOEThrottled, WhoOperator, "The platform limits the rate of requests",
			"{target} was asked too often and refused this request.",
			waitForIt, sendAgain+" An access test takes a subjectToken of your own, too.").Waiting().Undecided(),
		entry(CodeDDOEUnavailable, WhoOperator, "The platform is temporarily unavailable",
			"{target} answered with a fault of its own; nothing is known about the integration.",
			waitForIt, sendAgain+" An access test takes a subjectToken of your own, too.").Waiting().Undecided(),
		entry(CodeDDOEAnswerInvalid, WhoOperator, "The platform's answer cannot be read", "{target} answered, but "+
			"not with what was asked for, or not as the API does. The platform shows its web page on paths that it "+
			"does not know, and a proxy on the way may answer in its place.",
			"Send the same request again: what a proxy shows may be gone.",
			"If it stays, check {setting}, and what a proxy on the way answers.").Inconclusive(),
		entry(CodeDDOEUnrecognised, WhoOperator, "The platform refused for an unrecognised reason",
			"DDOE answered with a status that tells this service no cause.",
			"Read what the platform says, where it says something, and mend that; then send the request again.",
			"If it stays, check {setting}, and what a proxy on the way answers; else give the request id in the "+
				"evidence to DDOE's support.").Inconclusive(),
	}
}
