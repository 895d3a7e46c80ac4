package platform

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// integrationView shows an integration without its options. Alone tells whether it is read alone.
func (g *gate) integrationView(o world.Object, alone bool) world.Object {
	id := text(o, "id")
	view := world.Object{"id": id, "name": text(o, "name"), "type": text(o, "type"),
		"org": g.reference(world.DDOEOrganizations, text(o, "org"), alone), "creator": g.reference(world.DDOEUsers, text(o, "creator"), alone),
		"createdAt": g.integrationDate(o, "createdAt"), "updatedAt": g.integrationDate(o, "updatedAt"),
		"url": "https://" + GateHost + "/api/v1/integrations/" + id, "metadata": []any{}}
	entries, _ := o["metadata"].([]any)
	shown := make([]any, 0, len(entries))
	for _, one := range entries {
		entry, ok := one.(world.Object)
		if ok && (text(entry, "name") == "status" || g.value(QuirkIntegrationAnswer) != "unmarked") {
			entry["createdAt"], entry["updatedAt"] = g.integrationDate(entry, "createdAt"), g.integrationDate(entry, "updatedAt")
			shown = append(shown, entry)
		}
	}
	view["metadata"] = shown
	return view
}

func (g *gate) integrationDate(o world.Object, member string) any {
	ms, ok := number(o, member)
	if !ok {
		return g.date(g.world.Now(), false)
	}
	return g.date(time.UnixMilli(ms), false)
}

// reference is an id, or the whole object.
func (g *gate) reference(kind, id string, asObject bool) any {
	switch g.value(QuirkReferences) {
	case "string":
		asObject = false
	case "object":
		asObject = true
	}
	if !asObject {
		return id
	}
	o, ok := g.world.DDOEObject(kind, id)
	switch {
	case !ok:
		return world.Object{"id": id}
	case kind == world.DDOEUsers:
		return g.userView(o)
	}
	return o
}

func metadataEntry(integration, name, value string, now time.Time) world.Object {
	return world.Object{"id": uuid.NewString(), "name": name, "value": value, "integration": integration,
		"createdAt": now.UnixMilli(), "updatedAt": now.UnixMilli()}
}

// setMetadata changes the entry of that id, or of that name, or adds one.
func setMetadata(integration world.Object, id, name, value string, now time.Time) {
	entries, _ := integration["metadata"].([]any)
	for _, one := range entries {
		entry, _ := one.(world.Object)
		if entry != nil && (id != "" && text(entry, "id") == id || id == "" && text(entry, "name") == name) {
			entry["name"], entry["value"], entry["updatedAt"] = name, value, now.UnixMilli()
			return
		}
	}
	integration["metadata"] = append(entries, metadataEntry(text(integration, "id"), name, value, now))
}

// asText is a metadata value as the platform keeps it.
func asText(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	raw, err := json.Marshal(value)
	if err != nil { // it came from JSON
		return ""
	}
	return string(raw)
}
