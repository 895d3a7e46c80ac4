package story

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// wiredSpec asks for the platform's side, under the patient's name.
func wiredSpec(p *patient) {
	p.spec["displayName"] = p.id
	p.spec["ddoe"] = map[string]any{"organizationId": dataloop.OrganizationID, "integration": true,
		"driver": map[string]any{"projectId": dataloop.ProjectID, "name": p.id}}
}

// onPlatform is the patient's integration or driver on the platform.
func (p *patient) onPlatform(kind string) map[string]any {
	p.t.Helper()
	all, _ := p.control(http.MethodGet, "/world", nil).at("ddoe." + kind + "s").([]any)
	i := slices.IndexFunc(all, func(one any) bool {
		return at(one, "id") == p.document.at("status.ddoe."+kind+"Id")
	})
	if i < 0 {
		p.t.Fatalf("the platform has no %s of %s", kind, p.id)
	}
	return all[i].(map[string]any)
}

func (p *patient) removeOnPlatform(kind string) {
	p.t.Helper()
	p.object("ddoe."+kind+"s", p.onPlatform(kind)["id"].(string), nil)
}

// changed changes a member on the platform by hand.
func changed(kind, member string, value any) func(*patient) {
	return func(p *patient) {
		p.t.Helper()
		p.change("ddoe."+kind+"s", p.onPlatform(kind), map[string]any{member: value})
	}
}

// copied puts a copy on the platform, without the members that are left out.
func copied(kind string, without ...string) func(*patient) {
	return func(p *patient) {
		p.t.Helper()
		other := maps.Clone(p.onPlatform(kind))
		other["id"] = uuid.NewString()
		for _, member := range without {
			delete(other, member)
		}
		p.object("ddoe."+kind+"s", other["id"].(string), other)
	}
}

// forEach does something with the integrations or drivers of the patient's name that are not the patient's.
func (p *patient) forEachOther(kind string, do func(map[string]any)) {
	p.t.Helper()
	all, _ := p.control(http.MethodGet, "/world", nil).at("ddoe." + kind + "s").([]any)
	for _, one := range all {
		o := one.(map[string]any)
		if o["name"] == p.id && o["id"] != p.document.at("status.ddoe."+kind+"Id") {
			do(o)
		}
	}
}

// platformRows are about the platform's side. All looks tell of it: no access test proves anything of it.
func platformRows() []row {
	var rows []row
	for _, c := range []struct {
		code, how string
		destroy   func(*patient)
	}{
		{"ddoe-driver-missing", "the driver is deleted", func(p *patient) { p.removeOnPlatform("driver") }},
		{"ddoe-driver-renamed", "the driver is renamed", changed("driver", "name", "theirs")},
		{"ddoe-integration-renamed", "the integration is renamed", changed("integration", "name", "theirs")},
		{"ddoe-integration-missing", "integration and driver are deleted", func(p *patient) {
			p.removeOnPlatform("driver")
			p.removeOnPlatform("integration")
		}},
		{"ddoe-integration-extra", "the integration is copied", copied("integration")},
	} {
		rows = append(rows, row{code: c.code, how: c.how, order: wiredSpec, bed: "platform", destroy: c.destroy,
			told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}})
	}
	return append(rows, row{code: "ddoe-driver-extra", how: "the driver is copied", order: wiredSpec, bed: "platform",
		destroy: copied("driver"), told: looks, other: map[string]seen{inOperation: {"", noPutNeeds}},
		mended: []mending{byHand("delete it on the platform", func(p *patient) {
			p.forEachOther("driver", func(o map[string]any) { p.object("ddoe.drivers", o["id"].(string), nil) })
		})}}, row{code: "ddoe-integration-foreign", how: "somebody has made another one in its place",
		order: wiredSpec, destroy: func(p *patient) {
			copied("integration", "metadata")(p)
			p.removeOnPlatform("driver")
			p.removeOnPlatform("integration")
		}, told: append([]string{inOperation}, looks...), mended: []mending{byHand("Else rename it",
			func(p *patient) {
				p.forEachOther("integration", func(o map[string]any) {
					p.change("ddoe.integrations", o, map[string]any{"name": "theirs " + p.id})
				})
				p.put()
			})}})
}

