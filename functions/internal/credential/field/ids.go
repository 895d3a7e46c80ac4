package field

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TenantID returns the rules of tenantId.
func TenantID() Rules {
	return ofID(exact("tenant-id")).with(
		Rule{Code: diagnosis.CodeTenantIDAlias, Last: true, Expected: "the GUID of one tenant",
			Broken: wellKnown(tenantAliases(), microsoftIDs())},
		// Entra takes a domain too, so a file with one works; a spec keeps the GUID, which is looked up before this.
		Rule{Code: diagnosis.CodeTenantIDDomain, Last: true, IsRefused: true, Expected: "the tenant's GUID",
			Broken: func(v string) string {
				return when(IsDomain(v), "The value is a domain of the tenant, not its GUID.")
			}},
	).with(guid("tenant-id")...).with(
		Rule{Code: diagnosis.CodeTenantIDMicrosoft, Expected: "the GUID of your own tenant",
			Broken: wellKnown(map[string]string{microsoftTenant: "Microsoft's own tenant"})},
	)
}

// ClientID returns the rules of clientId.
func ClientID() Rules {
	return ofID(exact("client-id")).with(guid("client-id")...).with(
		Rule{Code: diagnosis.CodeClientIDMicrosoft, Expected: "the client id of an application or managed " +
			"identity of your own", Broken: wellKnown(microsoftIDs(), tenantAliases(),
			map[string]string{microsoftTenant: "the id of Microsoft's own tenant"})},
	)
}

