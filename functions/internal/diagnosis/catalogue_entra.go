package diagnosis

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// tokenEntries are what can be read off a subject token before it is sent anywhere, and what hinders getting one.
func tokenEntries() []Entry {
	entry := func(code Code, who Who, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "token"}
	}
	return []Entry{
		{Code: CodeSubjectTokenUnavailable, Title: "No subject token can be had", Layer: "token", Who: WhoCaller,
			Outcome: OutcomeUnknown,
			Cause: "The app is not the federated subject, so it needs a token of the platform to test as it; none " +
				"was given and no source of tokens is set up.",
			Steps: []string{"Send a token of the platform as subjectToken: POST /api/integrations/{id}/access-tests.",
				"Or have the operator set DDOE_SUBJECT_TOKEN_URL: then each test gets a token by itself.",
				"Or run a job on the platform that reads a blob."}},
		entry(CodeTokenMalformed, WhoCaller, "The subject token is not a JWT",
			"The token is not three base64url parts of JSON, has a claim of the wrong type, or is larger than 16 KiB.",
			"Send the compact JWT exactly as the platform issued it, without quotes, line break or 'Bearer'.",
			"If it was issued so, have the platform correct what the detail names."),
		entry(CodeTokenIssuerMismatch, WhoCaller, "The token comes from another issuer", "The token's iss is not "+
			"the issuer that the credential trusts; Entra compares byte for byte, and a trailing slash counts.",
			"Send a token from the issuer {issuer}.",
			"Or if the token is right, correct the integration's issuer to what the token says: PUT the spec with "+
				"it."),
		entry(CodeTokenSubjectMismatch, WhoCaller, "The token is for another subject",
			"The token's sub is none of the integration's subjects; Entra compares byte for byte, including case.",
			"Send a token of the service whose subject is {subject}.",
			"Or if the token is right, add its subject to the integration: PUT the spec with it."),
		entry(CodeSubjectCaseMismatch, WhoCaller, "The subject differs by case only",
			"Entra compares subjects with case. Here they differ by case only.",
			"PUT the spec with the subject exactly as the token has it."),
		entry(CodeTokenAudienceMismatch, WhoDDOEAdmin, "The token is for another audience",
			"The token's aud is not the audience of the credential.",
			"Have the platform issue the token for the audience {audience}, and for no other."),
		entry(CodeTokenExpired, WhoCaller, "The token has expired", "The token's exp has passed.",
			"Send a fresh token of the platform."),
		entry(CodeTokenNotYetValid, WhoDDOEAdmin, "The token is not valid yet",
			"The token's nbf lies in the future: the issuer's clock is ahead, or the token was made for later.",
			"Check the issuer's clock, then get a fresh token."),
		entry(CodeTokenNoExpiry, WhoDDOEAdmin, "The token has no expiry", "Entra refuses tokens without exp.",
			"Have the platform issue tokens with exp."),
		entry(CodeTokenLifetimeTooLong, WhoDDOEAdmin, "The token lives too long",
			"The token is valid for more than 24 hours; a subject token should be short-lived.",
			"Have the platform issue tokens of an hour at most.").Warning(),
		entry(CodeTokenAlgorithmUnsupported, WhoDDOEAdmin, "The signing algorithm is not supported",
			"Entra accepts only tokens signed with RS256.",
			"Have the platform sign with an RSA key and alg RS256."),
		entry(CodeTokenTypeUnsupported, WhoDDOEAdmin, "The token type is not supported",
			"Entra accepts only tokens whose header typ is JWT; an at+jwt access token is refused.",
			"Get an ID-token style JWT from the platform, not an access token."),
		entry(CodeTokenKeyIDMissing, WhoDDOEAdmin, "The token names no key",
			"The token's header has no kid, so Entra cannot find the key in the issuer's JWKS.",
			"Have the platform put the kid of its signing key into the header.").Warning(),
	}
}

// entraEntries are the refusals of Entra's token service, by AADSTS number.
func entraEntries() []Entry { return append(trustEntries(), tenantEntries()...) }

// trustEntries are about the assertion, the federated identity credential, and the issuer.
func trustEntries() []Entry { return slices.Concat(assertionEntries(), matchEntries()) }

