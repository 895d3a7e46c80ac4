package provision

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// preconditions holds If-Match and If-None-Match against the stored version. A tombstone counts as absent.
func preconditions(d *integration.Document, in intent) error {
	exists := d != nil && d.Status.Phase != integration.PhaseDeleted
	current := ""
	if d != nil {
		current = d.ETag
	}
	switch {
	case in.ifMatch != "" && (!exists || !matches(in.ifMatch, current)):
		return refuse("precondition-failed")
	case in.ifNoneMatch != "" && exists && matches(in.ifNoneMatch, current):
		return refuse("precondition-failed")
	default:
		return nil
	}
}

// matches reports whether a header's list of entity tags names the version; quotes and weakness do not matter.
func matches(header, etag string) bool {
	plain := func(tag string) string { return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`) }
	if strings.TrimSpace(header) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(tag string) bool { return plain(tag) == plain(etag) })
}

// admitProvision refuses a change while a teardown runs.
func admitProvision(d *integration.Document) error {
	if d != nil && d.Status.Phase == integration.PhaseDeprovisioning {
		return refuse("deprovisioning")
	}
	return nil
}

// admitTeardown refuses to tear down what is not there. What is torn down may still be purged, once.
func admitTeardown(purge bool) func(*integration.Document) error {
	return func(d *integration.Document) error {
		switch {
		case d == nil:
			return refuseAbsent()
		case d.Status.Phase == integration.PhaseDeleted && !(purge && d.Status.ObjectID != ""):
			return refuse("integration-deleted")
		default:
			return nil
		}
	}
}

func refuseAbsent() error {
	refusal := refuse("integration-not-found")
	refusal.Err = integration.ErrNotFound
	return refusal
}

// applySpec writes a spec as the intent. Ids in the status stay: they tell what exists, and after a teardown what can
// be restored.
func (s *Service) applySpec(id string, spec integration.Spec) func(*integration.Document, bool) {
	return func(d *integration.Document, _ bool) {
		d.Spec = spec
		d.Status.Phase = integration.PhasePending
		d.Status.UniqueName = s.uniqueName(id)
		d.Status.Conditions = nil
	}
}

func applyTeardown(d *integration.Document, _ bool) { d.Status.Phase = integration.PhaseDeprovisioning }
