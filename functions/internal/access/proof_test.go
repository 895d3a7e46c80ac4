package access_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestUnproved: a spec is proved where each right of each entry has passed, and only there. A right that was skipped,
// warned about or never looked at proves nothing.
func TestUnproved(t *testing.T) {
	t.Parallel()
	const first, second = "https://acmedata.blob.core.windows.net/images",
		"https://acmedata.blob.core.windows.net/archive"
	everything := []string{"access.write", "access.read", "access.list", "access.delete"}
	proof := func() assessment.Report {
		var r assessment.Report
		for _, target := range []string{first, second} {
			for _, id := range everything {
				r.Checks = append(r.Checks, assessment.Check{ID: id, Target: target, Status: diagnosis.OutcomePass})
			}
		}
		return r
	}
	tester := &access.Tester{}
	for wanted, needed := range map[integration.Access][]string{
		integration.AccessRead: {"access.read", "access.list"}, "": {"access.read", "access.list"},
		integration.AccessReadWrite: everything} {
		spec := integration.Spec{}
		for _, container := range []string{"images", "archive"} {
			spec.Storage = append(spec.Storage, integration.StorageAccess{ResourceID: world.DataAccountID,
				Container: container, Access: wanted})
		}
		d, unproved := tester.Unproved(spec, proof())
		assert.False(t, unproved, wanted)
		assert.Empty(t, d)
		assert.True(t, tester.IsProof(spec, proof().Concluded()))
		for i, check := range proof().Checks {
			for _, status := range []diagnosis.Outcome{diagnosis.OutcomeSkip, diagnosis.OutcomeFail,
				diagnosis.OutcomeWarn, diagnosis.OutcomeUnknown} {
				r := proof()
				r.Checks[i].Status, r.Checks[i].Code = status, diagnosis.CodeImmutableContainer
				d, unproved = tester.Unproved(spec, r)
				isNeeded := slices.Contains(needed, check.ID)
				assert.Equal(t, isNeeded, unproved, "%s: %s %s", wanted, check.ID, status)
				isWrong := status == diagnosis.OutcomeFail || status == diagnosis.OutcomeUnknown
				assert.Equal(t, !isNeeded && !isWrong, tester.IsProof(spec, r.Concluded()), "a needless right, too")
				if isNeeded {
					assert.Equal(t, diagnosis.CodeImmutableContainer, d.Code)
				}
			}
			r := proof()
			r.Checks = slices.Delete(r.Checks, i, i+1)
			_, unproved = tester.Unproved(spec, r)
			assert.Equal(t, slices.Contains(needed, check.ID), unproved, "%s: without %s", wanted, check.ID)
		}
	}
}

// TestWhyItIsUnproved: the reason is that of the check which the missing one depends on, else its own, else the
// report's. What asks for nothing is not proved by anything.
func TestWhyItIsUnproved(t *testing.T) {
	t.Parallel()
	const target = "https://acmedata.blob.core.windows.net/images"
	spec := integration.Spec{Storage: []integration.StorageAccess{{ResourceID: world.DataAccountID,
		Container: "images"}}}
	exchange := assessment.Check{ID: "exchange.token", Status: diagnosis.OutcomeFail,
		Code: diagnosis.CodeIdentityMissing}
	network := assessment.Check{ID: "access.network", Target: target, Status: diagnosis.OutcomeFail,
		Code: diagnosis.CodeNetworkRulesBlocked}
	elsewhere := network
	elsewhere.Target, elsewhere.Code = target+"x", diagnosis.CodeNetworkDNS
	skipped := func(dependsOn string, code diagnosis.Code) assessment.Check {
		return assessment.Check{ID: "access.read", Target: target, Status: diagnosis.OutcomeSkip, DependsOn: dependsOn,
			Code: code}
	}
	for name, tc := range map[string]struct {
		checks []assessment.Check
		want   diagnosis.Code
	}{
		"of the same target": {[]assessment.Check{exchange, elsewhere, network, skipped("access.network", "")},
			"network-rules-blocked"},
		"of another target": {[]assessment.Check{elsewhere, skipped("access.network", "")}, "network-dns"},
		"its own": {[]assessment.Check{exchange, skipped("", "immutable-container")},
			"immutable-container"},
		"its own beside one without": {[]assessment.Check{skipped("access.read", "immutable-container")},
			"immutable-container"},
		"the report's":     {[]assessment.Check{exchange}, "identity-missing"},
		"of the exchange":  {[]assessment.Check{exchange, skipped("exchange.token", "")}, "identity-missing"},
		"nothing is known": {nil, "unrecognised"},
	} {
		d, unproved := (&access.Tester{}).Unproved(spec, assessment.Report{Checks: tc.checks})
		assert.True(t, unproved, name)
		assert.Equal(t, tc.want, d.Code, name)
	}
	passed := assessment.Report{Checks: []assessment.Check{{ID: "exchange.token", Status: diagnosis.OutcomePass}}}
	d, unproved := (&access.Tester{}).Unproved(integration.Spec{}, passed)
	assert.True(t, unproved, "a spec without storage")
	assert.NotEmpty(t, d.Code)
}

// TestProofIsOfThisCloud: the suffix of the account's host is that of the tester, with or without its dot. What passes
// at the account of that name in another cloud proves nothing.
func TestProofIsOfThisCloud(t *testing.T) {
	t.Parallel()
	spec := integration.Spec{Storage: []integration.StorageAccess{{ResourceID: "/x/ACME", Container: "c"}}}
	hosts := map[string]string{"": "acme.blob.core.windows.net",
		"blob.core.usgovcloudapi.net": "acme.blob.core.usgovcloudapi.net",
		".blob.core.chinacloudapi.cn": "acme.blob.core.chinacloudapi.cn",
		"z7.blob.storage.azure.net":   "acme.z7.blob.storage.azure.net"}
	for suffix, ours := range hosts {
		for _, host := range hosts {
			var r assessment.Report
			for _, id := range []string{"access.read", "access.list"} {
				r.Checks = append(r.Checks, assessment.Check{ID: id, Status: diagnosis.OutcomePass,
					Target: "https://" + host + "/c"})
			}
			_, unproved := (&access.Tester{BlobEndpointSuffix: suffix}).Unproved(spec, r)
			assert.Equal(t, host != ours, unproved, "%s with %q", host, suffix)
		}
	}
}
