// Package judgement judges a credential file layer by layer, as deep as it is asked to: the file by itself, what the
// internet states of it, what Entra and Azure hold of it, and what the identity reaches that it names. A layer that
// finds fault stops what depends on it, and nothing else.
package judgement

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/structure"
)

// Depth is how deep a file is judged. Each depth includes the ones before.
type Depth string

// The depths.
const (
	DepthFile      Depth = "file"
	DepthDiscovery Depth = "discovery"
	DepthStructure Depth = "structure"
	DepthAccess    Depth = "access"
)

// Request is a file, and what is known beside it.
type Request struct {
	// Depth is DepthFile where it is empty.
	Depth Depth
	File  []byte
	Form  credential.Form
	// Account and Container name the storage that is looked at: a resource id or the URL of a blob endpoint, and a
	// name. Both may be empty, and are with DepthFile.
	Account, Container string
	// Access is what is to be done there; empty but with DepthStructure and deeper, and readWrite where it is empty
	// there.
	Access integration.Access
	// Token is the subject token, with DepthAccess alone. It is sent to Entra and to nobody else.
	Token entra.SubjectToken
}

// Service judges. It is safe for concurrent use.
type Service struct {
	Linter    credential.Linter
	Discovery *discovery.Service
	Structure *structure.Service
	Access    *access.Tester
}

// Begin returns the context of a request, whose files share the time that the looks and the tests may take, and what
// is fetched.
func Begin(ctx context.Context) context.Context { return discovery.Begin(ctx) }

// Judge judges a file. It repeats no secret. The error is a *diagnosis.Error about what names the storage, with a
// finding for each of /storage and /container that is faulty.
func (s *Service) Judge(ctx context.Context, r Request) (assessment.Report, error) {
	if r.Depth == DepthFile || r.Depth == "" {
		return s.Linter.Lint(r.File, r.Form), nil
	}
	switch r.Depth {
	case DepthDiscovery:
		return s.Discovery.Judge(ctx, r.File, r.Form, r.Account, r.Container)
	case DepthStructure:
		return s.Structure.Judge(ctx, r.toStructure())
	default:
		return s.withAccess(ctx, r)
	}
}

func (r Request) toStructure() structure.Request {
	return structure.Request{File: r.File, Form: r.Form, Account: r.Account, Container: r.Container, Access: r.Access}
}
