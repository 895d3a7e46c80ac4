package field

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// Issuer returns the rules of federatedTokenIssuer.
func Issuer() Rules {
	return text("issuer").with(
		Rule{Code: "issuer-not-https", Last: true, Expected: "an absolute https URL", Remedy: "Copy the claim iss of the platform's tokens.", Broken: notHTTPS},
		Rule{Code: "issuer-user-info", Secret: true, Expected: "a URL without user info", Remedy: "Remove everything up to the @.", Broken: onURL(func(u *url.URL) string {
			return when(u.User != nil, "The URL holds a user name or password.")
		})},
		Rule{Code: "issuer-query", Expected: "a URL without query", Remedy: "Remove the question mark and what follows.", Broken: onURL(func(u *url.URL) string {
			return when(u.RawQuery != "" || u.ForceQuery, "The URL has a query.")
		})},
		Rule{Code: "issuer-fragment", Expected: "a URL without fragment", Remedy: "Remove the # and what follows.", Broken: func(v string) string {
			return when(strings.Contains(v, "#"), "The URL has a fragment.")
		}},
		Rule{Code: "issuer-entra", Expected: "the issuer of the platform", Remedy: "Give the issuer of the platform's tokens: Entra does not federate with itself (AADSTS700222).", Broken: onURL(func(u *url.URL) string {
			return when(isEntra(u.Hostname()), "The URL is an issuer of Entra itself.")
		})},
	)
}

// Subject returns the rules of one subject.
func Subject() Rules {
	return text("subject").with(
		Rule{Code: "subject-wildcard", Expected: "one exact subject", Remedy: "List each subject: Entra knows no wildcard here.", Broken: func(v string) string {
			return when(strings.ContainsAny(v, "*?"), "The subject has a wildcard.")
		}},
		Rule{Code: "subject-service-account", Expected: "system:serviceaccount:{namespace}:{name}, lower-case DNS names",
			Remedy: "Copy the claim sub of the platform's tokens.", Broken: serviceAccount},
	)
}

// Audience returns the rules of audience.
func Audience() Rules {
	return text("audience").with(
		Rule{Code: "audience-blank", Expected: "one audience", Remedy: "Give exactly one audience.", Broken: func(v string) string {
			return when(strings.ContainsAny(v, " ,"), "The value holds a blank or comma.")
		}},
	)
}

// TenantID returns the rules of tenantId.
func TenantID() Rules { return guid("tenant-id", "the directory (tenant) id of the Overview page") }

// ClientID returns the rules of clientId.
func ClientID() Rules { return guid("client-id", "the application (client) id of the Overview page") }

func guid(name, origin string) Rules {
	return Rules{
		{Code: name + "-required", Last: true, Expected: "a GUID", Remedy: "Copy " + origin + ".", Broken: isEmpty},
		{Code: name + "-secret", Last: true, Secret: true, Expected: "a GUID", Remedy: "Remove it and rotate that secret: keyless access needs none.", Broken: looksSecret},
		{Code: name + "-not-guid", Last: true, Expected: "a GUID such as 11111111-1111-4111-8111-111111111111", Remedy: "Copy " + origin + ".", Broken: func(v string) string {
			return when(!IsGUID(v), "The value is not a GUID.")
		}},
		{Code: name + "-nil", Last: true, Expected: "a GUID that is not all zero", Remedy: "Copy " + origin + ".", Broken: func(v string) string {
			return when(strings.Trim(v, "0-") == "", "The value is the nil GUID.")
		}},
	}
}

// IsGUID reports whether the value has the form 8-4-4-4-12 of hexadecimal digits.
func IsGUID(v string) bool { return len(v) == 36 && uuid.Validate(v) == nil }

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
	ok := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }
	return v != "" && len(v) <= 63 && v[0] != '-' && v[len(v)-1] != '-' && strings.IndexFunc(v, func(r rune) bool { return !ok(r) }) < 0
}

func when(broken bool, detail string) string {
	if broken {
		return detail
	}
	return ""
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

// isEntra reports whether the host issues tokens of Entra itself, in any cloud.
func isEntra(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if net.ParseIP(host) != nil {
		return false
	}
	for _, own := range []string{"login.microsoftonline.com", "sts.windows.net", "login.microsoftonline.us", "login.windows.net",
		"login.microsoft.com", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn", "sts.chinacloudapi.cn"} {
		if host == own || strings.HasSuffix(host, "."+own) {
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

// The shapes of placeholders and secrets.
var (
	placeholderShape  = regexp.MustCompile(`<[^<>]*>|\{[^{}]*\}|(?i:\byour[_-])|^(?i:x{4,})$`)
	tokenShape        = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.`)
	clientSecretShape = regexp.MustCompile(`^[A-Za-z0-9._~-]{3,5}[78]Q~[A-Za-z0-9._~-]{31,36}$`)
)

// placeholder finds what a template or a document leaves to be filled in.
func placeholder(v string) string {
	return when(placeholderShape.MatchString(v), "The value still holds a placeholder.")
}

// looksSecret finds tokens, keys and signatures in a value, by their shape.
func looksSecret(v string) string {
	lower := strings.ToLower(v)
	switch {
	case tokenShape.MatchString(v):
		return "The value holds a token."
	case strings.Contains(lower, "accountkey="), strings.Contains(lower, "sharedaccesskey="), strings.Contains(lower, "sharedaccesssignature="):
		return "The value is a connection string with a key."
	case strings.Contains(lower, "sig=") && strings.Contains(lower, "sv="):
		return "The value is a shared access signature."
	case strings.Contains(v, "-----BEGIN"):
		return "The value is a key or certificate."
	case clientSecretShape.MatchString(v):
		return "The value has the shape of a client secret."
	default:
		return ""
	}
}
