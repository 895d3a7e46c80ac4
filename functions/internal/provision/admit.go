package provision

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// preconditions holds If-Match and If-None-Match against the stored version. A tombstone counts as absent.
func preconditions(d *integration.Document, in intent) error {
	exists := d != nil && d.Status.Phase != integration.PhaseDeleted
	failed := func(format string, args ...any) error {
		return refuse(diagnosis.CodePreconditionFailed, diagnosis.WithDetail(format, args...))
	}
	switch {
	case in.ifMatch != "" && !exists:
		return failed("If-Match does not hold: the integration does not exist.")
	case in.ifMatch != "" && !matches(in.ifMatch, d.ETag):
		return failed("If-Match does not hold: the integration is another version, its ETag is now %q.", versionOf(d.ETag))
	case in.ifNoneMatch != "" && exists && strings.TrimSpace(in.ifNoneMatch) == "*":
		return failed("If-None-Match does not hold: the integration exists already, its ETag is %q.", versionOf(d.ETag))
	case in.ifNoneMatch != "" && exists && matches(in.ifNoneMatch, d.ETag):
		return failed("If-None-Match does not hold: the integration is still that version, its ETag is %q.", versionOf(d.ETag))
	default:
		return nil
	}
}

// versionOf is an entity tag without quotes and weakness.
func versionOf(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}

// matches reports whether a header's list of entity tags names the version; quotes and weakness do not matter.
func matches(header, etag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(tag string) bool { return versionOf(tag) == versionOf(etag) })
}

// admitProvision refuses a change while a teardown runs.
func admitProvision(d *integration.Document) error {
	if d != nil && d.Status.Phase == integration.PhaseDeprovisioning {
		return refuse(diagnosis.CodeDeprovisioning)
	}
	return nil
}

// admitTeardown refuses to tear down what is not there. What is torn down may still be purged, once.
func admitTeardown(purge bool) func(*integration.Document) error {
	return func(d *integration.Document) error {
		switch {
		case d == nil:
			return integration.Absent(nil)
		case d.Status.Phase == integration.PhaseDeleted && !(purge && d.Status.ObjectID != ""):
			return integration.Absent(d)
		default:
			return nil
		}
	}
}

// applySpec writes a spec as the intent. Ids in the status stay: they tell what exists, and after a teardown what can
// be restored.
func (s *Service) applySpec(id string, spec integration.Spec) func(*integration.Document, bool) {
	return func(d *integration.Document, _ bool) {
		same := equalSpec(d.Spec, spec)
		d.Spec = spec
		d.Status.UniqueName = s.uniqueName(id)
		if same && made(*d) {
			return // nothing is known to have changed: the run looks, and says so where something has
		}
		d.Status.Phase = integration.PhasePending
		d.Status.Conditions = nil
	}
}

// made reports whether everything that the spec asks for is known to exist.
func made(d integration.Document) bool {
	return d.Status.Phase == integration.PhaseProvisioned || d.Status.Phase == integration.PhaseUsable
}

// equalSpec compares two resolved specs as they are stored.
func equalSpec(a, b integration.Spec) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

func applyTeardown(d *integration.Document, _ bool) { d.Status.Phase = integration.PhaseDeprovisioning }
