package field

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Issuer returns the rules of federatedTokenIssuer.
func Issuer() Rules {
	return text("issuer").with(
		Rule{Code: diagnosis.CodeIssuerNotHTTPS, Last: true, Expected: "an absolute https URL", Broken: notHTTPS},
		Rule{Code: diagnosis.CodeIssuerUserInfo, IsHidden: isAny, Expected: "a URL without user info",
			Broken: onURL(func(u *url.URL) string {
				return when(u.User != nil, "The URL holds a user name or password.")
			})},
		Rule{Code: diagnosis.CodeIssuerQuery, Expected: "a URL without query", At: index("?"),
			Broken: onURL(func(u *url.URL) string {
				return when(u.RawQuery != "" || u.ForceQuery, "The URL has a query.")
			})},
		Rule{Code: diagnosis.CodeIssuerFragment, Expected: "a URL without fragment", At: index("#"),
			Broken: func(v string) string {
				return when(strings.Contains(v, "#"), "The URL has a fragment.")
			}},
		Rule{Code: diagnosis.CodeIssuerDiscoveryPath, Expected: "the URL without /.well-known/…",
			At: index("/.well-known/"), Broken: func(v string) string {
				return when(strings.Contains(v, "/.well-known/"),
					"The URL is that of the discovery document, not the issuer itself.")
			}},
		Rule{Code: diagnosis.CodeIssuerEntra, Expected: "the issuer of the platform",
			Broken: onURL(func(u *url.URL) string {
				return ofEntra(u.Hostname())
			})},
		Rule{Code: diagnosis.CodeIssuerOtherPlatform, Expected: "the issuer of the DDOE platform",
			Broken: func(v string) string {
				name := OtherIssuer(v)
				return when(name != "", "The issuer is that of "+name+".")
			}},
		Rule{Code: diagnosis.CodeIssuerLocal, Last: true, Expected: "a host that Entra can reach",
			Broken: onURL(func(u *url.URL) string {
				return when(isLocal(u.Hostname()), "The host is one that only a private network knows.")
			})},
		Rule{Code: diagnosis.CodeIssuerAddress, Expected: "a host name", Broken: onURL(func(u *url.URL) string {
			return when(net.ParseIP(u.Hostname()) != nil, "The host is an IP address.")
		})},
		Rule{Code: diagnosis.CodeIssuerPort, Expected: "a URL without port", Broken: onURL(func(u *url.URL) string {
			return when(u.Port() != "", "The URL names a port.")
		})},
		Rule{Code: diagnosis.CodeIssuerHostCase, Expected: "a host in lower case",
			Broken: onURL(func(u *url.URL) string {
				return when(u.Host != strings.ToLower(u.Host), "The host has upper-case letters.")
			})},
	)
}

// Subject returns the rules of one subject.
func Subject() Rules {
	return text("subject").with(
		Rule{Code: diagnosis.CodeSubjectWildcard, Last: true, Expected: "one exact subject",
			At: firstOf("*?"), Broken: func(v string) string {
				return when(strings.ContainsAny(v, "*?"), "The subject has a wildcard.")
			}},
		Rule{Code: diagnosis.CodeSubjectServiceAccount, Expected: "system:serviceaccount:{namespace}:{name}, " +
			"lower-case DNS names", Broken: serviceAccount},
		Rule{Code: diagnosis.CodeSubjectOtherPlatform, Expected: "the claim sub of the DDOE platform's tokens",
			Broken: func(v string) string {
				name := OtherSubject(v)
				return when(name != "", "The subject has the form of "+name+".")
			}},
	)
}

// The token-exchange audiences of the clouds.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations; that of US
// Government is not proved against a real tenant.
const (
	audiencePublic = "api://AzureADTokenExchange"
	audienceUSGov  = "api://AzureADTokenExchangeUSGov"
	audienceChina  = "api://AzureADTokenExchangeChina"
)

func audiences() []string { return []string{audiencePublic, audienceUSGov, audienceChina} }

// CloudOfAudience is the domain of the token service in the cloud whose token-exchange audience the value is; empty
// where it is none's.
func CloudOfAudience(v string) string {
	switch v {
	case audiencePublic:
		return "microsoftonline.com"
	case audienceUSGov:
		return "microsoftonline.us"
	case audienceChina:
		return "partner.microsoftonline.cn"
	default:
		return ""
	}
}