// assertionEntries are about the token that was sent, and about its issuer's keys.
func assertionEntries() []Entry {
	return []Entry{
		exchange(CodeAssertionFromEntra, []int{700222, 700226, 700236, 700229}, WhoCaller,
			"The token was issued by Entra itself",
			"An Entra token was sent where the platform's OIDC token is needed; this tenant or identity does "+
				"not take it.",
			"Send the platform's own OIDC token."),
		exchange(CodeAssertionExpired, []int{700024}, WhoCaller, "The token is outside its time of validity",
			"Entra's clock is outside the token's nbf and exp.",
			"Send a fresh token of the platform.",
			"If the token is fresh, have the platform check the issuer's clock."),
		exchange(CodeSigningKeyUnknown, []int{7000272}, WhoDDOEAdmin, "Entra does not know the signing key",
			"The token's kid is not in the issuer's JWKS as Entra has cached it. After a rotation this lasts until "+
				"Entra reads the JWKS again: 20 to 30 minutes, or longer.",
			"Check that the JWKS of {issuer} lists the token's kid.",
			"Publish a new key a day before signing with it.").Retryable(),
		exchange(CodeSignatureInvalid, []int{7000274, 700027}, WhoCaller, "The token's signature is wrong",
			"Entra found the key, but the signature does not verify: the token was altered after signing, or signed "+
				"by another key under the same kid.",
			"Send the token unaltered.", "If it is, correct the issuer: each key needs its own kid."),
		exchange(CodeAssertionTypeUnsupported, []int{5002727}, WhoDDOEAdmin, "The token type is not supported",
			"Entra takes only tokens whose header typ is JWT.",
			"Get an ID-token style JWT from the platform, not an access token."),
		exchange(CodeAssertionMalformed, []int{50027, 5002723, 5002725, 5002710, 5002711, 5002730, 5002740},
			WhoCaller, "Entra cannot read the token",
			"The token is not a JWT as Entra wants it: malformed, claims missing, or claims given twice.",
			"Send the compact JWT exactly as the platform issued it."),
		exchange(CodeIssuerUnreachable, []int{501661, 90061, 50166}, WhoDDOEAdmin,
			"Entra cannot read the issuer's metadata",
			"Entra could not fetch or parse the issuer's discovery document or JWKS. An empty "+
				"authorization_endpoint or subject_types_supported has the same effect.",
			"Fetch {issuer}/.well-known/openid-configuration and its jwks_uri from the internet.",
			"Correct the document, or open the issuer for Entra's requests.").Retryable(),
		exchange(CodeIssuerKeysInvalid, []int{900612}, WhoDDOEAdmin, "Entra cannot read the issuer's keys",
			"The JWKS was fetched, but its keys cannot be parsed.",
			"Publish RSA keys with kid, and n and e as base64url without padding, at most 100 of them."),
		exchange(CodeSecretPathTaken, []int{7000215, 7000222, 7000218, 7000216, 700025, 7000114}, WhoOperator,
			"A client secret was used or expected",
			"Entra answered about a client secret; this flow has none.",
			"Check the app's environment for AZURE_CLIENT_SECRET and the like, and remove it."),
	}
}

