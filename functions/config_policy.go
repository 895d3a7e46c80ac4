package functions

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
)

// policy is what callers may ask for, by the setting and by what the other settings leave to it.
func (e *environment) policy(name string, c Config) entitlement.Policy {
	p, err := entitlement.New(e.text(name), entitlement.Defaults{Issuer: c.Issuer, SubjectTemplate: c.SubjectTemplate,
		Scopes: e.scopes("DATA_SCOPES"), OwnAccounts: e.ownAccounts(c)})
	if err != nil {
		e.fault(name, "must be a JSON list of grants, such as "+
			`[{"callers": ["role:Wif.Operate"], "access": "read"}]: `+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return p
}

// scopes are the resource groups in which the service may give access.
func (e *environment) scopes(name string) []string {
	var all []string
	for part := range strings.SplitSeq(e.text(name), ",") {
		id := strings.TrimSpace(part)
		if id == "" {
			continue
		}
		group, problem := armid.ParseResourceGroup(id)
		if problem != "" {
			e.fault(name, "must be ids of resource groups, split by commas: "+problem)
			return nil
		}
		all = append(all, group.String())
	}
	return all
}

// ownAccounts are the names of the storage accounts that the service keeps its state in, and of those that the
// deployment names, such as the host's.
func (e *environment) ownAccounts(c Config) []string {
	var all []string
	if u, err := url.Parse(c.StateStorageURL); err == nil {
		name, _, _ := strings.Cut(u.Hostname(), ".")
		all = append(all, name)
	}
	for name := range strings.SplitSeq(e.text("OWN_STORAGE_ACCOUNTS"), ",") {
		all = append(all, strings.ToLower(strings.TrimSpace(name)))
	}
	all = slices.DeleteFunc(all, func(name string) bool { return name == "" })
	slices.Sort(all)
	return slices.Compact(all)
}
