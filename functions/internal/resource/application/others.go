package application

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// certificates are what a look that is told to people reads besides. Others go without: the directory takes few such
// reads.
func certificates(v resource.View) []string {
	if v.Told {
		return []string{graph.MemberKeyCredentials}
	}
	return nil
}

// tellMembersOfOthers shows what somebody else has set on the application that decides who gets in as it.
func tellMembersOfOthers(item *resource.Item, app graph.Application) {
	tellLogins(item, app.LoginCredentials)
	all := app.Disablings()
	tellDisablings(item, all)
	if len(all) > 0 && item.Code != diagnosis.CodeApplicationReplaced {
		item.Code = diagnosis.CodeClientDisabled
	}
}

// tellDisablings shows what ends the issue of tokens.
func tellDisablings(item *resource.Item, all []graph.Disabling) {
	for _, one := range all {
		theirs(item, one.Member, one.Unset, one.Have)
	}
}

// tellLogins shows the secrets and certificates by which somebody gets in without a federated credential.
func tellLogins(item *resource.Item, logins graph.LoginCredentials) {
	for _, m := range []struct {
		name string
		all  []graph.LoginCredential
	}{{"passwordCredentials", logins.PasswordCredentials}, {graph.MemberKeyCredentials, logins.KeyCredentials}} {
		if len(m.all) == 0 {
			continue
		}
		names := make([]string, len(m.all))
		for i, one := range m.all {
			if names[i] = one.KeyID; one.DisplayName != "" {
				names[i] = one.DisplayName + " (" + one.KeyID + ")"
			}
		}
		slices.Sort(names)
		theirs(item, m.name, "", joined(names))
		if item.Code == "" || item.Code == diagnosis.CodeApplicationChanged {
			item.Code = diagnosis.CodeLoginCredentialExtra
		}
	}
}

func theirs(item *resource.Item, member, want, have string) {
	item.Differences = append(item.Differences,
		diagnosis.MemberDifference{Member: member, Want: want, Have: have, Owner: diagnosis.OwnerOther})
}
