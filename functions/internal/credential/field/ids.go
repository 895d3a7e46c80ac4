package field

import (
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TenantID returns the rules of tenantId.
func TenantID() Rules {
	return exact("tenant-id").with(
		Rule{Code: diagnosis.CodeTenantIDAlias, Last: true, Expected: "the GUID of one tenant",
			Broken: wellKnown(tenantAliases(), microsoftIDs())},
		// Entra takes a domain too, so a file with one works; a spec needs the GUID, and meets the rule below.
		Rule{Code: diagnosis.CodeTenantIDDomain, Last: true, Expected: "the tenant's GUID",
			Broken: func(v string) string {
				return when(domainShape.MatchString(v), "The value is a domain of the tenant, not its GUID.")
			}},
	).with(guid("tenant-id")...).with(
		Rule{Code: diagnosis.CodeTenantIDMicrosoft, Expected: "the GUID of your own tenant",
			Broken: wellKnown(map[string]string{microsoftTenant: "Microsoft's own tenant"})},
	)
}

// ClientID returns the rules of clientId.
func ClientID() Rules {
	return exact("client-id").with(guid("client-id")...).with(
		Rule{Code: diagnosis.CodeClientIDMicrosoft, Expected: "the client id of an application or managed " +
			"identity of your own", Broken: wellKnown(microsoftIDs(), tenantAliases(),
			map[string]string{microsoftTenant: "the id of Microsoft's own tenant"})},
	)
}

// domainShape is a DNS name that ends in letters, so that no mistyped GUID fits it.
var domainShape = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$`)

// IsDomain reports whether the value is a domain, as a tenant has, and no application.
func IsDomain(v string) bool { return domainShape.MatchString(v) }

func guid(name string) Rules {
	return Rules{
		{Code: diagnosis.Code(name + "-not-guid"), Last: true,
			Expected: "a GUID such as 4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11", Broken: notGUID,
			Hidden: func(v string) bool {
				return ActualID(v) == ""
			}},
		{Code: diagnosis.Code(name + "-nil"), Last: true, Expected: "a GUID that is not all zero",
			Broken: func(v string) string {
				return when(strings.HasPrefix(v, "00000000-0000-0000-0000-"),
					"The value is the nil GUID, or a sample made of it.")
			}},
	}
}

func notGUID(v string) string {
	inner := strings.Trim(v, "{}()")
	switch {
	case IsGUID(v):
		return ""
	case IsGUID(inner):
		return "The GUID stands in brackets."
	case len(v) == 32 && uuid.Validate(v) == nil:
		return "The GUID has no hyphens."
	case strings.Contains(v, "/"):
		return "The value is a path or URL, not a GUID."
	default:
		return "The value is not a GUID: 8-4-4-4-12 hexadecimal digits."
	}
}

// ActualID returns what should be a GUID as it may be repeated: only what can hardly be a password.
func ActualID(v string) string {
	harmless := func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF-{}() ", r) }
	if len(v) > 64 || strings.IndexFunc(v, func(r rune) bool { return !harmless(r) }) >= 0 &&
		!domainShape.MatchString(v) {
		return ""
	}
	return Actual(v)
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
