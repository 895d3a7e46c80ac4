package policy

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// passing are the codes of what may pass by itself, where no request decides: of an error that has its words
// already. A command that ends with one is tried again; any other code is final. A row here is a decision: what a code
// is answered with, and whether its words call it transient, decides nothing.
func passing() []diagnosis.Code {
	return []diagnosis.Code{
		// This service's own parts.
		diagnosis.CodeInternal, diagnosis.CodeUnrecognised, diagnosis.CodeStoreUnavailable,
		diagnosis.CodeQueueUnavailable,
		diagnosis.CodeRequestTimeout, diagnosis.CodeCanceled, diagnosis.CodeBudgetExhausted,
		diagnosis.CodeServiceIdentityUnavailable,
		// A newer build is being deployed.
		diagnosis.CodeRecordTooNew,
		// The network between.
		diagnosis.CodeNetworkConnect, diagnosis.CodeNetworkDNS, diagnosis.CodeNetworkProxy,
		diagnosis.CodeNetworkTimeout,
		diagnosis.CodeNetworkTLS, diagnosis.CodeAnswerNotFromService,
		// A service that cannot answer now.
		diagnosis.CodeThrottled, diagnosis.CodeGraphUnavailable, diagnosis.CodeARMUnavailable,
		diagnosis.CodeDirectoryBusy,
		diagnosis.CodeEntraThrottled, diagnosis.CodeEntraUnavailable,
		diagnosis.CodeStorageThrottled, diagnosis.CodeStorageUnavailable, diagnosis.CodeAccountBeingCreated,
		diagnosis.CodeContainerBeingDeleted,
		diagnosis.CodeDDOEThrottled, diagnosis.CodeDDOEUnavailable,
		// The issuer's keys are read anew.
		diagnosis.CodeIssuerUnreachable, diagnosis.CodeSigningKeyUnknown,
		// What a create may have made comes to light.
		diagnosis.CodeDDOECreateUnsettled, diagnosis.CodeObjectStillThere,
	}
}

// isPassing reports whether a code's cause may pass by itself.
func isPassing(code diagnosis.Code) bool { return slices.Contains(passing(), code) }
