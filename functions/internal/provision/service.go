// Package provision brings an integration from intent to objects in Entra and Azure and back: submit a spec, plan it,
// run it, verify it, tear it down. Every write has a key that is derived from the integration, so any step may run
// twice and a crash between any two requests costs nothing. It rolls forward, never back, and it holds no state in
// memory between calls.
package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// Options are what the use cases need. All but those marked optional are required.
type Options struct {
	Repository *integration.Repository
	// Kinds are what an integration consists of outside the store, in the order in which they are made.
	Kinds    []resource.Kind
	Defaults resolve.Defaults
	// Policy is what callers may ask for.
	Policy entitlement.Policy
	// Claims keep a subject from being given identities by two owners.
	Claims *entitlement.Claims
	// Tester proves access as the federated identity. Optional: without it nothing is verified.
	Tester *access.Tester
	// TokenSource asks the platform for a subject token. Optional: without it only the platform's validation proves
	// access.
	TokenSource func(ctx context.Context, subject, audience string) (secret.Value, error)
	// Engine takes intents in, and tells of changes.
	Engine *operation.Engine
	// Watch is told what is seen of an integration, and looks itself.
	Watch Watch
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Log gets what an operator may want to see beside the invocation's line. Optional.
	Log *slog.Logger
}

// Watch looks after the health of integrations; *health.Service does.
type Watch interface {
	// Plan plans the checks of an integration. It may be repeated.
	Plan(ctx context.Context, d integration.Document) error
	// Note takes in what a test of access has found, in health and in the document.
	Note(ctx context.Context, d integration.Document, tested health.TestResult) error
	// AskIfOtherwise has an integration looked at soon where a look at the structure states another thing than is
	// known.
	AskIfOtherwise(ctx context.Context, d integration.Document, seen assessment.Report) error
}

// Service holds the use cases. Make one with New.
type Service struct{ Options }

// New returns the use cases. The error names what is missing.
func New(o Options) (*Service, error) {
	isMissing := map[string]bool{
		"Repository": o.Repository == nil, "Kinds": len(o.Kinds) == 0, "Engine": o.Engine == nil,
		"Watch": o.Watch == nil, "Claims": o.Claims == nil,
	}
	for _, name := range slices.Sorted(maps.Keys(isMissing)) {
		if isMissing[name] {
			return nil, fmt.Errorf("provision: %s is required", name)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Options: o}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC() }

// InstanceOf is the short id of the deployment that keeps its state there: whoever shares the state shares the objects
// made from it.
func InstanceOf(stateStorageURL string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(stateStorageURL)))
	return hex.EncodeToString(sum[:4])
}

// verifier is what proves access with the parts of this service.
func (s *Service) verifier() *verifier {
	return &verifier{kinds: s.Kinds, tester: s.Tester, tokenSource: s.TokenSource, now: s.now, watch: s.Watch}
}

// refuse makes the error of a request that is not carried out.
func refuse(code diagnosis.Code, opts ...diagnosis.Option) *diagnosis.Error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
}
