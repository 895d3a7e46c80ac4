package field

import "regexp"

// otherPlatform is one that issues OIDC tokens, by the shapes of its issuers and subjects; nil where it has none of
// its own.
type otherPlatform struct {
	name            string
	issuer, subject *regexp.Regexp
}

// otherPlatforms are those whose issuer or subject public reports show in the place of another. Kubernetes writes
// subjects as the DDOE platform does. Sources: learn.microsoft.com, Workload identity federation (create trust);
// docs.github.com, OpenID Connect reference; docs.gitlab.com, OpenID Connect in CI/CD; docs.aws.amazon.com, IAM roles
// for service accounts; cloud.google.com, OpenID Connect of GKE and of Google accounts; developer.hashicorp.com,
// Workload identity tokens; circleci.com/docs, OpenID Connect tokens; issues Azure/login#175 and
// azure-workload-identity#1200.
var otherPlatforms = []otherPlatform{
	{"GitHub Actions", regexp.MustCompile(
		`^https://(token\.actions\.(githubusercontent\.com|[a-z0-9-]+\.ghe\.com)|[^/]+/_services/token)(/|$)`),
		regexp.MustCompile(`^repo(sitory)?:[^/:]+/[^/:]+(:|$)`)},
	{"GitLab", regexp.MustCompile(`^https://gitlab\.[^/]+/?$`), regexp.MustCompile(`^project_path:.+:ref_type:`)},
	{"Azure DevOps", regexp.MustCompile(`^https://vstoken\.dev\.azure\.com/`),
		regexp.MustCompile(`^(sc://[^/]+/|/eid1/c/)`)},
	{"Kubernetes (EKS)", regexp.MustCompile(`^https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/`), nil},
	{"Kubernetes (AKS)", regexp.MustCompile(`^https://([a-z0-9-]+\.)?oi(d)?c\.prod-aks\.azure\.(com|us|cn)/`), nil},
	{"Kubernetes (GKE)", regexp.MustCompile(`^https://container\.googleapis\.com/v1/projects/`), nil},
	{"Google", regexp.MustCompile(`^https://accounts\.google\.com/?$`), regexp.MustCompile(`^[0-9]{21}$`)},
	{"AWS", regexp.MustCompile(`^https://(cognito-identity\.amazonaws\.com|[^/]+\.tokens\.sts\.global\.api\.aws)/?$`),
		regexp.MustCompile(`^arn:aws[a-z-]*:`)},
	{"HCP Terraform", regexp.MustCompile(`^https://app\.terraform\.io/?$`),
		regexp.MustCompile(`^organization:.+:workspace:`)},
	{"CircleCI", regexp.MustCompile(`^https://oidc\.circleci\.com/`), regexp.MustCompile(`^org/[^/]+/project/`)},
	{"SPIFFE", nil, regexp.MustCompile(`^spiffe://`)},
}

// OtherIssuer names the platform whose issuer the value is, OtherSubject that whose subjects have its form; empty
// where none is known.
func OtherIssuer(v string) string {
	return nameOf(v, func(p otherPlatform) *regexp.Regexp { return p.issuer })
}

// OtherSubject is described at OtherIssuer.
func OtherSubject(v string) string {
	return nameOf(v, func(p otherPlatform) *regexp.Regexp { return p.subject })
}

func nameOf(v string, of func(otherPlatform) *regexp.Regexp) string {
	for _, p := range otherPlatforms {
		if shape := of(p); shape != nil && shape.MatchString(v) {
			return p.name
		}
	}
	return ""
}

// otherAudiences are values that stand in the place of a token-exchange audience, and what they are.
var otherAudiences = []remnant{
	{regexp.MustCompile(`^sts\.amazonaws\.com(\.cn)?$`), "It is the audience of tokens for AWS."},
	{regexp.MustCompile(`^(https:)?//iam\.googleapis\.com/`), "It is the audience of tokens for Google Cloud."},
	{regexp.MustCompile(`^https://github\.com/`), "It is the audience that GitHub Actions take where none is given."},
	{regexp.MustCompile(
		`^https://(storage\.azure|management\.(core\.windows|azure|core\.usgovcloudapi|core\.chinacloudapi)|` +
			`vault\.azure)\.(com|net|us|cn)/?`),
		"It is a service that access is asked for; the audience is who takes the platform's token."},
	{regexp.MustCompile(`^(api://)?[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`), "It is a client id."},
	{regexp.MustCompile(`(?i)^(api://)?AzureADTokenExchange`),
		"It begins as the token-exchange audience, and no cloud has this one."},
}

// customAudience tells what an audience is that is no cloud's.
func customAudience(v string) string {
	for _, a := range otherAudiences {
		if a.shape.MatchString(v) {
			return "The audience is no cloud's token-exchange audience. " + a.what
		}
	}
	return "The audience is no cloud's token-exchange audience."
}
