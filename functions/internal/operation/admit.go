package operation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// asker is who has asked for what is being done; zero where the app does it by itself.
func asker(ctx context.Context) caller.IDs {
	who, _ := caller.From(ctx)
	return who.IDs()
}

// admitCaller refuses what is another owner's. One who asks for a new integration learns that the id is taken, and
// nothing else.
func (w intent) admitCaller(ctx context.Context, stored records) error {
	err := integration.RefuseOthers(ctx, stored.document)
	if stored.unreadable != nil {
		err = integration.RefuseUnknown(ctx)
	}
	if err != nil && w.Creates {
		return Taken(err)
	}
	return err
}

// Taken is the refusal of an id that another owner's integration has; another error stays as it is.
func Taken(err error) error {
	if !errors.Is(err, integration.ErrOthers) {
		return err
	}
	taken := diagnosis.New(diagnosis.CodeIntegrationExists, diagnosis.WithDetail("The id is taken."))
	taken.Remedy.Steps = []string{"Choose another id, or have the integration's owner or an administrator send the " +
		"request."}
	return &diagnosis.Error{Diagnosis: taken, Err: err}
}

// admit holds caller, state and preconditions of the document against the intent.
func (w intent) admit(ctx context.Context, stored records) error {
	d := stored.document
	if err := w.admitCaller(ctx, stored); err != nil {
		return err
	}
	if stored.unreadable != nil {
		return w.admitUnreadable(stored.unreadable)
	}
	if d.Status.LastOperationID == w.OperationID && d.ETag != "" {
		return nil // our own write: they held when it was made
	}
	if err := w.Admit(known(d)); err != nil {
		return err
	}
	return w.Preconditions(d)
}

// Preconditions holds If-Match and If-None-Match against the stored version of the spec. A tombstone counts as absent.
func (in Intent) Preconditions(d integration.Document) error {
	if d.Status.Phase == integration.PhaseDeleted {
		return in.hold("")
	}
	return in.hold(integration.SpecVersion(d))
}

// hold holds If-Match and If-None-Match against a version; empty where there is none.
func (in Intent) hold(version string) error {
	exists := version != ""
	failed := func(format string, args ...any) error {
		return refuse(diagnosis.CodePreconditionFailed, diagnosis.WithDetail(format, args...))
	}
	switch {
	case in.IfMatch != "" && !exists:
		return failed("If-Match does not hold: the integration does not exist.")
	case in.IfMatch != "" && !isMatch(in.IfMatch, version):
		return failed("If-Match does not hold: the integration is another version, its ETag is now %q.",
			versionOf(version))
	case in.IfNoneMatch != "" && exists && strings.TrimSpace(in.IfNoneMatch) == "*":
		return failed("If-None-Match does not hold: the integration exists already, its ETag is %q.",
			versionOf(version))
	case in.IfNoneMatch != "" && exists && isMatch(in.IfNoneMatch, version):
		return failed("If-None-Match does not hold: the integration is still that version, its ETag is %q.",
			versionOf(version))
	default:
		return nil
	}
}

// versionOf is an entity tag without quotes and weakness.
func versionOf(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}

// isMatch reports whether a header's list of entity tags names the version; quotes and weakness do not matter.
func isMatch(header, etag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","),
		func(tag string) bool { return versionOf(tag) == versionOf(etag) })
}
