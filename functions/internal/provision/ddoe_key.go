package provision

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// keyNotice is how long before its end the platform's API key is worth a warning.
const keyNotice = 30 * 24 * time.Hour

// Look makes one check of an integration; see health.Service.
type Look func(ctx context.Context, d integration.Document, proved bool) diagnosis.Report

// WatchKey adds to a look at an integration whose platform's side we keep whether the platform's API key ends soon. A key
// that does not say when it ends adds nothing.
func (s *Service) WatchKey(look Look) Look {
	return func(ctx context.Context, d integration.Document, proved bool) diagnosis.Report {
		report := look(ctx, d, proved)
		if check, ok := s.keyCheck(d); ok {
			report.Checks = append(report.Checks, check)
			report.Verdict = diagnosis.Summarise(report.Checks)
		}
		return report
	}
}

// keyCheck is the check of the API key; false where there is nothing to say.
func (s *Service) keyCheck(d integration.Document) (diagnosis.Check, bool) {
	if s.Platform == nil || !wantsPlatform(d.Spec) {
		return diagnosis.Check{}, false
	}
	expires, known := s.Platform.Client.KeyExpires()
	if !known {
		return diagnosis.Check{}, false
	}
	left := expires.Sub(s.now())
	if left > keyNotice {
		return diagnosis.Check{}, false
	}
	detail := "The key in DDOE_API_KEY ends at " + expires.Format(time.RFC3339) + "."
	if left <= 0 {
		detail = "The key in DDOE_API_KEY has ended at " + expires.Format(time.RFC3339) + "; the platform refuses it."
	}
	check := diagnosis.CheckOf("ddoe.key", "token", diagnosis.New("ddoe-api-key-expiring", diagnosis.WithDetail("%s", detail)))
	return check, true
}
