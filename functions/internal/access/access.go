// Package access tests blob access as the federated identity itself: it reads the subject token, exchanges it at Entra
// with a fresh credential, and then lists, reads, writes and deletes in the integration's containers. Every layer is a
// check of the report; one test lists all faults. It never uses the app's own identity, and it leaves nothing behind
// that it does not report.
package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// Mode is how the rights are tested.
type Mode string

// The modes. Roundtrip writes a small blob, reads it back, lists it and deletes it. Oracle sends requests that cannot
// change anything and concludes from the refusal: Storage looks at rights before it looks at existence and conditions.
const (
	ModeRoundtrip Mode = "roundtrip"
	ModeOracle    Mode = "oracle"
)

// The time budgets of a test: all checks together, one call, and the removal of the probe blobs, which comes on top.
const (
	testBudget    = 10 * time.Second
	callBudget    = 5 * time.Second
	cleanupBudget = 5 * time.Second
)

// parallelContainers is how many containers are tested at a time.
const parallelContainers = 4

// Tester runs access tests. All members but Exchanger may be zero.
type Tester struct {
	// Exchanger exchanges the subject token.
	Exchanger *entra.Exchanger
	// ClientOptions hold transport, cloud and retry budget of the calls to Storage.
	ClientOptions azcore.ClientOptions
	// Origin is where the test runs, for the report.
	Origin assessment.Origin
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Random is where probe names come from; nil is crypto/rand.
	Random io.Reader
	// BlobEndpointSuffix follows the account's name in its host; empty is that of the public cloud,
	// blob.core.windows.net.
	BlobEndpointSuffix string
}

// Request is what is to be tested.
type Request struct {
	Document integration.Document
	// Token is the subject token; without one the report means that nothing could be proved.
	Token entra.SubjectToken
	// Mode is ModeRoundtrip where it is empty.
	Mode Mode
	// Access tests for this access instead of the one in each storage entry.
	Access integration.Access
	// Prefix is where probe blobs are made, a relative path; empty is the container's root.
	Prefix string
	// Propagated reports whether propagation explains no refusal any more, for who knows better than the document:
	// access has worked since the last change, or there was one that the document does not show. Nil: the
	// document decides.
	Propagated *bool
	// Blocked is the check of somebody else because of which the token is not sent to Entra; empty for none.
	Blocked string
}

// Run tests the integration's access. The error is a *diagnosis.Error, and only for a faulty request (invalid-mode,
// invalid-access, invalid-prefix, not-provisioned); everything that was learnt is in the report. It takes at most some
// 15 seconds, whatever the context allows.
func (t *Tester) Run(ctx context.Context, req Request) (assessment.Report, error) {
	if err := normalise(&req); err != nil {
		return assessment.Report{}, err
	}
	started := t.now()
	test, err := t.newTest(req)
	if err != nil {
		return assessment.Report{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, testBudget)
	defer cancel()
	test.execute(bounded)

	report := assessment.Report{
		ID: test.id, Kind: "access", ClaimLevel: test.claim, TestedAs: testedAs(req.Document, test.subject),
		TestedFrom: &t.Origin,
		StartedAt:  started.UTC(), Checks: test.checks, Leftovers: test.leftovers,
	}
	report.DurationMS = t.now().Sub(started).Milliseconds()
	return report.Concluded(), nil
}

// test is one test on its way.
type test struct {
	tester  *Tester
	request Request
	id      string
	subject string // the document's subject that the token is compared with
	claim   assessment.ClaimLevel
	// isKeyUnnamed is true where the token does not tell which key has signed it.
	isKeyUnnamed bool
	checks       []assessment.Check
	leftovers    []assessment.Leftover
	targets      []*target
}

func (t *Tester) newTest(req Request) (*test, error) {
	random := t.Random
	if random == nil {
		random = rand.Reader
	}
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return nil, fmt.Errorf("access test: %w", err)
	}
	r := &test{tester: t, request: req, id: id.String(), claim: assessment.ClaimFile,
		leftovers: []assessment.Leftover{}}
	for i, entry := range req.Document.Spec.Storage {
		probe, err := uuid.NewRandomFromReader(random)
		if err != nil {
			return nil, fmt.Errorf("access test: %w", err)
		}
		r.targets = append(r.targets, t.newTarget(r, i, entry, strings.ReplaceAll(probe.String(), "-", "")))
	}
	return r, nil
}

