package platform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Quirks are ways of the real API that are reported, possible or unknown, and that a fault on single requests cannot
// show. Each is an object of the kind ddoe.quirks by one of these names; DELETE switches it off.
const (
	// QuirkDuplicate400 and QuirkDuplicate409 refuse a second integration of a name, each in its own words. Without
	// either there may be as many as one likes.
	QuirkDuplicate400 = "duplicate400"
	QuirkDuplicate409 = "duplicate409"
	// QuirkReferences shows `org` and `creator` of an integration always as "string" or always as "object". Without it they
	// are strings where one is made, changed or listed, and objects where one is read alone.
	QuirkReferences = "references"
	// QuirkDates shows all dates as "string" or all as "number". Without it integrations and commands have numbers,
	// drivers strings.
	QuirkDates = "dates"
	// QuirkErrors words errors as "message" (no member status), "text" (plain text) or "html".
	QuirkErrors = "errors"
	// QuirkValidation makes validateDrivers slow: the first `polls` polls, and all within `ms` milliseconds, find it at
	// work. `status` ends it that way ("failed", "timeout", …) whatever the truth, with `error`.
	QuirkValidation = "validation"
	// QuirkRefuseDeleteInUse refuses to delete an integration that drivers use. Without it they lose their access.
	QuirkRefuseDeleteInUse = "refuseDeleteInUse"
	// QuirkPatchReplaces takes the options of an update for all that there are. Without it they are merged.
	QuirkPatchReplaces = "patchReplaces"
	// QuirkRole401 refuses a user's role with 401 and not with 403.
	QuirkRole401 = "role401"
	// QuirkListLag shows a new integration in the list only `ms` milliseconds after it was made; read alone it is there.
	QuirkListLag = "listLag"
	// QuirkDriverAnswer shows "bare" drivers: no more than the API's description requires, without integration, project and
	// place.
	QuirkDriverAnswer = "driverAnswer"
	// QuirkDriverCreate makes drivers as if allowExternalDelete had not been sent ("ignoresExternalDelete"): it is then true.
	QuirkDriverCreate = "driverCreate"
	// QuirkDriverPatch leaves a member of a driver as it is and says 200 all the same: "keepsIntegration" or
	// "keepsExternalDelete"; or it refuses a body that has the integration: "refusesIntegration".
	QuirkDriverPatch = "driverPatch"
	// QuirkDriverTest is the status with which a failed test of storage is answered; 400 without it.
	QuirkDriverTest = "driverTest"
	// QuirkSubject is the subject that the platform's own tokens have, whatever the credential file says.
	QuirkSubject = "subject"
)

// Quirk is the object that switches one on.
type Quirk struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Polls  int    `json:"polls"`
	MS     int    `json:"ms"`
	Status string `json:"status"`
	Error  string `json:"error"`
}

// quirkValues are the values that each quirk takes; nil means none, an empty list any.
func quirkValues() map[string][]string {
	return map[string][]string{
		QuirkDuplicate400: nil, QuirkDuplicate409: nil, QuirkRefuseDeleteInUse: nil, QuirkPatchReplaces: nil, QuirkRole401: nil,
		QuirkValidation: nil, QuirkListLag: nil,
		QuirkReferences: {"string", "object"}, QuirkDates: {"string", "number"}, QuirkErrors: {"message", "text", "html"},
		QuirkDriverAnswer: {"bare"}, QuirkDriverCreate: {"ignoresExternalDelete"},
		QuirkDriverPatch: {"keepsIntegration", "keepsExternalDelete", "refusesIntegration"},
		QuirkDriverTest:  {"401", "403", "409", "422", "424", "500", "503"},
		QuirkSubject:     {},
	}
}

// QuirkHelp lists the quirks and their members for a human, one a line.
func QuirkHelp() string {
	var lines strings.Builder
	values := quirkValues()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		members := "{}"
		switch {
		case name == QuirkValidation:
			members = `{"polls", "ms", "status", "error"}`
		case name == QuirkListLag:
			members = `{"ms"}`
		case values[name] != nil:
			members = `{"value": "` + strings.Join(values[name], `" or "`) + `"}`
		}
		fmt.Fprintf(&lines, "  %-18s %s\n", name, members)
	}
	return lines.String()
}

// CheckQuirk returns a *strictjson.Error for a quirk that does not exist, or that has members which mean nothing to it.
func CheckQuirk(name string, body []byte) error {
	allowed, known := quirkValues()[name]
	if !known {
		return &strictjson.Error{Pointer: "/name", Member: "name", Detail: "there is no such quirk. The quirks are:\n" + QuirkHelp()}
	}
	var q Quirk
	if err := strictjson.Decode(body, &q); err != nil {
		return err
	}
	switch {
	case allowed == nil && q.Value != "":
		return &strictjson.Error{Pointer: "/value", Member: "value", Detail: "the quirk takes none"}
	case allowed != nil && q.Value == "", len(allowed) > 0 && !slices.Contains(allowed, q.Value):
		return &strictjson.Error{Pointer: "/value", Member: "value", Detail: "is required: " + strings.Join(allowed, " or ")}
	case name != QuirkValidation && (q.Polls != 0 || q.Status != "" || q.Error != ""):
		return &strictjson.Error{Detail: "polls, status and error belong to the quirk " + QuirkValidation}
	case name != QuirkValidation && name != QuirkListLag && q.MS != 0:
		return &strictjson.Error{Detail: "ms belongs to the quirks " + QuirkValidation + " and " + QuirkListLag}
	case name == QuirkListLag && q.MS == 0:
		return &strictjson.Error{Pointer: "/ms", Member: "ms", Detail: "is required"}
	case q.Polls < 0 || q.MS < 0:
		return &strictjson.Error{Detail: "polls and ms must not be negative"}
	}
	return nil
}

// quirk returns a quirk's object, nil where it is off.
func (g *gate) quirk(name string) world.Object {
	o, _ := g.world.DDOEObject(world.DDOEQuirks, name)
	return o
}

func (g *gate) has(name string) bool { return g.quirk(name) != nil }

// value is the quirk's value, "" where it is off.
func (g *gate) value(name string) string { return text(g.quirk(name), "value") }

// date is a time as the API shows it: a number of milliseconds, or text.
func (g *gate) date(t time.Time, asText bool) any {
	switch g.value(QuirkDates) {
	case "string":
		asText = true
	case "number":
		asText = false
	}
	if asText {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UnixMilli()
}

// text is a member's value if it is a string, else "".
func text(o world.Object, member string) string {
	s, _ := o[member].(string)
	return s
}

// number is a member's value as a whole number, however it came into the world.
func number(o world.Object, member string) (int64, bool) {
	switch n := o[member].(type) {
	case float64:
		return int64(n), true
	case int64:
		return n, true
	case int:
		return int64(n), true
	}
	return 0, false
}

// members is a member's value if it is an object, else nil.
func members(o world.Object, member string) world.Object {
	m, _ := o[member].(world.Object)
	return m
}