// platformAnswerRows are what the platform answers where the driver or the integration is changed.
func platformAnswerRows() []row {
	var rows []row
	for _, c := range []struct {
		refusal
		kind string
	}{
		{refusal{code: "ddoe-driver-refused", who: "caller", status: 400}, "driver"},
		{refusal{code: "ddoe-project-role-missing", who: "ddoe-admin", status: 403}, "driver"},
		{refusal{code: "ddoe-integration-refused", who: "operator", status: 400}, "integration"},
		{refusal{code: "ddoe-integration-name-taken", who: "ddoe-admin", status: 409}, "integration"},
		{refusal{code: "ddoe-organization-role-missing", who: "ddoe-admin", status: 403}, "integration"},
		{refusal{code: "ddoe-quota-reached", who: "ddoe-admin", status: 402}, "integration"},
		{refusal{code: "ddoe-unauthorized", who: "operator", status: 401}, "integration"},
		{refusal{code: "ddoe-unrecognised", who: "operator", status: 418}, "integration"},
	} {
		rows = append(rows, row{code: c.code, how: "the platform refuses to change the " + c.kind, order: wiredSpec,
			isPassing: true, destroy: func(p *patient) {
				changed(c.kind, "name", "theirs "+uuid.NewString())(p)
				p.disturb(c.asFault(`^gate\.`, "POST|PUT|PATCH", "/"+c.kind+"s"))
			}, told: []string{inOperation}, other: map[string]seen{inDrift: {"ddoe-" + c.kind + "-renamed",
				"a look changes nothing"}, inTest: {"ddoe-" + c.kind + "-renamed", "a test changes nothing"},
				inHealth: {"ddoe-" + c.kind + "-renamed", "a check changes nothing"}},
			mended: []mending{c.passes(repeated)}})
	}
	return rows
}

var unmade = seen{"federated-credential-missing", makesNothing}

// takenRows are about names and pairs that somebody else has taken.
func takenRows() []row {
	return []row{
		{code: "federated-credential-refused", how: "another credential has issuer and subject", bed: "beside",
			destroy: func(p *patient) {
				kind, own := p.credential()
				p.object(kind, own["id"].(string), nil)
				p.object(kind, uuid.NewString(), map[string]any{"applicationId": own["applicationId"],
					"name": "theirs", "issuer": own["issuer"], "subject": own["subject"],
					"audiences": []string{"api://theirs"}})
			}, told: everywhere,
			mended: []mending{byHand("remove the foreign one", func(p *patient) {
				removeCredentials(p)
				p.put()
			})}},
		{code: "federated-credential-limit", how: "there are twenty others", bed: "beside", destroy: func(p *patient) {
			kind, own := p.credential()
			p.object(kind, own["id"].(string), nil)
			for range 20 {
				id := uuid.NewString()
				p.object(kind, id, map[string]any{"applicationId": own["applicationId"], "name": "of-" + id,
					"issuer": "https://theirs.example", "subject": id,
					"audiences": []string{"api://AzureADTokenExchange"}})
			}
		}, told: []string{inOperation}, other: map[string]seen{inDrift: unmade, inTest: unmade, inHealth: unmade},
			mended: []mending{byHand("Remove credentials", func(p *patient) {
				removeCredentials(p)
				p.put()
			})}},
	}
}

// removeCredentials removes all federated credentials of the patient's application.
func removeCredentials(p *patient) {
	p.t.Helper()
	application := p.application()["id"]
	all, _ := p.control(http.MethodGet, "/world", nil).at("federatedIdentityCredentials").([]any)
	for _, one := range all {
		if at(one, "applicationId") == application {
			p.object("federatedIdentityCredentials", at(one, "id").(string), nil)
		}
	}
}