// matchEntries are about the federated credential that the token has to match.
func matchEntries() []Entry {
	return []Entry{
		exchange(CodeCredentialMismatch, []int{70021}, WhoIdentityAdmin, "No credential matches the token",
			"No federated identity credential of the identity has the token's issuer, subject and audience together.",
			"Compare issuer, subject and audience with the credentials of the identity; look at a trailing "+
				"slash first.").Repairable().ToCompare().Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialIssuerMismatch, []int{700211}, WhoIdentityAdmin, "No credential has the token's issuer",
			"The identity has no federated identity credential for the issuer that the token names; Entra "+
				"compares byte for byte, and a trailing slash counts.",
			"Set the credential's issuer to exactly {issuer}.").
			Repairable().ToCompare().Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialAudienceMismatch, []int{700212}, WhoIdentityAdmin,
			"No credential has the token's audience",
			"A credential for the issuer exists, but not for the audience of the token.",
			"Give token and credential the cloud's token-exchange audience, {audience}.").
			Repairable().ToCompare().Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialSubjectMismatch, []int{700213, 7002137}, WhoIdentityAdmin,
			"No credential has the token's subject",
			"A credential for the issuer exists, but not for the subject of the token; Entra compares byte for byte.",
			"Compare the subjects character by character; one of them must be exactly {subject}.").
			Repairable().ToCompare().Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialSubjectCaseMismatch, []int{7002138}, WhoIdentityAdmin,
			"The credential's subject differs by case only",
			"Entra compares subjects with case since August 2024; the credential's subject differs from the token's "+
				"in nothing else.",
			"Set the credential's subject to exactly {subject}.").Repairable().ToCompare().
			Unless(CodeCredentialNotEffective),
		exchange(CodeFederatedCredentialMissing, []int{70025, 7000226}, WhoIdentityAdmin,
			"The federated credential does not exist",
			"The identity has no federated credential for the subject {subject}, so Entra refuses the platform's "+
				"tokens. One that was made a moment ago is not known everywhere yet.", orByHand).Making().Repairable().
			With(words.CreateCredential).Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialFlexibleUnsupported, []int{7002131, 7002241, 700235, 700233, 700234, 700237},
			WhoIdentityAdmin, "The flexible credential does not work here",
			"A flexible federated identity credential works only with the issuers of GitHub, GitLab and Terraform "+
				"Cloud, and its expression must match.",
			"Replace it by a plain credential with the exact subject {subject}.").With(words.CompareCredentials).
			Unless(CodeCredentialNotEffective),
		exchange(CodeCredentialAudienceNotExchange, []int{700214, 5002741}, WhoIdentityAdmin,
			"The audience is not the token-exchange audience",
			"Entra takes only the literal token-exchange audience of the cloud, and only one audience in a token: "+
				"not a GUID, a custom one or a list.",
			"Use the audience api://AzureADTokenExchange in credential and token."),
		exchange(CodeCredentialAmbiguous, []int{700263}, WhoIdentityAdmin, "More than one credential has the subject",
			"The identity has several federated identity credentials for one subject, such as one with and one "+
				"without a trailing slash in the issuer.",
			"Keep the one whose issuer equals the token's, delete the others.").With(words.CompareCredentials),
	}
}

// tenantEntries are about the tenant, the identity, its policies and the token service's state.
func tenantEntries() []Entry {
	return slices.Concat(clientEntries(), tenantPolicyEntries(), tokenServiceEntries())
}

// clientEntries are about the identity.
func clientEntries() []Entry {
	return []Entry{
		exchange(CodeIdentityMissing, []int{700016, 700011}, WhoIdentityAdmin, "The identity does not exist",
			"The tenant has no identity with this client id: it was deleted, or was made a moment ago and is not "+
				"known everywhere yet.",
			words.Renewed, notByHand).Repairable().Unless(CodeIdentityNotEffective),
		exchange(CodeClientMalformed, []int{700038}, WhoUploader, "The client id is malformed",
			"The client id is not one that Entra can read.",
			"Give the client id, a GUID."),
		exchange(CodeServicePrincipalMissing, []int{7000229}, WhoIdentityAdmin,
			"The identity has no service principal in the tenant",
			"The service principal is missing in the tenant, or is not replicated yet.",
			"If it was created just now, wait some minutes.", notByHand).Repairable().
			Unless(CodeIdentityNotEffective),
		disabledEntry(),
		exchange(CodeApplicationAudienceUnsupported, []int{70052}, WhoEntraAdmin, "The application is multi-tenant",
			"This federation is not possible for a multi-tenant application.",
			"Set signInAudience to AzureADMyOrg.").With(words.ChangeApplication),
		exchange(CodeScopeInvalid, []int{500011, 50001, 70011, 1002012, 28002}, WhoOperator, "The scope is not valid",
			"The requested resource is not known in the tenant; for blobs it is https://storage.azure.com/.default.",
			"Check AZURE_CLOUD; report it as a fault of this service."),
	}
}