// domainShape is a DNS name that ends in letters, so that no mistyped GUID fits it.
var domainShape = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$`)

// IsOfTenant reports whether the value names a tenant without being any GUID: a domain, an alias, or an id that
// everybody knows.
func IsOfTenant(v string) bool {
	_, isAlias := tenantAliases()[strings.ToLower(v)]
	return isAlias || strings.EqualFold(v, microsoftTenant) || IsDomain(v)
}

// maxDomain is the most characters of a DNS name (RFC 1035, section 2.3.4).
const maxDomain = 253

// IsDomain reports whether the value is a domain, as a tenant has, and no application.
func IsDomain(v string) bool { return len(v) <= maxDomain && domainShape.MatchString(v) }

func guid(name string) Rules {
	return Rules{
		{Code: diagnosis.Code(name + "-not-guid"), Last: true,
			// A sample of Microsoft's documents, which the rule of placeholders refuses.
			Expected: "a GUID such as 00001111-aaaa-2222-bbbb-3333cccc4444",
			Broken:   func(v string) string { why, _ := notGUID(v); return why },
			At:       func(v string) int { _, at := notGUID(v); return at },
			IsHidden: func(v string) bool { return ActualID(v) == "" }},
		{Code: diagnosis.Code(name + "-nil"), Last: true, Expected: "a GUID that is not all zero",
			Broken: func(v string) string {
				return when(strings.HasPrefix(v, "00000000-0000-0000-0000-"),
					"The value is the nil GUID, or a sample made of it.")
			}},
	}
}

// notGUID tells why a value is no GUID, and where the first character is that is not as in one; -1 where none is.
func notGUID(v string) (string, int) {
	inner := strings.Trim(v, "{}()")
	switch at := strings.LastIndexFunc(v, func(r rune) bool { return r == '/' || r == ':' }) + 1; {
	case IsGUID(v):
		return "", -1
	case IsGUID(inner):
		return "The GUID stands in brackets.", 0
	case len(v) == 32 && uuid.Validate(v) == nil:
		return "The GUID has no hyphens.", 8
	case at > 0 && IsGUID(v[at:]):
		return "The GUID stands behind a scheme or path.", 0
	case strings.Contains(v, "/"):
		return "The value is a path or URL, not a GUID.", -1
	}
	if why, at := faultyGroup(v); why != "" {
		return why, at
	}
	return "The value is not a GUID: 8-4-4-4-12 hexadecimal digits.", -1
}

// faultyGroup finds the group of what is almost a GUID that has too many or too few digits, or none at a place.
func faultyGroup(v string) (string, int) {
	groups := strings.Split(v, "-")
	lengths := []int{8, 4, 4, 4, 12}
	if len(groups) != len(lengths) {
		return "", -1
	}
	start := 0
	for i, group := range groups {
		odd := strings.IndexFunc(group, func(r rune) bool {
			return !strings.ContainsRune("0123456789abcdefABCDEF", r)
		})
		switch n := utf8.RuneCountInString(group); {
		case odd >= 0:
			at := utf8.RuneCountInString(v[:start+odd])
			return fmt.Sprintf("Character %d is no hexadecimal digit.", at+1), at
		case n != lengths[i]:
			return fmt.Sprintf("Group %d has %d digits, and not %d.", i+1, n, lengths[i]), start + min(n, lengths[i])
		}
		start += len(group) + 1
	}
	return "", -1
}

// ActualID returns what should be a GUID as it may be repeated: only what can hardly be a password.
func ActualID(v string) string {
	isHarmless := func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF-{}() ", r) }
	if len(v) > 64 || strings.IndexFunc(v, func(r rune) bool { return !isHarmless(r) }) >= 0 &&
		!domainShape.MatchString(v) {
		return ""
	}
	return Actual(v)
}

// ofID returns the rules, which repeat only what is an id or has one in it: in an id's place stands a password as
// well.
// A placeholder is repeated unless it has digits.
func ofID(rules Rules) Rules {
	rules = slices.Clone(rules)
	for i, r := range rules {
		switch {
		case r.IsHidden != nil:
		case strings.HasSuffix(string(r.Code), "-placeholder"):
			rules[i].IsHidden = func(v string) bool { return isNoID(v) && strings.ContainsAny(v, "0123456789") }
		default:
			rules[i].IsHidden = isNoID
		}
	}
	return rules
}

// guidInside is a GUID within other text, whichever dashes it has.
var guidInside = regexp.MustCompile(`(?i)[0-9a-f]{8}(\p{Pd}?[0-9a-f]{4}){3}\p{Pd}?[0-9a-f]{12}`)

func isNoID(v string) bool {
	plain := strings.Map(visible, v)
	isAround := func(r rune) bool { return r == ' ' || strings.ContainsRune(`"'<>[]{}()`+"`"+typographic, r) }
	return !guidInside.MatchString(plain) && ActualID(strings.TrimFunc(plain, isAround)) == ""
}

// wellKnown finds ids that belong to Microsoft or to everybody.
func wellKnown(tables ...map[string]string) func(string) string {
	return func(v string) string {
		for _, ids := range tables {
			if owner, found := ids[strings.ToLower(v)]; found {
				return "The value is " + owner + "."
			}
		}
		return ""
	}
}

// microsoftIDs are ids that are the same in every tenant, as they are copied by mistake.
// Source: https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in and
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
func microsoftIDs() map[string]string {
	all := map[string]string{
		"00000003-0000-0000-c000-000000000000": "the id of Microsoft Graph",
		"00000002-0000-0000-c000-000000000000": "the id of Azure AD Graph",
		"797f4846-ba00-4fd7-ba43-dac1f8f63013": "the id of Azure Resource Manager",
		"e406a681-f3d4-42a8-90b6-c2b029497af1": "the id of Azure Storage",
		"04b07795-8ddb-461a-bbee-02f9e1bf7b46": "the id of the Azure CLI",
		"1950a258-227b-4e31-a9cf-717495945fc2": "the id of Azure PowerShell",
		"c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "the id of the Azure portal",
		"aebc6443-996d-45c2-90f0-388ff96faa56": "the id of Visual Studio Code",
	}
	for _, role := range []Role{BlobDataReader(), BlobDataContributor(), BlobDataOwner()} {
		all[role.ID] = "the id of the role " + role.Name
	}
	return all
}

// tenantAliases are values that Entra takes for a tenant, but that are no customer's.
func tenantAliases() map[string]string {
	return map[string]string{
		"common": "an alias for any tenant", "organizations": "an alias for any organisation",
		"consumers":                            "an alias for personal accounts",
		"adfs":                                 "the path of an AD FS server",
		"9188040d-6c67-4c5b-b112-36a304b66dad": "the tenant of personal accounts",
		"f8cdef31-a31e-4b4a-93e4-5f571e91255a": "the tenant of Microsoft's services",
	}
}

// microsoftTenant is the tenant that Microsoft's own documents show.
const microsoftTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"

// IsGUID reports whether the value has the form 8-4-4-4-12 of hexadecimal digits.
func IsGUID(v string) bool { return len(v) == 36 && uuid.Validate(v) == nil }
