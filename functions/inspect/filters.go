package inspect

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Filters are what a list may be narrowed by, beside its first two. All that are given hold.
type Filters struct {
	Phase     string   `query:"phase" enum:"pending,provisioning,provisioned,usable,failed,deprovisioning,deleted"`
	Ready     string   `query:"ready" enum:"true,false" doc:"Only those whose condition Ready is True, or is not"`
	Account   string   `query:"account" example:"acmedata"`
	Container string   `query:"container" example:"images"`
	Subject   string   `query:"subject" example:"system:serviceaccount:dataloop:my-service"`
	Owner     string   `query:"owner" example:"55555555-5555-4555-8555-555555555555"`
	Tags      []string `query:"tag,explode" doc:"Only with this tag, as name:value; repeat it for more"`
}

// LongTags are the ends of tags that are too long for a line.
func (Filters) LongTags() map[string]string {
	return map[string]string{
		"Phase":   `doc:"As state"`,
		"Account": `doc:"Only integrations with this storage account, by its name or its resource id"`,
		"Container": `doc:"Only integrations that may reach this container: one that is named, or one of an account ` +
			`that is named as a whole. With account in that account"`,
		"Owner": `pattern:"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|function-key|queue)$" ` +
			`patternDescription:"an id in Entra in lower case, function-key or queue" ` +
			`doc:"Only integrations with this owner, of those that the caller sees"`,
		"Subject": `doc:"Only integrations that trust this subject, exactly"`,
	}
}

// named is a tag with its name, which has the form of a name in a spec.
var named = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}:`)

// faults are those of the tags, which no schema of a list tells apart.
func (f Filters) faults() []diagnosis.Finding {
	var faults []diagnosis.Finding
	for _, tag := range f.Tags {
		if !named.MatchString(tag) {
			faults = append(faults, problem.InvalidParameter("query", "tag", "name:value, as in a:b").Errors...)
		}
	}
	return faults
}

// isFiltered reports whether a document passes the filters.
func (f Filters) isFiltered(d integration.Document) bool {
	return (f.Phase == "" || f.Phase == string(d.Status.Phase)) &&
		(f.Ready == "" || (f.Ready == "true") == (d.Ready().Status == "True")) &&
		(f.Owner == "" || f.Owner == d.Owner) &&
		(f.Subject == "" || slices.Contains(d.Spec.Subjects, f.Subject)) &&
		(f.Account+f.Container == "" || slices.ContainsFunc(d.Spec.Storage, f.isReached)) &&
		!slices.ContainsFunc(f.Tags, func(tag string) bool {
			name, value, _ := strings.Cut(tag, ":")
			held, isHeld := d.Spec.Tags[name]
			return !isHeld || held != value
		})
}

// isReached reports whether an entry of a spec is about the account and the container.
func (f Filters) isReached(s integration.StorageAccess) bool {
	isAccount := f.Account == "" || strings.EqualFold(f.Account, s.ResourceID) ||
		strings.EqualFold(f.Account, s.ResourceID[strings.LastIndexByte(s.ResourceID, '/')+1:])
	return isAccount && (f.Container == "" || s.Container == "" || s.Container == f.Container)
}

// add repeats the filters for the next page.
func (f Filters) add(q url.Values) {
	for name, value := range map[string]string{"phase": f.Phase, "ready": f.Ready, "account": f.Account,
		"container": f.Container, "subject": f.Subject, "owner": f.Owner} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for _, tag := range f.Tags {
		q.Add("tag", tag)
	}
}
