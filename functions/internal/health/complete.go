package health

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Completed adds to the report of an access test, whose token was for one subject, what such a test proves nothing of:
// the trust of other subjects, and what was made elsewhere. The verdict takes them in.
func Completed(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool,
	r assessment.Report) assessment.Report {
	return extended(ctx, kinds, d, propagated, r, func(i resource.Item) bool {
		return i.Apart || i.Subject != "" && (r.TestedAs == nil || i.Subject != r.TestedAs.Subject)
	})
}

// WithOthers adds to the report of an access test what was made elsewhere. It is about the token's own subject all the
// same.
func WithOthers(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool,
	r assessment.Report) assessment.Report {
	return extended(ctx, kinds, d, propagated, r, func(i resource.Item) bool { return i.Apart && i.Subject == "" })
}

func extended(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool, r assessment.Report,
	counts func(resource.Item) bool) assessment.Report {
	items := resource.Items(resource.Observe(ctx, kinds, resource.View{Document: d, Apart: true}))
	items = slices.DeleteFunc(items, func(i resource.Item) bool { return !counts(i) })
	if len(items) == 0 {
		return r
	}
	r.Checks = slices.Concat(r.Checks, resource.Checks(items, propagated))
	return r.Concluded()
}