// tenantPolicyEntries are about the tenant and its policies.
func tenantPolicyEntries() []Entry {
	return []Entry{
		exchange(CodeTenantUnknown, []int{90002}, WhoIdentityAdmin, "The tenant does not exist",
			"No tenant has this id in this cloud; the tenant may exist in another cloud.",
			"Check the tenant id, and the cloud that the service is set to."),
		exchange(CodeTenantMalformed, []int{900023}, WhoUploader, "The tenant id is malformed",
			"The tenant is neither a GUID nor a DNS name.",
			"Give the tenant's GUID."),
		exchange(CodeAuthorityInvalid, []int{50049, 50059, 90019, 9001023}, WhoOperator,
			"The sign-in address is not valid",
			"The request named no tenant, or an alias such as common, or an unknown login host.",
			"Give the tenant's GUID; check AZURE_CLOUD."),
		exchange(CodeCloudMismatch, []int{90038, 900382, 900432, 900439, 900440}, WhoOperator,
			"The tenant is in another cloud",
			"Tenant, identity and login host belong to different national clouds; federation across clouds is "+
				"not possible.",
			"Use a deployment in the tenant's cloud."),
		exchange(CodeFederationDisabled, []int{700223}, WhoEntraAdmin,
			"Workload identity federation is barred in the tenant",
			"A tenant policy constrains or disables workload identity federation.",
			"Have a tenant administrator allow it for this identity."),
		exchange(CodeIssuerNotAllowed, []int{700238, 7002381}, WhoEntraAdmin, "The tenant does not allow the issuer",
			"A tenant policy allows only certain issuers, or demands a further claim in the token. The credential "+
				"itself cannot change that.",
			"Have a tenant administrator add {issuer} to the allowed issuers."),
		exchange(CodeConditionalAccessBlocked, []int{53003, 530032, 50131, 50005}, WhoEntraAdmin,
			"Conditional Access blocked the token",
			"A Conditional Access policy for workload identities blocked the request, by location or risk. It "+
				"depends on the caller's address: this test may be blocked where the platform is not.",
			"Add the egress addresses to a named location, or leave the application out of the policy."),
		exchange(CodeTenantBlocked, []int{5000224, 5000225, 5000229}, WhoEntraAdmin, "The tenant is blocked",
			"Microsoft has blocked the tenant, for inactivity, fraud or end of life.",
			"Open a support case with Microsoft."),
	}
}

// tokenServiceEntries are about the token service's state, and about what it should not answer.
func tokenServiceEntries() []Entry {
	return []Entry{
		exchange(CodeUnexpectedFlow, []int{500133, 50013, 50076, 50034, 65001, 50146, 16000, 16001, 16002, 16003,
			500341, 501051, 5000811, 900144, 70003}, WhoOperator, "Entra answered about another flow",
			"The answer belongs to another kind of sign-in, or to a malformed request, and should not occur here.",
			"Report it as a fault of this service, with the evidence."),
		exchange(CodeEntraThrottled, []int{90055, 50196}, WhoOperator, "Entra limits the rate of requests",
			"Too many tokens were asked for; nothing is known about the integration.",
			"Test again later.").Undecided(),
		exchange(CodeEntraUnavailable, []int{90024, 90033, 90006, 90012, 90090, 50033}, WhoOperator,
			"Entra is temporarily unavailable",
			"The token service failed; nothing is known about the integration.",
			"Test again later.").Undecided(),
		exchange(CodeEntraUnrecognised, nil, WhoOperator, "Entra refused for an unrecognised reason",
			"The token service answered with a code that the catalogue does not know, so nothing is "+
				"concluded from it.",
			"Look up the AADSTS number of the evidence at https://login.microsoftonline.com/error, and give the "+
				"correlation id to the tenant's administrator.").Inconclusive(),
	}
}

// disabledEntry is about what somebody has switched off, in one of three places. Entra has one number for all of them:
// github.com/luoye663/e5 issue 30 has it for an application that Microsoft has disabled. Sources:
// https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration, and
// disabledByMicrosoftStatus of https://learn.microsoft.com/graph/api/resources/application.
func disabledEntry() Entry {
	return exchange(CodeClientDisabled, []int{7000112, 70001}, WhoEntraAdmin, "The identity is disabled",
		"The service principal is disabled (accountEnabled), or its application is deactivated (isDisabled) or was "+
			"disabled by Microsoft (disabledByMicrosoftStatus).",
		"Run the command: it enables what somebody has switched off. A PUT does not: it keeps that.").Making().
		Then("What Microsoft has disabled, Microsoft's support alone enables.").Propagating().
		With(words.EnableApplication)
}

// exchange is an entry of the exchange layer: an answer of the upstream service.
func exchange(code Code, numbers []int, who Who, title, cause string, steps ...string) Entry {
	return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "exchange", AADSTS: numbers}
}
