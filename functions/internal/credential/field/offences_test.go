package field_test

import "strings"

// guid is a well-formed one of nobody.
const guid = "4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11"

// offence is a value that breaks a rule.
type offence struct {
	value string
	at    int // -1: the rule is about the whole value
}

// whole are offences against a rule about the whole value.
func whole(values ...string) []offence {
	list := make([]offence, len(values))
	for i, v := range values {
		list[i] = offence{v, -1}
	}
	return list
}

// each puts every word in the place of the verb of a form.
func each(form string, words ...string) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = strings.ReplaceAll(form, "%s", w)
	}
	return list
}

// longest are the limits of the tables in characters. A table that is not here has none of its own.
var longest = map[string]int{"issuer": 600, "subject": 600, "audience": 600, "display-name": 10, "ddoe": 256}

// secrets have each shape that a secret is known by, its alternatives one by one.
var secrets = []string{
	"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
	"DefaultEndpointsProtocol=https;AccountName=x;ACCOUNTKEY=c2VjcmV0;EndpointSuffix=core.windows.net",
	"Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0",
	"BlobEndpoint=x;SharedAccessSignature=c2VjcmV0",
	"https://x.blob.core.windows.net/c?SV=2024-01-01&SIG=c2VjcmV0",
	"-----BEGIN PRIVATE KEY-----",
	"abc8Q~0123456789abcdefghijklmnopqrstu", ".~_7Q~" + strings.Repeat("-._~Aa0z", 4)[:31],
	"https://me:c2VjcmV0@dataloop.ai/oauth2?x", "https://me:c2V/jcmV0@dataloop.ai/oauth2",
	"http://me:c2VjcmV0@dataloop.ai", "x://:@",
	strings.Repeat("aB9+/x", 15)[:86] + "==", "AKIA" + "0123456789ABCDEF",
	"ghp_" + strings.Repeat("aB9", 12), "gho_" + strings.Repeat("aB9", 12), "ghu_" + strings.Repeat("aB9", 12),
	"ghs_" + strings.Repeat("aB9", 12), "ghr_" + strings.Repeat("aB9", 12), "xghp_" + strings.Repeat("aB9", 12),
}

// noSecrets are next to them.
var noSecrets = []string{"accountname=x", "sharedaccesskeyname=x", "a?sv=2024-01-01", "a?sig=x", "-----END",
	"abc8Q~0123456789abcdefghijklmnopqrst", "abc9Q~0123456789abcdefghijklmnopqrstu",
	"ab8Q~0123456789abcdefghijklmnopqrs",
	"https://me@a.example", "https://a.example:8443/x", "https://a b:c@", "a:b@c", "https://a' b:c@",
	strings.Repeat("aB9+/x", 15)[:85] + "==", strings.Repeat("aB9+/x", 15)[:86] + "=", "AKIA0123456789ABCDE",
	"AKIA" + "0123456789ABCDEFG", "xAKIA" + "0123456789ABCDEF", "AKIA0123456789abcdef",
	"ghp_" + strings.Repeat("aB9", 11),
	"ghq_" + strings.Repeat("aB9", 12)}

// microsofts are the ids of Microsoft's applications and of roles, in one case or the other.
var microsofts = []string{"00000003-0000-0000-c000-000000000000", "00000002-0000-0000-C000-000000000000",
	"797f4846-ba00-4fd7-ba43-dac1f8f63013", "e406a681-f3d4-42a8-90b6-c2b029497af1",
	"04B07795-8DDB-461A-BBEE-02F9E1BF7B46", "1950a258-227b-4e31-a9cf-717495945fc2",
	"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "aebc6443-996d-45c2-90f0-388ff96faa56",
	"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b"}

