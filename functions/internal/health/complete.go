package health

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Completed adds to the report of an access test, whose token was for one subject, what such a test proves nothing of:
// the trust of other subjects, and what was made elsewhere. What the test could not tell is looked for in the whole
// structure: what that shows to be wrong is wrong, whatever kept the test from seeing it. What was refused is held
// against the structure, too. The verdict takes all in.
func Completed(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool,
	r assessment.Report) assessment.Report {
	return extended(ctx, kinds, d, propagated, r, func(i resource.Item, untold bool) bool {
		return untold || i.Apart || i.Subject != "" && (r.TestedAs == nil || i.Subject != r.TestedAs.Subject)
	})
}

// WithOthers adds to the report of an access test what was made elsewhere and, as Completed does, the structure of
// what it could not tell. It is about the token's own subject all the same.
func WithOthers(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool,
	r assessment.Report) assessment.Report {
	return extended(ctx, kinds, d, propagated, r, func(i resource.Item, untold bool) bool {
		isOwn := untold && r.TestedAs != nil && i.Subject == r.TestedAs.Subject
		return (untold || i.Apart) && (i.Subject == "" || isOwn)
	})
}

func extended(ctx context.Context, kinds []resource.Kind, d integration.Document, propagated bool, r assessment.Report,
	counts func(i resource.Item, untold bool) bool) assessment.Report {
	untold, isRefused := slices.ContainsFunc(r.Checks, isUnknown), slices.ContainsFunc(r.Checks, resource.IsRefusal)
	view := resource.View{Document: d, Apart: !untold && !isRefused, Told: untold}
	items := resource.Items(resource.Observe(ctx, kinds, view))
	explained, used := resource.Explained(r.Checks, resource.Checks(items, propagated))
	items = slices.DeleteFunc(items, func(i resource.Item) bool { return !counts(i, untold) })
	looks := resource.Checks(items, propagated)
	used = slices.DeleteFunc(used, func(c assessment.Check) bool { return slices.ContainsFunc(looks, c.IsSame) })
	r.Checks = resource.Blamed(d, slices.Concat(following(d, explained, items, propagated), used, looks))
	return r.Concluded()
}

// OfTest is what a completed report states of its test: the checks of that, and what those follow from.
func OfTest(completed, test assessment.Report) assessment.Report {
	counts := map[string]bool{}
	for _, c := range test.Checks {
		counts[c.ID] = true
	}
	for known := 0; known < len(counts); { // what they follow from may follow from something else
		known = len(counts)
		for _, c := range completed.Checks {
			if counts[c.ID] && c.DependsOn != "" {
				counts[c.DependsOn] = true
			}
		}
	}
	completed.Checks = slices.DeleteFunc(slices.Clone(completed.Checks), func(c assessment.Check) bool {
		return !counts[c.ID]
	})
	return completed.Concluded()
}

func isUnknown(c assessment.Check) bool { return c.Status == diagnosis.OutcomeUnknown }

// following are the checks of an access test, of which those that found no way to a storage account follow from that
// there is no such account.
func following(d integration.Document, checks []assessment.Check, items []resource.Item,
	propagated bool) []assessment.Check {
	gone := slices.DeleteFunc(slices.Clone(items), func(i resource.Item) bool {
		return i.Err == nil || !i.IsDecided() || i.Context.Scope == ""
	})
	checks = slices.Clone(checks)
	for n, entry := range d.Spec.Storage {
		scope := assignment.Wanted(d, entry).Scope
		at := slices.IndexFunc(gone, func(i resource.Item) bool { return strings.EqualFold(i.Context.Scope, scope) })
		if at < 0 {
			continue
		}
		root := resource.Checks(gone[at:at+1], propagated)[0]
		for i, c := range checks {
			if isUnknown(c) && c.Layer == "network" && c.Field == fmt.Sprintf("/storage/%d", n) {
				checks[i].DependsOn, checks[i].Target = root.ID, root.Target
			}
		}
	}
	return checks
}