// Audience returns the rules of audience in the cloud whose token-exchange audience is own; an empty one is not known.
func Audience(own string) Rules {
	expected := own
	if own == "" {
		expected = audiencePublic
	}
	misspelt := func(code diagnosis.Code, detail string, strip func(string) string) Rule {
		return Rule{Code: code, Last: true, Expected: expected,
			Broken: func(v string) string { return when(!isKnown(v) && isKnown(strip(v)), detail) },
			At:     func(v string) int { return differs(strip(v), v) }}
	}
	return text("audience").with(
		Rule{Code: diagnosis.CodeAudienceBlank, Last: true, Expected: "one audience",
			At: firstOf(" ,"), Broken: func(v string) string {
				return when(strings.ContainsAny(v, " ,"), "The value holds a blank or comma.")
			}},
		misspelt(diagnosis.CodeAudienceDefaultScope, "The value is a scope: /.default does not belong to an audience.",
			func(v string) string { return cut(v, "/.default") }),
		misspelt(diagnosis.CodeAudienceTrailingSlash, "The value ends with a slash.",
			func(v string) string { return cut(v, "/") }),
		misspelt(diagnosis.CodeAudienceCase, "The value differs from the token-exchange audience by case only.",
			cased),
		Rule{Code: diagnosis.CodeAudienceOtherCloud, Last: true, Expected: expected, Broken: func(v string) string {
			return when(own != "" && v != own && isKnown(v),
				"The audience is that of another cloud, whose tenants are at "+CloudOfAudience(v)+
					", than the one this service works in.")
		}, At: func(v string) int { return differs(own, v) }},
		Rule{Code: diagnosis.CodeAudienceCustom, Expected: expected, Broken: func(v string) string {
			return when(v != own && !isKnown(v), customAudience(v))
		}, At: func(v string) int { return differs(expected, v) }},
	)
}

func isKnown(audience string) bool { return slices.Contains(audiences(), audience) }

func cut(v, suffix string) string { return strings.TrimSuffix(v, suffix) }

// cased returns the audience that v is but for case, else v.
func cased(v string) string {
	for _, a := range audiences() {
		if strings.EqualFold(a, v) {
			return a
		}
	}
	return v
}

func differs(expected, actual string) int {
	if at := assessment.Diff(expected, actual).At; at != nil {
		return *at
	}
	return -1
}

// index is where a part begins, firstOf where the first of some characters stands: as a person counts, not in bytes.
func index(part string) func(string) int {
	return func(v string) int { return characters(v, strings.Index(v, part)) }
}

func firstOf(chars string) func(string) int {
	return func(v string) int { return characters(v, strings.IndexAny(v, chars)) }
}

// characters makes an index in characters of one in bytes.
func characters(v string, at int) int {
	if at < 0 {
		return at
	}
	return utf8.RuneCountInString(v[:at])
}

// IsDNSName reports whether the value is a DNS-1123 subdomain: lower-case labels of at most 63 characters, 253 in all.
func IsDNSName(v string) bool {
	if len(v) > 253 {
		return false
	}
	for label := range strings.SplitSeq(v, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(v string) bool {
	isAllowed := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }
	return v != "" && len(v) <= 63 && v[0] != '-' && v[len(v)-1] != '-' &&
		strings.IndexFunc(v, func(r rune) bool { return !isAllowed(r) }) < 0
}

func notHTTPS(v string) string {
	u, err := url.Parse(v)
	switch {
	case err != nil || strings.ContainsAny(v, " \\"):
		return "The value is not a URL."
	case u.Scheme != "https" || !strings.HasPrefix(v, "https://"):
		return "The value does not begin with https://."
	case u.Hostname() == "" || u.Opaque != "":
		return "The URL names no host."
	default:
		return ""
	}
}

// onURL checks a value that notHTTPS has let through.
func onURL(broken func(*url.URL) string) func(string) string {
	return func(v string) string {
		u, err := url.Parse(v)
		if err != nil {
			return "The value is not a URL."
		}
		return broken(u)
	}
}

// ofEntra tells that the host issues tokens of Entra itself, and in which cloud.
func ofEntra(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for cloud, hosts := range map[string][]string{
		"the public cloud": {"login.microsoftonline.com", "sts.windows.net", "login.windows.net",
			"login.microsoft.com"},
		"US Government": {"login.microsoftonline.us"},
		"China":         {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn", "sts.chinacloudapi.cn"},
	} {
		for _, own := range hosts {
			if host == own || strings.HasSuffix(host, "."+own) {
				return "The URL is an issuer of Entra itself, in " + cloud + "."
			}
		}
	}
	return ""
}

// isLocal reports whether no public network leads to the host, as far as its name alone tells.
func isLocal(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	for _, suffix := range []string{"localhost", "local", "internal", "svc"} {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return true
		}
	}
	return false
}

const serviceAccountPrefix = "system:serviceaccount:"

// serviceAccount checks the grammar of Kubernetes service accounts where the subject claims to be one, in any case.
func serviceAccount(v string) string {
	if !strings.HasPrefix(strings.ToLower(v), strings.TrimSuffix(serviceAccountPrefix, ":")) {
		return ""
	}
	namespace, name, found := strings.Cut(strings.TrimPrefix(v, serviceAccountPrefix), ":")
	switch {
	case !strings.HasPrefix(v, serviceAccountPrefix):
		return "The subject does not begin with " + serviceAccountPrefix + " in lower case."
	case !found || strings.Contains(name, ":"):
		return "The subject does not have four parts."
	case !isLabel(namespace):
		return "The namespace is not a lower-case DNS label."
	case !IsDNSName(name):
		return "The service account's name is not a lower-case DNS name."
	default:
		return ""
	}
}