// everybodys are the tenants that are no customer's.
var everybodys = []string{"9188040d-6c67-4c5b-b112-36a304b66dad", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"}

const microsoftsOwn = "72f988bf-86f1-41af-91ab-2d7cd011db47"

// entras are the hosts that issue tokens of Entra itself.
var entras = []string{"login.microsoftonline.com", "sts.windows.net", "login.microsoftonline.us",
	"login.windows.net", "login.microsoft.com", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn",
	"sts.chinacloudapi.cn"}

// broken are the values that break a rule: by its code, or by the end of its code where several tables have it.
var broken = map[string][]offence{
	"required":   whole(""),
	"secret":     whole(secrets...),
	"encoding":   whole("a\xff", "\xc3", "é\xa9"),
	"blank-edge": {{" ab", 0}, {"\u00a0ab", 0}, {"\tb ", 0}, {"ab ", 2}, {"é\n", 1}, {"é b \u3000", 3}, {"  ", 0}},
	"invisible-character": append([]offence{{"\u200bab", 0}, {"ab\u200bc", 2}, {"é\x00", 1}, {"a\tb", 1},
		{"a\u00a0b", 1}, {"a\u00ad", 1}, {"ab\ufffdc\u200b", 2}, {"a\u0085b", 1}}, typographic()...),
	"quoted": whole(each("%s"+guid+"%s", `"`, "'", "`")...),
	"copied": {{guid + " Copy to clipboard", 36}, {guid + "Copied to clipboard!", 36}, {guid + " Copied", 36},
		{"é copy", 1}, {`"clientId": "` + guid, 0}, {`"clientId": "x"`, 0}, {`{"clientId":"x"}`, 0},
		{`x", "subject": "y`, 1}, {`{ "a`, 0},
		{guid + `"`, 36}, {guid + `",`, 36}, {guid + `" }`, 36}, {"Application (client) ID : " + guid, 0},
		{"Directory (tenant) ID: x", 0}, {"Subject identifier: x", 0}, {"issuer url : x", 0}, {"value: x", 0},
		{"AZURE_CLIENT_ID=x", 0}, {"export AZURE_CLIENT_ID = x", 0}, {"$env:A1=x", 0}, {"7 " + guid, 0},
		{"12. x", 0}, {"9999| x", 0}, {"1: x", 0}, {"04 | x", 0}, {guid + "Copied!", 36}, {"Copied " + guid, 0},
		{"Copy to clipboard" + guid, 0}, {"copied! https://a.example", 0}, {"Application (client) ID " + guid, 0},
		{"tenant id x", 0}, {"client_id=x", 0}, {"--tenant x", 0}, {"--audience=x", 0}, {"clientId: x", 0},
		{"azure.sub := x", 0}, {"const aud = x", 0}, {"set ISSUER=x", 0}, {"my-tenant=x", 0}, {"iss=>x", 0}},
	"placeholder": whole("<APPLICATION_CLIENT_ID>", "<>", "a<b>c", "{clientId}", "{}", "a{b}c", "${CLIENT_ID}",
		"$CLIENT_ID", "$_", "a$(b)", "%CLIENT_ID%", "{{ client_id }}", "__CLIENT_ID__", "__A__", "YOUR_CLIENT_ID",
		"my-your-id", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "a-xxxxxxxx-XXXX", "XXXX", "null", "NIL", "none",
		"undefined", "N/A", "TODO", "tbd", "changeme", "change-me", "placeholder",
		"12345678-1234-1234-1234-123456789012", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
		"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaab", "12345678-1234-1234-1235-123456789012",
		"01234567-89AB-CDEF-0123-456789ABCDEF", "fedcba98-7654-3210-fedc-ba9876543210",
		"98765432-1098-7654-3210-987654321098", "00001111-aaaa-2222-bbbb-3333cccc4444",
		"aaaabbbb-0000-cccc-1111-dddd2222eeee", "22223333-cccc-4444-dddd-5555eeee6666",
		"00AA00AA-bb11-cc22-dd33-44ee44ee44ee", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"123E4567-e89b-12d3-a456-426614174000",
		"{aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa}"),
	"control-character": whole("a\x00", "a\u200bb", "a\u0085b", "a\ufffdb"),
	"not-guid": append(whole("my app", strings.Repeat("g", 32), "4f6b0b1eg9a5254a3ca8a43a0d6f3f6c2b11",
		"/applications/x", "4f6b0b1e-9a52-4a3c-8a43", "a/"+guid+"/b"),
		offence{"4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b1", 35}, offence{guid + "1", 36},
		offence{"4f6b0b1e9a524a3c8a430d6f3f6c2b11", 8}, offence{"(" + guid + ")", 0}, offence{"{" + guid + "}", 0},
		offence{"urn:uuid:" + guid, 0}, offence{"api://" + guid, 0}, offence{"/applications/" + guid, 0},
		offence{"00000000-0000-0000-0000-0", 25}, offence{"4f6b0b1e-9a5-4a3c-8a43-0d6f3f6c2b11", 12},
		offence{"4f6b0b1e-9a52-4a3c-8a433-0d6f3f6c2b11", 23}, offence{"4f6b0b1e-9a52-4a3c-8a43-Od6f3f6c2b11", 24},
		offence{"4f6b0b1e-9a52-4a 3c-8a43-0d6f3f6c2b11", 16}, offence{"é6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11", 0},
		offence{"4f6b0b1eé-9a52-4a3c-8a43-0d6f3f6c2b11", 8}, offence{"-9a52-4a3c-8a43-0d6f3f6c2b11", 0}),
	"nil": whole("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-ffffffffffff"),

	"issuer-not-https": whole("http://a.example", "HTTPS://a.example", "https:a.example", "https:///x", "https://",
		"https://:8443", "a.example", "https://a b.example", "https://a.example/b c", `https://a.example\b`,
		"https://[::1", "https://a.example/%zz"),
	"issuer-user-info": whole("https://me@a.example", "https://@a.example"),
	"issuer-query":     {{"https://a.example?x", 17}, {"https://a.example?", 17}, {"https://é.example/é?é?", 19}},
	"issuer-fragment":  {{"https://a.example#x", 17}, {"https://a.example#", 17}, {"https://é.example/é#é#", 19}},
	"issuer-discovery-path": {{"https://a.example/.well-known/openid-configuration", 17},
		{"https://é/é/.well-known/", 11}},
	"issuer-entra": append(whole(append(each("https://%s/x/v2.0", entras...), each("https://a.%s", entras...)...)...),
		whole("https://STS.windows.net", "https://sts.windows.net./x")...),
	"issuer-local": whole("https://kubernetes.default.svc.cluster.local", "https://localhost", "https://a.localhost",
		"https://local", "https://a.internal", "https://internal", "https://a.svc", "https://svc", "https://A.LOCAL",
		"https://a.local.", "https://10.0.0.1", "https://172.31.0.1", "https://192.168.1.1", "https://127.0.0.1",
		"https://169.254.1.1", "https://0.0.0.0", "https://[::1]", "https://[fd00::1]", "https://[fe80::1]",
		"https://[::]", "https://[::ffff:127.0.0.1]"),
	"issuer-other-platform": whole("https://token.actions.githubusercontent.com",
		"https://token.actions.githubusercontent.com/", "https://token.actions.githubusercontent.com/acme",
		"https://token.actions.acme.ghe.com", "https://git.acme.example/_services/token", "https://gitlab.com",
		"https://gitlab.acme.example/", "https://vstoken.dev.azure.com/"+guid,
		"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
		"https://oidc.eks.cn-north-1.amazonaws.com.cn/id/0", "https://westeurope.oic.prod-aks.azure.com/"+guid+"/",
		"https://oidc.prod-aks.azure.com/"+guid+"/",
		"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c", "https://accounts.google.com",
		"https://accounts.google.com/", "https://cognito-identity.amazonaws.com",
		"https://"+guid+".tokens.sts.global.api.aws", "https://app.terraform.io",
		"https://oidc.circleci.com/org/"+guid),
	"issuer-address":   whole("https://203.0.113.7", "https://[2001:db8::1]/x"),
	"issuer-port":      whole("https://a.example:8443", "https://a.example:443/x"),
	"issuer-host-case": whole("https://A.example", "https://a.examplE/x"),

	"subject-wildcard": {{"system:*", 7}, {"~*", 1}, {"a?b*", 1}, {"*", 0}, {"é?", 1}},
	"subject-service-account": append(whole("system:serviceaccount", "system:serviceaccount:",
		"system:serviceaccount:a",
		"system:serviceaccount:a:", "system:serviceaccount::b", "system:serviceaccount:a:b:c",
		"System:serviceaccount:a:b",
		"system:SERVICEACCOUNT:a:b", "system:serviceaccounts:a", "system:serviceaccount:a.b:c",
		"system:serviceaccount:"+strings.Repeat("a", 64)+":b", "system:serviceaccount:a:"+strings.Repeat("b", 64),
		"system:serviceaccount:a:"+strings.Repeat("b.", 126)+"bc", "system:serviceaccount:a:b..c",
		"system:serviceaccount:a:.b"),
		whole(append(each("system:serviceaccount:%s:b", noLabels...), each("system:serviceaccount:a:x.%s",
			noLabels...)...)...)...),

	"subject-other-platform": whole("repo:octo/cat:ref:refs/heads/main", "repo:octo@1/cat@2:environment:Production",
		"repo:octo/cat:pull_request", "project_path:a/b:ref_type:branch:ref:main", "sc://org/project/connection",
		"/eid1/c/pub/t/x/a/y/sc/z", strings.Repeat("1", 21), "arn:aws:iam::1:role/x", "arn:aws-cn:sts::1:x",
		"organization:a:project:b:workspace:c:run_phase:plan", "org/"+guid+"/project/"+guid+"/user/"+guid,
		"spiffe://a.example/ns/b/sa/c"),

	"audience-blank": {{"a, b", 1}, {"a b", 1}, {"é,b", 1}},
	"audience-default-scope": {{publicAudience + "/.default", 26}, {publicAudience + "USGov/.default", 31},
		{publicAudience + "China/.default", 31}},
	"audience-trailing-slash": {{publicAudience + "/", 26}, {publicAudience + "USGov/", 31},
		{publicAudience + "China/", 31}},
	"audience-case": {{"api://azureADTokenExchange", 6}, {"API://AzureADTokenExchangeusgov", 0},
		{publicAudience + "chinA", 26}},
	"audience-other-cloud": {{publicAudience + "China", 26}, {publicAudience + "USGov", 26}},
	"audience-custom": {{"sts.amazonaws.com", 0}, {"https://iam.googleapis.com/projects/x", 0},
		{"//iam.googleapis.com/projects/x", 0}, {"https://github.com/acme", 0}, {"https://storage.azure.com/", 0},
		{"https://management.core.usgovcloudapi.net", 0}, {guid, 0}, {"api://" + guid, 6}, {"é", 0},
		{publicAudience + "//", 26},
		{publicAudience + "France", 26}},

	"tenant-id-alias": whole(append(append([]string{"common", "Organizations", "consumers", "adfs"}, everybodys...),
		microsofts...)...),
	"tenant-id-domain": whole("acme.onmicrosoft.com", "A-1.Ex", strings.Repeat("a", 63)+".example", "a."+
		strings.Repeat("b", 63), "a.b.c.de"),
	"tenant-id-microsoft": whole(microsoftsOwn, strings.ToUpper(microsoftsOwn)),
	"client-id-microsoft": whole(append(append([]string{microsoftsOwn}, everybodys...), microsofts...)...),
}

// noLabels are no labels of DNS: what else could stand in a URL, and the wrong ends.
var noLabels = []string{"A", "-a", "a-", "a_b", "é", "aé", `a\b`, "a~b", "a/b", "a b", "a%b", "`a", "{a", "a@", "a["}

// typographic are marks that a word processor makes of plain ones.
func typographic() []offence {
	var list []offence
	for _, mark := range "“”‘’„‚«»‹›–—…‐‑−" {
		list = append(list, offence{"a" + string(mark) + "b", 1})
	}
	return list
}

// kept are values that keep a rule, though they are next to what breaks it.
var kept = map[string][]string{
	"required":            {"x", " "},
	"secret":              noSecrets,
	"encoding":            {"é", "\ufffd"},
	"blank-edge":          {"a b", "a\u00a0b", "\u200b"},
	"invisible-character": {"a b", "a-b", "a.b", "é", "ß", "日本"},
	"quoted":              {`"`, `"a'`, `a"b"`, `"a"b`, "«a»"},
	"copied": {guid, "system:serviceaccount:dataloop:copy", "https://copied", "copied", "subject:x", "value:x",
		"copy of x", "copied-https://a", "tenants=x", "x-- y", "--", "- x", "subject", "issuer of x", "aud:x",
		"365.contoso.com", "12345 x", "1x", "a=b", "Ab=c", "x y", "copy to clipboards", "{x}", "repo:a/b:c"},
	"placeholder": {"a<b", "a>b", "a{b", "a}b", "a$", "a$1", "%1%", "% %", "a__b__", "__A", "yourself-x",
		"xxx", "axxxx", "xxxxa", "xxxxxxx-xxxx", "nullable", "nothing", "none.example", "{" + guid + "}", guid,
		"00000000-0000-0000-0000-000000000000", "00000003-0000-0000-c000-000000000000",
		"11111111-1111-4111-8111-111111111111", "abcdefab-cdef-4abc-8def-abcdefabcdef",
		"22223333-cccc-4444-9ddd-5555eeee6666", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaabc",
		"123e4567-e89b-12d3-a456-426614174001"},
	"control-character": {"a–b", "é", "“a”", "a\u00a0b"},
	"not-guid":          {guid, strings.ToUpper(guid)},
	"nil":               {guid, "00000000-0000-0000-0001-000000000000", "00000001-0000-0000-0000-000000000000"},

	"issuer-not-https": {"https://a.example", "https://a.example/~é!$&'()*+,;=:@-._", "https://a",
		"https://[2001:db8::1]/x"},
	"issuer-user-info":      {"https://a.example/@me", "https://a.example/?me@"},
	"issuer-query":          {"https://a.example/%3F", "https://a.example/#?x"},
	"issuer-fragment":       {"https://a.example/%23"},
	"issuer-discovery-path": {"https://a.example/.well-known", "https://a.example/well-known/"},
	"issuer-entra": append(each("https://x%s", entras...), append(each("https://%s.example", entras...),
		"https://203.0.113.7", "https://a.example/sts.windows.net")...),
	"issuer-local": {"https://localhost.example", "https://notlocal", "https://mysvc.example", "https://a.internals",
		"https://203.0.113.7", "https://172.32.0.1", "https://[2001:db8::1]", "https://a.example/localhost"},
	"issuer-other-platform": {"https://token.actions.githubusercontent.com.a.example", "https://a.example/gitlab.com",
		"https://gitlab.com/x", "https://eks.amazonaws.com", "https://accounts.google.com/o", "https://terraform.io",
		"https://storage.googleapis.com/v1/projects/p", "https://a.example/_services/tokens"},
	"issuer-address":   {"https://a.example", "https://203.0.113.example"},
	"issuer-port":      {"https://a.example/:8443"},
	"issuer-host-case": {"https://a.example/A"},

	"subject-wildcard": {"a%2A", "repo:octo/cat"},
	"subject-service-account": {"system:serviceaccount:a:b", "system:serviceaccount:a-1:b-2.0c",
		"system:serviceaccoun",
		"a:system:serviceaccount", "system:serviceaccount:" + strings.Repeat("a", 63) + ":" + strings.Repeat("b", 63),
		"system:serviceaccount:0z:9", "system:serviceaccount:a:" + strings.Repeat("b.", 126) + "b"},

	"subject-other-platform": {"system:serviceaccount:a:b", "repo", "report:a/b:c", "organization:a", "org/a", "sc:a",
		strings.Repeat("1", 20), strings.Repeat("1", 22)},

	"audience-blank":          {"a", "a;b"},
	"audience-default-scope":  {publicAudience, "api://x/.default", publicAudience + ".default"},
	"audience-trailing-slash": {publicAudience, "api://x/", publicAudience + "//"},
	"audience-case":           {publicAudience, "api://azure", publicAudience + "China"},
	"audience-other-cloud":    {publicAudience, "api://x"},
	"audience-custom":         {publicAudience, publicAudience + "China", publicAudience + "USGov"},

	"tenant-id-alias": {guid, "common.example", microsoftsOwn},
	"tenant-id-domain": {guid, "acme", "1.2.3.4", "-a.example", "a-.example", "a..example", "a.b", "a.b1",
		strings.Repeat("a", 64) + ".example", "a." + strings.Repeat("b", 64), "a_b.example", "a.example."},
	"tenant-id-microsoft": {guid},
	"client-id-microsoft": {guid, "00000004-0000-0000-c000-000000000000"},
}
