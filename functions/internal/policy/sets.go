package policy

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// ofToken are the codes of a subject token that no exchange was tried with, as it does not fit: they state nothing of
// what is provisioned. Source: package access, which compares a token with the document before anything is sent.
func ofToken() []diagnosis.Code {
	return []diagnosis.Code{
		diagnosis.CodeSubjectTokenUnavailable, diagnosis.CodeTokenMalformed,
		diagnosis.CodeTokenIssuerMismatch, diagnosis.CodeTokenAudienceMismatch, diagnosis.CodeTokenSubjectMismatch,
		diagnosis.CodeSubjectCaseMismatch,
		diagnosis.CodeTokenNoExpiry, diagnosis.CodeTokenExpired, diagnosis.CodeTokenNotYetValid,
		diagnosis.CodeTokenLifetimeTooLong,
		diagnosis.CodeTokenAlgorithmUnsupported, diagnosis.CodeTokenTypeUnsupported, diagnosis.CodeTokenKeyIDMissing,
	}
}

// IsOfToken reports whether what a code states is about the subject token, and not about the integration.
func IsOfToken(code diagnosis.Code) bool { return slices.Contains(ofToken(), code) }

// ofSender are the codes of a test with a caller's token that do not state that something provisioned is wrong. The
// caller may have brought them about, or this service's own request, or the way that it takes.
// Source: Entra's AADSTS numbers and the Blob service's error codes, as the catalogue has them.
func ofSender() []diagnosis.Code {
	return []diagnosis.Code{
		// What Entra states of the assertion, and of the keys that its issuer publishes.
		diagnosis.CodeAssertionExpired, diagnosis.CodeAssertionFromEntra, diagnosis.CodeAssertionMalformed,
		diagnosis.CodeAssertionTypeUnsupported, diagnosis.CodeSignatureInvalid, diagnosis.CodeSigningKeyUnknown,
		diagnosis.CodeIssuerKeysInvalid, diagnosis.CodeIssuerUnreachable,
		// What Entra states of the request for a token, or in words that nobody knows.
		diagnosis.CodeAuthorityInvalid, diagnosis.CodeCloudMismatch, diagnosis.CodeScopeInvalid,
		diagnosis.CodeSecretPathTaken, diagnosis.CodeUnexpectedFlow, diagnosis.CodeEntraUnrecognised,
		diagnosis.CodeEntraThrottled, diagnosis.CodeEntraUnavailable,
		// What the storage states of the form of our requests.
		diagnosis.CodeAPIVersionUnsupported, diagnosis.CodeStorageVersionUnsupported, diagnosis.CodeTLSVersionRefused,
		diagnosis.CodeStorageKeyRefused, diagnosis.CodeStorageRequestAnonymous, diagnosis.CodeStorageTokenRefused,
		diagnosis.CodeStorageThrottled, diagnosis.CodeStorageUnavailable, diagnosis.CodeStorageUnrecognised,
		diagnosis.CodeBlobExists, diagnosis.CodeConditionNotMet, diagnosis.CodeNotRecognisedSuccess,
		diagnosis.CodeOracleUndecided,
		// The way, and this service's own parts.
		diagnosis.CodeNetworkConnect, diagnosis.CodeNetworkDNS, diagnosis.CodeNetworkProxy,
		diagnosis.CodeNetworkTimeout, diagnosis.CodeNetworkTLS, diagnosis.CodeAnswerNotFromService,
		diagnosis.CodeDependencyFailed,
		diagnosis.CodeBudgetExhausted, diagnosis.CodeCanceled, diagnosis.CodeInternal, diagnosis.CodeUnrecognised,
	}
}

// IsOfSender reports whether a code states nothing of what is provisioned, in a test with a token that somebody sent.
func IsOfSender(code diagnosis.Code) bool { return slices.Contains(ofSender(), code) }

// mendedByPut are the codes of what differs from the spec and is put right by the same PUT again. What somebody else
// has made, or a service refuses, is not.
func mendedByPut() []diagnosis.Code {
	return []diagnosis.Code{
		diagnosis.CodeIdentityMissing, diagnosis.CodeApplicationChanged, diagnosis.CodeApplicationReplaced,
		diagnosis.CodeServicePrincipalMissing, diagnosis.CodeServicePrincipalReplaced,
		diagnosis.CodeManagedIdentityChanged, diagnosis.CodeManagedIdentityReplaced,
		diagnosis.CodeFederatedCredentialChanged, diagnosis.CodeFederatedCredentialMissing,
		diagnosis.CodeRoleAssignmentChanged, diagnosis.CodeRoleMissing,
		diagnosis.CodeDDOEAPIUsable, diagnosis.CodeDDOEIntegrationChanged, diagnosis.CodeDDOEIntegrationExtra,
		diagnosis.CodeDDOEIntegrationMissing, diagnosis.CodeDDOEIntegrationNotUsed,
		diagnosis.CodeDDOEIntegrationRenamed, diagnosis.CodeDDOEIntegrationUnwanted, diagnosis.CodeDDOEOptionsChanged,
		diagnosis.CodeDDOEDriverChanged, diagnosis.CodeDDOEDriverMissing, diagnosis.CodeDDOEDriverRenamed,
		diagnosis.CodeDDOEDriverUnwanted,
	}
}

// byDesign are the codes of checks that only tell why something was not tested: a container that is immutable on
// purpose is no fault that somebody should mend. Source: package access, which gives them where it leaves a test out.
func byDesign() []diagnosis.Code {
	return []diagnosis.Code{diagnosis.CodeImmutableContainer, diagnosis.CodeProtectionUnknown, diagnosis.CodeNoStorage}
}

// IsByDesign reports whether what a code states may be as it is wanted.
func IsByDesign(code diagnosis.Code) bool { return slices.Contains(byDesign(), code) }

// IsMendedByPut reports whether the same PUT again puts right what a code states.
func IsMendedByPut(code diagnosis.Code) bool { return slices.Contains(mendedByPut(), code) }