// execute runs token, exchange and containers, each layer only where the one before it holds.
func (r *test) execute(ctx context.Context) {
	cred, failed := r.exchange(ctx, cmp.Or(r.checkToken(), r.request.Blocked))
	if len(r.targets) == 0 {
		r.add(assessment.CheckOf("access.list", "list", diagnosis.New(diagnosis.CodeNoStorage)))
		return
	}
	var group errgroup.Group
	group.SetLimit(parallelContainers)
	for _, one := range r.targets {
		group.Go(func() error {
			one.look(ctx, cred, failed)
			return nil
		})
	}
	// The functions return no error.
	_ = group.Wait()
	for _, one := range r.targets {
		r.add(one.checks...)
		r.leftovers = append(r.leftovers, one.leftovers...)
		if one.reached {
			r.claim = assessment.ClaimAccess
		}
	}
}

func (r *test) add(checks ...assessment.Check) { r.checks = append(r.checks, checks...) }

func (t *Tester) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// normalise fills defaults and refuses what cannot be tested.
func normalise(req *Request) error {
	if err := Check(req.Mode, req.Access, req.Prefix); err != nil {
		return err
	}
	if req.Document.Status.ClientID == "" || req.Document.Spec.TenantID == "" {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNotProvisioned)}
	}
	if req.Mode == "" {
		req.Mode = ModeRoundtrip
	}
	req.Prefix = strings.TrimSuffix(req.Prefix, "/")
	return nil
}

// Check refuses what no integration can be tested for. The error is a *diagnosis.Error with the code of the first of
// Faults, and all of them.
func Check(mode Mode, wanted integration.Access, prefix string) error {
	findings := Faults(mode, wanted, prefix)
	if len(findings) == 0 {
		return nil
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(findings[0].Code, diagnosis.WithDetail("%s", findings[0].Detail),
		diagnosis.WithFindings(findings...))}
}

// Faults names every member that no test can have: invalid-mode, invalid-access, invalid-prefix. Empty values stand
// for the defaults. No value is repeated: somebody may have put a token into the wrong member.
func Faults(mode Mode, wanted integration.Access, prefix string) []diagnosis.Finding {
	var findings []diagnosis.Finding
	note := func(broken bool, code diagnosis.Code, pointer, detail, expected string) {
		if broken {
			findings = append(findings, diagnosis.Finding{Pointer: pointer, Code: code, Detail: detail,
				Expected: expected})
		}
	}
	note(mode != "" && mode != ModeRoundtrip && mode != ModeOracle, diagnosis.CodeInvalidMode, "/mode",
		"The mode is not known.", "oracle or roundtrip")
	note(wanted != "" && wanted != integration.AccessRead && wanted != integration.AccessReadWrite,
		diagnosis.CodeInvalidAccess, "/access", "The access is not known.", "read or readWrite")
	if redact.Text(prefix) != prefix {
		note(true, diagnosis.CodeInvalidPrefix, "/prefix",
			"The prefix looks like a token or another secret; a token belongs into subjectToken.",
			"a relative blob path")
		return findings
	}
	note(!isValidPrefix(strings.TrimSuffix(prefix, "/")), diagnosis.CodeInvalidPrefix, "/prefix",
		"A prefix is a relative path without empty or dot segments.", "a relative blob path")
	return findings
}

// maxPrefix is the longest prefix, in bytes; a blob name has at most 1024 characters.
const maxPrefix = 512

func isValidPrefix(prefix string) bool {
	if prefix == "" {
		return true
	}
	if len(prefix) > maxPrefix || prefix != redact.Printable(prefix) || strings.Contains(prefix, `\`) {
		return false
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment == "" || strings.Trim(segment, ".") == "" {
			return false
		}
	}
	return true
}

func testedAs(d integration.Document, subject string) *assessment.TestedAs {
	return &assessment.TestedAs{TenantID: d.Spec.TenantID, ClientID: d.Status.ClientID,
		ObjectID: d.Status.ServicePrincipalID,
		Issuer:   d.Spec.Issuer, Subject: subject, Audience: d.Spec.Audience}
}
