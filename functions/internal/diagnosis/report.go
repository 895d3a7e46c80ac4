// Package diagnosis is the one place where an error becomes words: a catalogue of codes, each with title, cause and
// remedy, the classification of service errors into those codes, and the report that validation, drift and access
// tests share. It calls no service and knows no HTTP edge.
package diagnosis

import (
	"strings"
	"time"
)

// Verdict sums up a report. Only a recognised success passes; what is not recognised is Unknown.
type Verdict string

// The verdicts, from best to worst known.
const (
	VerdictPass    Verdict = "pass"
	VerdictWarn    Verdict = "warn"
	VerdictFail    Verdict = "fail"
	VerdictUnknown Verdict = "unknown"
)

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

// ClaimLevel tells how much was proved: only the file, what can be discovered without a credential, that the
// structure in Entra and Azure is right, that Entra exchanges the token, or that the data was reached.
type ClaimLevel string

// The claim levels, from weakest to strongest.
const (
	ClaimFile      ClaimLevel = "file"
	ClaimDiscovery ClaimLevel = "discovery"
	ClaimStructure ClaimLevel = "structure"
	ClaimExchange  ClaimLevel = "exchange"
	ClaimAccess    ClaimLevel = "access"
)

// Report is what validation, drift and access tests answer with.
type Report struct {
	ID string `json:"id" doc:"Identifies this run"`
	Causes
	Kind       string     `json:"kind" enum:"credential,drift,access"`
	Verdict    Verdict    `json:"verdict" enum:"pass,warn,fail,unknown"`
	ClaimLevel ClaimLevel `json:"claimLevel,omitempty" enum:"file,discovery,structure,exchange,access"`
	TestedAs   *TestedAs  `json:"testedAs,omitempty"`
	TestedFrom *Origin    `json:"testedFrom,omitempty"`
	StartedAt  time.Time  `json:"startedAt"`
	DurationMS int64      `json:"durationMs"`
	Checks     []Check    `json:"checks"`
	Leftovers  []Leftover `json:"leftovers"`
}

// LongTags are the ends of tags that are too long for a line.
func (Report) LongTags() map[string]string {
	return map[string]string{"ClaimLevel": `doc:"What was really proved"`}
}

// TestedAs is the identity a test ran as. It holds no token.
type TestedAs struct {
	TenantID string `json:"tenantId,omitempty"`
	ClientID string `json:"clientId,omitempty"`
	ObjectID string `json:"objectId,omitempty" doc:"Object id of the service principal, which role assignments name"`
	Issuer   string `json:"issuer,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Audience string `json:"audience,omitempty"`
}

// Origin is where a test ran; network rules may answer differently elsewhere.
type Origin struct {
	Host   string `json:"host,omitempty"`
	Region string `json:"region,omitempty"`
}

// Check is one line of a report.
type Check struct {
	ID       string  `json:"id" doc:"Stable name, such as access.write"`
	Layer    string  `json:"layer" enum:"file,discovery,structure,token,exchange,network,protection,list,read,write,delete,cleanup"`
	Status   Outcome `json:"status" enum:"pass,warn,fail,skip,unknown"`
	Code     Code    `json:"code,omitempty" doc:"Diagnosis code; empty on a pass"`
	Field    string  `json:"field,omitempty" doc:"JSON pointer into the file or spec"`
	Target   string  `json:"target,omitempty" doc:"What was tested, such as a container URL"`
	Title    string  `json:"title"`
	Detail   string  `json:"detail,omitempty"`
	Expected string  `json:"expected,omitempty" doc:"What should be"`
	Actual   string  `json:"actual,omitempty" doc:"What is there: in Entra, Azure or DDOE, or in the file"`
	// Presented is what the token holds, where it is not known what is there.
	Presented string `json:"presented,omitempty" doc:"What the token holds, where it is not known what is there"`
	DiffAt    *int   `json:"diffAt,omitempty" doc:"Index of the first character that is not as expected"`
	// Differences are the members of an object that are not as wanted, those that somebody else owns included.
	Differences []MemberDifference `json:"differences,omitempty" doc:"The members that are not as wanted"`
	Transient   bool               `json:"transient,omitempty" doc:"May pass by itself later"`
	DependsOn   string             `json:"dependsOn,omitempty"`
	Remedy      *Remedy            `json:"remedy,omitempty"`
	Evidence    *Evidence          `json:"evidence,omitempty"`
}

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

// Remedy tells who repairs it and how.
type Remedy struct {
	Who     Who      `json:"who" enum:"entra-admin,storage-admin,ddoe-admin,caller,uploader,operator"`
	Steps   []string `json:"steps"`
	Command string   `json:"command,omitempty" doc:"A command with the real values filled in"`
}

// String is the remedy in one line, for a log.
func (r Remedy) String() string {
	line := string(r.Who) + ": " + strings.Join(r.Steps, " ")
	if r.Command != "" {
		line += " " + r.Command
	}
	return line
}

// Evidence is what a service answered, as codes and ids; never a token and never a body.
type Evidence struct {
	Service       string `json:"service,omitempty" enum:"entra,graph,arm,storage,ddoe,servicebus"`
	HTTPStatus    int    `json:"httpStatus,omitempty"`
	ServiceCode   string `json:"serviceCode,omitempty" doc:"error.code of Graph or ARM"`
	OAuthError    string `json:"oauthError,omitempty"`
	AADSTS        int    `json:"aadsts,omitempty"`
	StorageCode   string `json:"storageCode,omitempty"`
	RequestID     string `json:"requestId,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
}

// Leftover is something a test made and could not remove.
type Leftover struct {
	URL    string `json:"url"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

// Diagnosis is one cause in words: what an operation failed with, or what a problem document states.
type Diagnosis struct {
	Type      string    `json:"type,omitempty" format:"uri-reference" doc:"Link to the page of the code"`
	Layer     string    `json:"layer,omitempty" doc:"Where it was found, as the layer of a check"`
	Code      Code      `json:"code"`
	Title     string    `json:"title"`
	Detail    string    `json:"detail,omitempty"`
	Transient bool      `json:"transient,omitempty"`
	Remedy    *Remedy   `json:"remedy,omitempty"`
	Evidence  *Evidence `json:"evidence,omitempty"`
	Findings  []Finding `json:"errors,omitempty" doc:"One entry for each faulty member"`
}

// Finding is one faulty member of an input.
type Finding struct {
	Pointer  string `json:"pointer" doc:"JSON pointer (RFC 6901) to the member"`
	Code     Code   `json:"code"`
	Detail   string `json:"detail"`
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
}

// Owner is whose a member of an object is: ours, or somebody else's who has set it and keeps it.
type Owner string

// The owners of a member.
const (
	OwnerOurs  Owner = "ours"
	OwnerOther Owner = "other"
)

// MemberDifference is one member of an object that is not as it is wanted.
type MemberDifference struct {
	Member string `json:"member" doc:"Name of the member, such as subject or condition"`
	Want   string `json:"want,omitempty" doc:"Absent where it is not wanted at all"`
	Have   string `json:"have" doc:"What the service holds"`
	Owner  Owner  `json:"owner" enum:"ours,other" doc:"other: somebody else has set it, and it is kept"`
}
