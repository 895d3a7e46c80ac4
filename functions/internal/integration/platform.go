package integration

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// ModeAPI is the mode of a platform's side that is made through its API.
const ModeAPI = "api"

// IsWanted reports whether the spec asks for an integration on the platform that this service makes or uses.
func (d *DDOE) IsWanted() bool { return d != nil && (d.Integration || d.IntegrationID != "") }

// ReplaceSpec makes s the document's spec; another one has the next generation. What a run of the old spec has begun
// on the platform may never have been written down, as the process may have died between a request and the record:
// what the status holds from now on is what is certain for the old spec and the new one.
func (d *Document) ReplaceSpec(s Spec) {
	old, typed := d.Spec, d.formHash()
	d.Spec = s
	if st := d.Status.DDOE; st != nil && st.Confirmed != nil && d.formHash() != typed {
		other := *st // others may hold the status
		other.Confirmed, other.ConfirmedHash = nil, ""
		d.Status.DDOE = &other
	}
	if !isEqualSpec(old, s) || d.Generation == 0 {
		d.Generation++
	}
	if old.DDOE.IsWanted() {
		d.keepWhatIsCertain(old)
	}
}

// isEqualSpec compares two resolved specs as they are stored.
func isEqualSpec(a, b Spec) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// keepWhatIsCertain leaves in the status of the platform's side what is certain for the old spec and the new one.
func (d *Document) keepWhatIsCertain(old Spec) {
	s := d.Spec
	var st DDOEStatus
	if d.Status.DDOE != nil {
		st = *d.Status.DDOE
	}
	if st.OrganizationID == "" {
		st.OrganizationID = old.DDOE.OrganizationID // something of ours may be there
	}
	if canOptionsDiffer(old, s) {
		st.OptionsHash = "" // the old ones may have been sent since
	}
	if old.DDOE.Driver != nil {
		st.Driver = certainDriver(st.Driver, old, s)
	}
	d.Status.DDOE = &st
}

// canOptionsDiffer reports whether the options of the platform's integration, which cannot be read back, may be
// others.
func canOptionsDiffer(a, b Spec) bool {
	sources := func(s Spec) [5]string {
		return [5]string{s.TenantID, s.Issuer, s.Audience, first(s.Subjects), first(s.Storage).ResourceID + " " +
			first(s.Storage).Container}
	}
	return sources(a) != sources(b)
}

func first[T any](all []T) T {
	var none T
	if len(all) == 0 {
		return none
	}
	return all[0]
}

// certainDriver is what is known of the driver that was sent: the project of the old spec, where a driver may have
// been made whose answer was lost, and what both specs agree on.
func certainDriver(sent *DDOEDriver, old, next Spec) *DDOEDriver {
	known := DDOEDriver{ProjectID: old.DDOE.Driver.ProjectID}
	if sent != nil {
		known = *sent
	}
	if next.DDOE == nil || next.DDOE.Driver == nil || *next.DDOE.Driver != *old.DDOE.Driver {
		known.Name, known.Path, known.AllowExternalDelete = "", nil, nil
	}
	if first(old.Storage).Container != first(next.Storage).Container {
		known.Container = nil
	}
	return &known
}

// maxPlatformText is the most characters of an id or a name of the platform.
const maxPlatformText = 256

// CheckPlatformID holds an id of the platform against what may become part of a URL. The
// platform alone knows more of it.
func CheckPlatformID(pointer string, code diagnosis.Code, detail, id string) []diagnosis.Finding {
	isAllowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if id != "" && strings.IndexFunc(id, func(r rune) bool { return !isAllowed(r) }) < 0 {
		return nil
	}
	return []diagnosis.Finding{{Pointer: pointer, Code: code, Detail: detail, Expected: "letters, digits, - and _",
		Actual: field.Actual(id),
		Remedy: "Copy the id from the platform's address bar."}}
}

// CheckPlatformText bounds a text for the platform, which may be left out.
func CheckPlatformText(pointer, value string) []diagnosis.Finding {
	if value == "" {
		return nil
	}
	return field.Printable("ddoe", maxPlatformText).Check(pointer, value)
}
