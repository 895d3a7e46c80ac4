// Package words turns an entry of the catalogue, and what is known of a failure, into what a person reads: who repairs
// it, in which steps, with which command. It knows no entry; package diagnosis has them.
package words

// Code names what is wrong. It is kebab-case and never changes once released; its words are in the catalogue.
type Code string

// Outcome is the result of one check.
type Outcome string

// The outcomes of a check. A skipped check names in DependsOn the check whose failure made it meaningless.
const (
	OutcomePass    Outcome = "pass"
	OutcomeWarn    Outcome = "warn"
	OutcomeFail    Outcome = "fail"
	OutcomeSkip    Outcome = "skip"
	OutcomeUnknown Outcome = "unknown"
)

// Who repairs it.
type Who string

// The people a remedy can be for.
const (
	WhoEntraAdmin   Who = "entra-admin"
	WhoStorageAdmin Who = "storage-admin"
	WhoDDOEAdmin    Who = "ddoe-admin"
	WhoCaller       Who = "caller"   // who sends requests: with a spec, an id, a subject token
	WhoUploader     Who = "uploader" // who has the credential file
	WhoOperator     Who = "operator" // of this app: its settings and rights
	// WhoIdentityAdmin stands in the catalogue for who looks after an integration's identity. No remedy names it: the
	// Context puts one of the others in its place.
	WhoIdentityAdmin Who = "identity-admin"
)
