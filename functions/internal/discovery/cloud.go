package discovery

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// afterCloud lets the audience of another cloud follow from the tenant, where that is in the same other cloud: the
// file
// agrees with itself, and its cloud is not the service's. To give it the audience of this cloud would break it.
func afterCloud(checks []assessment.Check) []assessment.Check {
	elsewhere := slices.IndexFunc(checks, func(c assessment.Check) bool {
		return c.ID == CheckCloud && c.Code == diagnosis.CodeCloudMismatch
	})
	for i, c := range checks {
		if c.Code == diagnosis.CodeAudienceOtherCloud && elsewhere >= 0 &&
			field.CloudOfAudience(c.Actual) == checks[elsewhere].Actual {
			checks[i].DependsOn = CheckCloud
		}
	}
	return checks
}
