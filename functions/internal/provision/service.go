// Package provision brings an integration from intent to objects in Entra and Azure and back: submit a spec, plan it,
// run it, verify it, tear it down. Every write is keyed (application by uniqueName, service principal by appId,
// credential by name, role assignment by a derived GUID), so any step may run twice and a crash between any two
// requests costs nothing. It rolls forward, never back, and it holds no state in memory between calls.
package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// Service holds the use cases. All fields but those marked optional are required.
type Service struct {
	Repository *integration.Repository
	Graph      *graph.Client
	ARM        *arm.Client
	Defaults   integration.Defaults
	// Tester proves access as the federated identity. Optional: without it nothing is verified.
	Tester *access.Tester
	// TokenSource asks the platform for a subject token. Optional: without it only the platform's validation proves access.
	TokenSource func(ctx context.Context, subject, audience string) (secret.Value, error)
	// PlatformKey is the API key that TokenSource and Platform send, to warn before it ends. Optional: without it nobody is warned.
	PlatformKey secret.Value
	// Platform makes integrations and drivers on the platform. Optional: without it a person does.
	Platform *Platform
	// Engine takes wishes in, and tells of changes.
	Engine *operation.Engine
	// Schedule plans the health checks of what is being provisioned.
	Schedule func(ctx context.Context, d integration.Document) error
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Sleep waits between attempts; it returns early with the context's error. A timer where nil.
	Sleep func(ctx context.Context, d time.Duration) error
	// Instance is the short id of this deployment, part of each uniqueName.
	Instance string
	// Log gets what an operator may want to see beside the invocation's line. Optional.
	Log *slog.Logger
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

func (s *Service) sleep(ctx context.Context, d time.Duration) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (s *Service) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// InstanceOf is the short id of the deployment that keeps its state there: whoever shares the state shares the objects
// made from it.
func InstanceOf(stateStorageURL string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(stateStorageURL)))
	return hex.EncodeToString(sum[:4])
}

// uniqueName is the key of the integration's application.
func (s *Service) uniqueName(id string) string { return "ddoe-wif-" + s.Instance + "-" + id }

// verifies reports whether access can be proved by this deployment.
func (s *Service) verifies() bool { return s.Tester != nil && s.TokenSource != nil }

// refuse makes the error of a request that is not carried out.
func refuse(code diagnosis.Code, opts ...diagnosis.Option) *diagnosis.Error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
}
