package diagnosis

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"

// What an entry is made of, and what fills it; see package words.
type (
	Code      = words.Code
	Entry     = words.Entry
	Context   = words.Context
	Operation = words.Operation
	Request   = words.Request
	Upkeep    = words.Upkeep
	Outcome   = words.Outcome
	Who       = words.Who
)

// IsAlternative reports whether a step stands in the place of the one before it, and does not follow it.
func IsAlternative(step string) bool { return words.IsAlternative(step) }

// The outcomes of a check, the people, the requests that are repeated, and how identities are looked after.
const (
	OutcomePass    = words.OutcomePass
	OutcomeWarn    = words.OutcomeWarn
	OutcomeFail    = words.OutcomeFail
	OutcomeSkip    = words.OutcomeSkip
	OutcomeUnknown = words.OutcomeUnknown

	WhoEntraAdmin    = words.WhoEntraAdmin
	WhoStorageAdmin  = words.WhoStorageAdmin
	WhoDDOEAdmin     = words.WhoDDOEAdmin
	WhoCaller        = words.WhoCaller
	WhoUploader      = words.WhoUploader
	WhoOperator      = words.WhoOperator
	WhoIdentityAdmin = words.WhoIdentityAdmin

	RequestPut    = words.RequestPut
	RequestDelete = words.RequestDelete
	RequestOther  = words.RequestOther
	RequestLook   = words.RequestLook
	PutAgain      = words.PutAgain

	InDirectory     = words.InDirectory
	InResourceGroup = words.InResourceGroup
)
