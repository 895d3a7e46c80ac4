package platform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	// QuirkListLag shows a new integration in the list only `ms` milliseconds after it was made, and QuirkDriverListLag a
	// new driver; read alone they are there.
	QuirkListLag       = "listLag"
	QuirkDriverListLag = "driverListLag"
	// QuirkDriverCountLag counts an integration's drivers as they were `ms` milliseconds ago: new ones not yet, and deleted
	// ones still. The list knows better.
	QuirkDriverCountLag = "driverCountLag"
	// QuirkCommandLag knows a new command only `ms` milliseconds after it was begun; until then it is not found.
	QuirkCommandLag = "commandLag"
	// QuirkIntegrationPatch leaves a member of an integration as it is and says 200 all the same: "keepsName",
	// "keepsMetadata" or "keepsType" (where the type is another, the options stay, too); "mindsOwnName" takes the
	// integration's own name, sent again, for a duplicate, where duplicates are refused.
	QuirkIntegrationPatch = "integrationPatch"
	// QuirkIntegrationAnswer shows "unmarked" integrations: of their metadata the platform's own entry alone, whatever was sent.
	QuirkIntegrationAnswer = "integrationAnswer"
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
	// QuirkUnknownPath answers a path that the API does not know as "notFound": 404 in the envelope. Without it the console's
	// page is served with 200.
	QuirkUnknownPath = "unknownPath"
	// QuirkIntegrationDelete answers the deletion of an integration with the "object" that is gone, or with "nothing" (204).
	// Without it the answer is the array of those that are left.
	QuirkIntegrationDelete = "integrationDelete"
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

// quirkShape is what a quirk takes besides its name. A quirk that takes one member requires it.
type quirkShape struct {
	members []string
	values  []string // what "value" may be; nil means anything
}

// quirkShapes are all quirks that there are.
func quirkShapes() map[string]quirkShape {
	plain, lag := quirkShape{}, quirkShape{members: []string{"ms"}}
	one := func(values ...string) quirkShape { return quirkShape{[]string{"value"}, values} }
	return map[string]quirkShape{
		QuirkDuplicate400: plain, QuirkDuplicate409: plain, QuirkRefuseDeleteInUse: plain, QuirkPatchReplaces: plain, QuirkRole401: plain,
		QuirkListLag: lag, QuirkDriverListLag: lag, QuirkDriverCountLag: lag, QuirkCommandLag: lag,
		QuirkValidation: {members: []string{"polls", "ms", "status", "error"}},
		QuirkReferences: one("string", "object"), QuirkDates: one("string", "number"), QuirkErrors: one("message", "text", "html"),
		QuirkIntegrationPatch:  one(keepsName, keepsMetadata, keepsType, mindsOwnName),
		QuirkIntegrationAnswer: one("unmarked"),
		QuirkDriverAnswer:      one("bare"), QuirkDriverCreate: one("ignoresExternalDelete"),
		QuirkDriverPatch: one("keepsIntegration", "keepsExternalDelete", "refusesIntegration"),
		QuirkDriverTest:  one("401", "403", "404", "409", "422", "424", "500", "503"),
		QuirkUnknownPath: one("notFound"), QuirkIntegrationDelete: one("object", "nothing"),
		QuirkSubject: one(),
	}
}

// quirkMeanings tells in one line what each quirk does.
func quirkMeanings() map[string]string {
	return map[string]string{
		QuirkDuplicate400:      "a second integration of a name is refused with 400",
		QuirkDuplicate409:      "a second integration of a name is refused with 409",
		QuirkReferences:        "org and creator of an integration are always shown so",
		QuirkDates:             "all dates are shown so",
		QuirkErrors:            "errors come without status, as plain text, or as a web page",
		QuirkValidation:        "validateDrivers takes so many polls or so long, or ends with that status and error",
		QuirkRefuseDeleteInUse: "an integration that drivers use is not deleted",
		QuirkPatchReplaces:     "an update replaces all options, and does not merge them",
		QuirkRole401:           "a missing role is 401, not 403",
		QuirkListLag:           "a new integration is listed only after so many ms",
		QuirkDriverListLag:     "a new driver is listed only after so many ms",
		QuirkDriverCountLag:    "an integration's drivers are counted as they were so many ms ago",
		QuirkCommandLag:        "a new command is not found for so many ms",
		QuirkIntegrationPatch:  "an update of an integration is answered 200, and that member stays; or its own name counts as taken",
		QuirkIntegrationAnswer: "integrations are shown without the metadata that they were sent",
		QuirkDriverAnswer:      "drivers are shown without integration, project and place",
		QuirkDriverCreate:      "a new driver may delete, whatever was sent",
		QuirkDriverPatch:       "an update of a driver is answered 200, and that member stays; or it is refused",
		QuirkDriverTest:        "the status of a storage test that fails; 400 without it",
		QuirkUnknownPath:       "an unknown path is answered 404 as JSON, not 200 with the console's page",
		QuirkIntegrationDelete: "a deleted integration is answered with itself or with 204, not with the list of what is left",
		QuirkSubject:           "the subject of the platform's own tokens, whatever the credential file says",
	}
}

// QuirkHelp lists the quirks for a human: name, members, meaning.
func QuirkHelp() string {
	var lines strings.Builder
	shapes, meanings := quirkShapes(), quirkMeanings()
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		shape := shapes[name]
		var members []string
		for _, member := range shape.members {
			members = append(members, strconv.Quote(member))
		}
		if len(shape.values) > 0 {
			members = []string{`"value": "` + strings.Join(shape.values, `" or "`) + `"`}
		}
		fmt.Fprintf(&lines, "  %-18s {%s}\n  %-18s %s\n", name, strings.Join(members, ", "), "", meanings[name])
	}
	return lines.String()
}

// given names the members that are set.
func (q Quirk) given() []string {
	var names []string
	for name, set := range map[string]bool{"value": q.Value != "", "polls": q.Polls != 0, "ms": q.MS != 0, "status": q.Status != "", "error": q.Error != ""} {
		if set {
			names = append(names, name)
		}
	}
	return names
}

// CheckQuirk returns a *strictjson.Error for a quirk that does not exist, or that has members which mean nothing to it.
func CheckQuirk(name string, body []byte) error {
	shape, known := quirkShapes()[name]
	if !known {
		return &strictjson.Error{Pointer: "/name", Member: "name", Detail: "there is no such quirk. The quirks are:\n" + QuirkHelp()}
	}
	var q Quirk
	if err := strictjson.Decode(body, &q); err != nil {
		return err
	}
	given := q.given()
	for _, member := range given {
		if !slices.Contains(shape.members, member) {
			return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: "the quirk takes none"}
		}
	}
	switch {
	case len(shape.members) == 1 && len(given) == 0:
		member := shape.members[0]
		return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: "is required"}
	case q.Value != "" && shape.values != nil && !slices.Contains(shape.values, q.Value):
		return &strictjson.Error{Pointer: "/value", Member: "value", Detail: "must be " + strings.Join(shape.values, " or ")}
	case q.Polls < 0 || q.MS < 0:
		return &strictjson.Error{Detail: "polls and ms must not be negative"}
	}
	return nil
}

// Values of QuirkIntegrationPatch.
const (
	keepsName     = "keepsName"
	keepsMetadata = "keepsMetadata"
	keepsType     = "keepsType"
	mindsOwnName  = "mindsOwnName"
)

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
