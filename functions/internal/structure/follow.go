package structure

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// consequence is what a check states where another check tells why: there is one thing to mend. Empty codes are any.
type consequence struct {
	check  string
	status diagnosis.Outcome
	of     string
	code   diagnosis.Code
}

// consequences are those between discovery and the structure, which look at the same things from two sides.
var consequences = []consequence{
	// a tenant that is nowhere, or in another cloud, is none that the service could see
	{checkTenant, diagnosis.OutcomeUnknown, discovery.CheckTenant, ""},
	{checkTenant, diagnosis.OutcomeUnknown, discovery.CheckCloud, ""},
	// nothing answers for an account that Azure does not know
	{discovery.CheckStorage, diagnosis.OutcomeUnknown, layer + "." + resource.StorageAccount,
		diagnosis.CodeStorageAccountNotFound},
	// rules that refuse us restrict who gets in
	{layer + "." + resource.StorageAccount, diagnosis.OutcomeWarn, discovery.CheckStorage,
		diagnosis.CodeNetworkRulesBlocked},
	// the container is one
	{discovery.CheckPublic, diagnosis.OutcomeFail, layer + "." + resource.Container, diagnosis.CodeContainerNotFound},
}

// followed are the checks with what follows from another one folded into that.
func followed(checks []assessment.Check) []assessment.Check {
	for _, c := range consequences {
		at := slices.IndexFunc(checks, func(one assessment.Check) bool {
			return one.ID == c.of && one.Status == diagnosis.OutcomeFail && (c.code == "" || one.Code == c.code)
		})
		if at < 0 {
			continue
		}
		for i, one := range checks {
			if one.ID == c.check && one.Status == c.status && one.DependsOn == "" {
				checks[i].DependsOn, checks[i].Target, checks[i].Remedy = c.of, checks[at].Target, nil
			}
		}
	}
	return checks
}
