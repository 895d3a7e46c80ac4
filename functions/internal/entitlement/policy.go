// Package entitlement has the policy of what callers may ask for: a list of grants. What no grant allows is refused
// before anything is written.
package entitlement

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// Policy is what callers may ask for.
type Policy struct {
	// Grants are all that is allowed; each is enough by itself.
	Grants []Grant `json:"grants" nullable:"false"`
	// OwnAccounts are the names of the service's own storage accounts, which no grant gives access to.
	OwnAccounts []string `json:"ownAccounts" nullable:"false"`
}

// LongTags are the ends of tags that are too long for a line.
func (Policy) LongTags() map[string]string {
	return map[string]string{
		"Grants":      `doc:"All that is allowed, the defaults filled in; each grant is enough by itself"`,
		"OwnAccounts": `doc:"Names of the service's own storage accounts, which no grant gives access to"`,
	}
}

// Grant lets callers ask for some subjects' access to some storage.
type Grant struct {
	// Callers are whom it is for: role:Wif.Operate, group:{id}, app:{id}, queue or function-key.
	Callers []string `json:"callers" nullable:"false"`
	// Issuers are compared byte for byte, as Entra does.
	Issuers []string `json:"issuers" nullable:"false"`
	// Subjects are compared byte for byte, but that * stands for one or more printable characters of ASCII other than
	// a colon.
	Subjects []string `json:"subjects" nullable:"false"`
	// Storage are ARM ids of subscriptions, resource groups, storage accounts or containers, with all below them.
	// Where
	// it is empty, it is all that the service has the right to.
	Storage []string `json:"storage" nullable:"false"`
	// Access is the widest access.
	Access integration.Access `json:"access" enum:"read,readWrite"`
}

// LongTags are the ends of tags that are too long for a line.
func (Grant) LongTags() map[string]string {
	return map[string]string{
		"Callers": `doc:"role:Wif.Operate (and the roles that include it), group:{id}, app:{client id}, queue, ` +
			`function-key"`,
		"Subjects": `doc:"* stands for one or more characters other than a colon"`,
		"Storage":  `doc:"ARM ids, with all below them; empty: all that the service has the right to"`,
		"Access":   `doc:"The widest access"`,
	}
}

// Defaults are what a grant has that leaves a member out, and what the only grant has where there is no policy.
type Defaults struct {
	// Issuer is the platform's; empty where the service knows none, and then none is allowed.
	Issuer string
	// SubjectTemplate makes subjects of service names; it holds {service}.
	SubjectTemplate string
	// Scopes are the ARM ids below which the service gives access; empty where it is told none.
	Scopes []string
	// OwnAccounts are the names of the service's own storage accounts.
	OwnAccounts []string
}

// New makes the policy of the text of a setting, a JSON list of grants; where it is empty, of the defaults alone. The
// error names each member that is faulty, by its JSON pointer.
func New(text string, d Defaults) (Policy, error) {
	p := Policy{OwnAccounts: d.OwnAccounts}
	if text == "" {
		p.Grants = []Grant{{Callers: []string{"role:" + string(caller.RoleOperate), caller.IDQueue}}}
	} else if err := strictjson.Decode([]byte(text), &p.Grants); err != nil {
		return Policy{}, describe(err)
	}
	if len(p.Grants) == 0 {
		return Policy{}, errors.New("it has no grant, and would allow nothing")
	}
	var faults []error
	for i := range p.Grants {
		for _, fault := range p.Grants[i].faults() {
			faults = append(faults, fmt.Errorf("/%d%s", i, fault))
		}
		p.Grants[i].complete(d)
	}
	if err := errors.Join(faults...); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// describe lists the findings of a text that does not have the form of a policy.
func describe(err error) error {
	var fault *strictjson.Error
	if !errors.As(err, &fault) || len(fault.Findings) == 0 {
		return err
	}
	var all []error
	for _, f := range fault.Findings {
		all = append(all, fmt.Errorf("%s: %s", cmp.Or(f.Pointer, "/"), f.Detail))
	}
	return errors.Join(all...)
}

// complete fills the defaults in.
func (g *Grant) complete(d Defaults) {
	if len(g.Issuers) == 0 && d.Issuer != "" {
		g.Issuers = []string{d.Issuer}
	}
	if len(g.Subjects) == 0 {
		g.Subjects = []string{strings.ReplaceAll(d.SubjectTemplate, "{service}", "*")}
	}
	if len(g.Storage) == 0 {
		g.Storage = slices.Clone(d.Scopes)
	}
	g.Access = cmp.Or(g.Access, integration.AccessReadWrite)
}

// faults are what is wrong with a grant as it is given, each with its pointer.
func (g *Grant) faults() []string {
	var all []string
	note := func(ok bool, pointer, expected string) {
		if !ok {
			all = append(all, pointer+": "+expected)
		}
	}
	note(len(g.Callers) > 0, "/callers", "it names nobody")
	for i, c := range g.Callers {
		note(isCaller(c), fmt.Sprintf("/callers/%d", i),
			"must be role:Wif.Read, role:Wif.Operate, role:Wif.Admin, group:{id}, app:{id}, queue or function-key")
	}
	for i, issuer := range g.Issuers {
		u, err := url.Parse(issuer)
		note(err == nil && u.Scheme == "https" && u.Host != "", fmt.Sprintf("/issuers/%d", i), "must be an https URL")
	}
	for i, s := range g.Subjects {
		note(s != "", fmt.Sprintf("/subjects/%d", i), "must not be empty")
	}
	for i, s := range g.Storage {
		note(isScope(s), fmt.Sprintf("/storage/%d", i), "must be the ARM id of a subscription, a resource group, "+
			"a storage account or a container (…/blobServices/default/containers/{name})")
	}
	note(slices.Contains([]integration.Access{"", integration.AccessRead, integration.AccessReadWrite}, g.Access),
		"/access", "must be read or readWrite")
	return all
}

// isCaller reports whether a text can name callers.
func isCaller(text string) bool {
	kind, id, _ := strings.Cut(text, ":")
	switch kind {
	case "role":
		return slices.Contains(caller.Roles(), caller.Role(id))
	case "group", "app":
		parsed, err := uuid.Parse(id)
		return err == nil && parsed.String() == id
	default:
		return text == caller.IDQueue || text == caller.IDFunctionKey
	}
}

// isFor reports whether the grant is for a caller.
func (g *Grant) isFor(c caller.Caller) bool {
	return slices.ContainsFunc(g.Callers, func(named string) bool {
		kind, id, _ := strings.Cut(named, ":")
		switch kind {
		case "role":
			return c.HasRole(caller.Role(id)) && !c.IsQueue
		case "group":
			return slices.Contains(c.Groups, id)
		case "app":
			return c.AppID == id
		case caller.IDQueue:
			return c.IsQueue
		default:
			return c.ID == caller.IDFunctionKey && !c.IsQueue
		}
	})
}
