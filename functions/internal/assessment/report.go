// Package assessment is what validation, drift and access tests answer with: a report of checks, the verdict that they
// come to, and the root cause among those that did not pass.
package assessment

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
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
	diagnosis.Causes
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
	ID       string            `json:"id" doc:"Stable name, such as access.write"`
	Layer    string            `json:"layer" enum:"file,discovery,structure,token,exchange,network,protection,list,read,write,delete,cleanup"`
	Status   diagnosis.Outcome `json:"status" enum:"pass,warn,fail,skip,unknown"`
	Code     diagnosis.Code    `json:"code,omitempty" doc:"Diagnosis code; empty on a pass"`
	Field    string            `json:"field,omitempty" doc:"JSON pointer into the file or spec"`
	Target   string            `json:"target,omitempty" doc:"What was tested, such as a container URL"`
	Title    string            `json:"title"`
	Detail   string            `json:"detail,omitempty"`
	Expected string            `json:"expected,omitempty" doc:"What should be"`
	Actual   string            `json:"actual,omitempty" doc:"What is there: in Entra, Azure or DDOE, or in the file"`
	// Presented is what the token holds, where it is not known what is there.
	Presented string `json:"presented,omitempty" doc:"What the token holds, where it is not known what is there"`
	DiffAt    *int   `json:"diffAt,omitempty" doc:"Index of the first character that is not as expected"`
	// Differences are the members of an object that are not as wanted, those that somebody else owns included.
	Differences []diagnosis.MemberDifference `json:"differences,omitempty" doc:"The members that are not as wanted"`
	Transient   bool                         `json:"transient,omitempty" doc:"May pass by itself later"`
	DependsOn   string                       `json:"dependsOn,omitempty"`
	Remedy      *diagnosis.Remedy            `json:"remedy,omitempty"`
	Evidence    *diagnosis.Evidence          `json:"evidence,omitempty"`
	Bearing     Bearing                      `json:"-"`
}

// Bearing is what a look and a refusal have to do with each other. See resource.Explained.
type Bearing struct {
	// Kind is the resource kind that a look is at; empty for a refusal.
	Kind string
	// About is the subject or the scope that it is about; empty where it is about all of them.
	About string
	// IfThere is what a refusal is told as where a look finds all that it asks for in place; nil where no look can
	// tell.
	IfThere *diagnosis.Diagnosis
}

// Leftover is something a test made and could not remove.
type Leftover struct {
	URL    string `json:"url"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}
