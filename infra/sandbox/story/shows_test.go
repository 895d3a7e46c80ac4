package story

import "net/http"

// sight is a command that looks: it prints what its reader is to see. What was broken is then mended by hand.
type sight struct {
	code, look string
	destroy    func(*terminal, answer)
	prints     string
	mend       func(*terminal, answer)
}

// answer has requests meet a refusal until the faults are taken away.
func (t *terminal) answer(all ...map[string]any) {
	t.t.Helper()
	faults := make([]any, len(all))
	for i, f := range all {
		f["times"] = -1
		faults[i] = f
	}
	t.control(http.MethodPut, "/faults", faults)
}

// tokenRefused is Entra's refusal of the subject token by a number.
func tokenRefused(number string) map[string]any {
	return refusal{status: http.StatusBadRequest, says: number}.asFault(`^login\.`, http.MethodPost, "")
}

// unseen has Entra refuse by a number while the app may not look at the credentials.
func unseen(code, number string) sight {
	return sight{code: code, look: "access", destroy: func(t *terminal, _ answer) {
		t.answer(tokenRefused(number), refusal{status: http.StatusForbidden, says: "Authorization_RequestDenied"}.
			asFault(`^graph\.`, http.MethodGet, "federatedIdentityCredentials"),
			refusal{status: http.StatusForbidden, says: "AuthorizationFailed"}.
				asFault(`^management\.`, http.MethodGet, "federatedIdentityCredentials"))
	}, prints: subject, mend: nothing}
}

func nothing(*terminal, answer) {}

// sights are the commands that look, as reports print them.
func sights() []sight {
	const theirs = "99999999-0000-4000-8000-000000000001"
	images := map[string]any{"containers": []any{map[string]any{"name": "images"}}}
	return []sight{
		unseen("credential-mismatch", "70021"), unseen("credential-issuer-mismatch", "700211"),
		unseen("credential-audience-mismatch", "700212"), unseen("credential-subject-mismatch", "700213"),
		unseen("credential-subject-case-mismatch", "7002138"), unseen("credential-flexible-unsupported", "7002131"),
		{"credential-ambiguous", "access", func(t *terminal, _ answer) { t.answer(tokenRefused("700263")) }, subject,
			nothing},
		{"role-not-effective", "access", func(t *terminal, _ answer) {
			t.object("denyAssignments", theirs, map[string]any{"scope": t.account("acmedata"), "dataActions": []string{
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"}})
		}, theirs, func(t *terminal, _ answer) { t.object("denyAssignments", theirs, nil) }},
		{"network-rules-blocked", "access", func(t *terminal, _ answer) {
			t.object("storageAccounts", "acmedata", map[string]any{"firewallClosed": true,
				"containers": images["containers"]})
		}, "networkRuleSet", func(t *terminal, _ answer) { t.object("storageAccounts", "acmedata", images) }},
		{"role-assignment-extra", "drift", func(t *terminal, d answer) {
			t.object("roleAssignments", theirs, map[string]any{"scope": t.account("acmedata") +
				"/blobServices/default/containers/images", "principalId": d.at("status.servicePrincipalId"),
				"roleDefinitionId": roleID(t.t, "Storage Blob Data Reader")})
		}, "Storage Blob Data Reader", func(t *terminal, _ answer) { t.object("roleAssignments", theirs, nil) }},
		{"federated-credential-extra", "drift", func(t *terminal, d answer) {
			kind, id, more := credentials(d), theirs, map[string]any{"issuer": "https://theirs.example",
				"subject": "them", "audiences": []string{"api://AzureADTokenExchange"}}
			if identity := str(d, "status.identity.resourceId"); identity != "" {
				id = identity + "/federatedIdentityCredentials/theirs"
			} else {
				more["applicationId"], more["name"] = d.at("status.objectId"), "theirs"
			}
			t.object(kind, id, more)
		}, "theirs", func(t *terminal, d answer) {
			id := theirs
			if identity := str(d, "status.identity.resourceId"); identity != "" {
				id = identity + "/federatedIdentityCredentials/theirs"
			}
			t.object(credentials(d), id, nil)
		}},
		{"storage-account-not-found", "drift", func(t *terminal, _ answer) {
			t.object("storageAccounts", "acmedata", nil)
		}, "acmelocked", func(t *terminal, _ answer) {
			t.object("storageAccounts", "acmedata", images)
			t.put(t.spec("images"))
		}},
	}
}
