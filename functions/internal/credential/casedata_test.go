package credential_test

import (
	"maps"
	"strconv"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// only are cases of the same form that all lead to the same findings.
func only(form string, words []string, want ...string) map[string]judged {
	all := map[string]judged{}
	for _, w := range words {
		all[w] = judged{file: strings.ReplaceAll(form, "%s", w), want: want}
	}
	return all
}

// joined are the cases of several tables.
func joined(tables ...map[string]judged) map[string]judged {
	all := map[string]judged{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

func byteCases() map[string]judged {
	wide := func(text string, big bool) string {
		var b strings.Builder
		for _, r := range []byte(text) {
			if big {
				b.WriteString("\x00" + string(rune(r)))
			} else {
				b.WriteString(string(rune(r)) + "\x00")
			}
		}
		return b.String()
	}
	cases := map[string]judged{
		"PK alone":              {file: "PK\x03", want: []string{"file-not-json "}},
		"UTF-16 little, marked": {file: "\xff\xfe" + wide(seed(), false), want: []string{"file-encoding "}},
		"UTF-16 big, marked":    {file: "\xfe\xff" + wide(seed(), true), want: []string{"file-encoding "}},
		"UTF-16 little":         {file: wide(seed(), false), want: []string{"file-encoding "}},
		"UTF-16 big":            {file: wide(seed(), true), want: []string{"file-encoding "}},
		"UTF-16 of one brace":   {file: "{\x00", want: []string{"file-encoding ", "file-not-json "}},
		"UTF-16, half a mark":   {file: "\xff\xfe{", want: []string{"file-encoding ", "file-empty "}},
		"two zeros":             {file: "\x00\x00", want: []string{"file-not-json "}},
		"one zero":              {file: "\x00", want: []string{"file-not-json "}},
		"one letter":            {file: "x", want: []string{"file-not-json "}},
		"nothing":               {file: "", want: []string{"file-empty "}},
		"blanks":                {file: " \n\t\r", want: []string{"file-empty "}},
		"a mark alone":          {file: "\ufeff", want: []string{"file-byte-order-mark ", "file-empty "}},
		"a mark":                {file: "\ufeff" + seed(), want: []string{"file-byte-order-mark "}},
		"two marks": {file: "\ufeff\ufeff" + seed(), want: []string{"file-byte-order-mark ",
			"file-not-json "}},
		"Latin-1 at once":       {file: "\xe9", want: []string{"file-encoding ", "file-not-json "}},
		"Latin-1 in line 2":     {file: "{\né\"\xe9", want: []string{"file-encoding ", "file-not-json "}},
		"cut in a character":    {file: "{\"\xc3", want: []string{"file-encoding ", "file-not-json "}},
		"U+FFFD is a character": {file: seed(`"\ufffd":1`), want: []string{"file-member-unknown /\ufffd"}},
		"the largest":           {file: seed() + strings.Repeat(" ", credential.MaxSize-len(seed()))},
		"too large by one": {file: seed() + strings.Repeat(" ", credential.MaxSize+1-len(seed())),
			want: []string{"file-too-large "}},
		"too large, and binary": {file: "PK\x03\x04" + strings.Repeat("x", credential.MaxSize),
			want: []string{"file-too-large "}},
	}
	for name, start := range map[string]string{"zip": "PK\x03\x04", "PDF": "%PDF-", "gzip": "\x1f\x8b",
		"PNG":  "\x89PNG",
		"JPEG": "\xff\xd8\xff", "DER": "\x30\x82", "old Office": "\xd0\xcf\x11\xe0", "ELF": "\x7fELF",
		"RTF": `{\rtf`} {
		cases[name] = judged{file: start + `"clientSecret":"pl4nted"`, want: []string{"file-not-text ",
			"file-secret "}}
		cases[name+", without a secret"] = judged{file: start + "x", want: []string{"file-not-text "}}
		cases[name+", not at once"] = judged{file: "x" + start, want: []string{"file-not-json "}}
	}
	for _, name := range []string{"gzip", "PNG", "JPEG", "DER", "old Office"} {
		cases[name+", not at once"] = judged{file: cases[name+", not at once"].file, want: []string{"file-encoding ",
			"file-not-json "}}
	}
	return cases
}

func textCases() map[string]judged {
	return joined(
		only("%s", []string{"<publishData><x/>", "<?xml version=\"1.0\"?>\n <publishData/>", " <!doctype html>",
			"<!DOCTYPE HTML>", "<html lang=x>", "\n<HTML>", "<?xml version=\"1.0\"?><a/>", " <?xml?>",
			"Endpoint=x", "BlobEndpoint=x", "accountname=x", " DEFAULTENDPOINTSPROTOCOL=https;x",
			"AB=x", "export AB=x", "set A_1 = x", "$env:AZURE=x", "x\n  AB=x", "---\na", "apiVersion:v1",
			"clientId: x", " a: b", "```json\n{}\n```", "Copy\n{}", "json\nCopy code\n{}", "[default]\nx",
			" [my section 1-2_3]\r\nx"}, "file-wrong-kind "),
		only("%s", []string{"SharedAccessSignature=x", "CLIENT_SECRET=x", "password: x"}, "file-wrong-kind ",
			"file-secret "),
		only("%s", []string{"-----BEGIN X", "\n -----BEGIN X"}, "file-wrong-kind ", "file-secret "),
		map[string]judged{
			"numbered lines": {file: "1 {\n2  \"a\": 1\n3 }", want: append(append([]string{"file-wrapped "},
				missing("clientId",
					"tenantId", "federatedTokenIssuer", "subject", "audience")...), "file-member-unknown /a")},
			"numbered lines, cut off": {file: "1: {\n2: \"a\"", want: []string{"file-wrapped ", "file-not-json "}},
			"a token": {file: " " + token(3) + "\n", want: []string{"file-wrong-kind ",
				"file-secret "}},
			"an encrypted token": {file: token(5), want: []string{"file-wrong-kind ", "file-secret "}},
			"a token of four":    {file: token(4), want: []string{"file-wrong-kind ", "file-secret "}},
			"a token of six":     {file: token(6), want: []string{"file-not-json ", "file-secret "}},
			"a token of two":     {file: token(2), want: []string{"file-not-json ", "file-secret "}},
			"two tokens": {file: token(3) + " " + token(3), want: []string{"file-not-json ",
				"file-secret "}},
			"three words, no JWT": {file: "abc.def.ghi", want: []string{"file-not-json "}},
		},
		only("%s", []string{"x <html", "a=b", "A=b", "x AB=c", "---a", "-- a", "a :b", "a:b", "<a/>", "<?x",
			"<publish",
			"xEndpoint=x", "[a]", "[a", "x [a]\n"}, "file-not-json "),
		only("%s", []string{"[1]\n", "[ ]\n"}, "file-not-object "),
		only("x -----BEGIN %s", []string{"X"}, "file-not-json ", "file-secret "),
	)
}

// token is a compact token of some parts.
func token(parts int) string {
	return "eyJhbGciOiJub25lIn0" + strings.Repeat(".pl4nted", parts-1)
}

// kindRow is a well-known JSON file: its members, each with its JSON value.
type kindRow struct {
	members []string
	secrets []string
}

func kindRows() map[string]kindRow {
	x := func(names ...string) []string {
		for i := range names {
			names[i] = quote(names[i]) + `:"pl4nted"`
		}
		return names
	}
	return map[string]kindRow{
		"SDK file":                     {x("activeDirectoryEndpointUrl", "clientSecret"), []string{"clientSecret"}},
		"old SDK file":                 {x("clientSecret", "subscriptionId"), []string{"clientSecret"}},
		"service principal's password": {x("appId", "password", "tenant"), []string{"password"}},
		"application":                  {x("appId", "displayName", "signInAudience"), nil},
		"service principal":            {x("appId", "servicePrincipalType"), nil},
		"federated credential":         {x("audiences", "issuer", "subject"), nil},
		"account":                      {x("environmentName", "homeTenantId"), nil},
		"cloud provider":               {x("aadClientId"), nil},
		"AWS":                          {x("AccessKeyId", "SecretAccessKey"), []string{"SecretAccessKey"}},
		"account key":                  {x("accountKey", "accountName"), []string{"accountKey"}},
		"discovery document":           {x("issuer", "jwks_uri"), nil},
		"manifest":                     {x("apiVersion", "kind"), nil},
		"spec":                         {x("storage", "subjects"), nil},
		"spec by service name":         {x("serviceName", "storage"), nil},
		"problem":                      {x("code", "requestId", "status", "title"), nil},
		"Google's service account":     {[]string{`"type":"service_account"`}, nil},
		"Google's authorized user":     {[]string{`"type":"authorized_user"`}, nil},
		"Google's external account":    {[]string{`"type":"external_account"`}, nil},
		// as az identity show prints it: the type is that of Azure Resource Manager
		"managed identity": {[]string{`"principalId":"pl4nted"`,
			`"type":"Microsoft.ManagedIdentity/userAssignedIdentities"`}, nil},
	}
}

// identityShow is what az identity show prints, with a type.
func identityShow(kind string) string {
	return `{"clientId":` + quote(client) + `,"id":"pl4nted","location":"westeurope","name":"pl4nted",` +
		`"principalId":"pl4nted","resourceGroup":"pl4nted","tags":{},"tenantId":` + quote(tenant) +
		`,"type":` + quote(kind) + `}`
}

// objectCases have each kind of file whole.
func objectCases() map[string]judged {
	cases := map[string]judged{}
	for name, row := range kindRows() {
		want := []string{"file-wrong-kind "}
		for _, s := range row.secrets {
			want = append(want, "file-secret /"+s)
		}
		cases[name] = judged{file: "{" + strings.Join(row.members, ",") + "}", want: want}
	}
	cases["another type"] = judged{file: seed(`"type":"service"`), want: []string{"file-member-unknown /type"}}
	cases["a managed identity, whole"] = judged{file: identityShow("Microsoft.ManagedIdentity/userAssignedIdentities"),
		want: []string{"file-wrong-kind "}}
	cases["a principal of another type"] = judged{file: identityShow("Microsoft.Compute/virtualMachines"),
		want: []string{"file-member-missing /federatedTokenIssuer", "file-member-missing /subject",
			"file-member-missing /audience", "file-member-unknown /id", "file-member-unknown /location",
			"file-member-unknown /name", "file-member-unknown /principalId", "file-member-unknown /resourceGroup",
			"file-member-unknown /tags", "file-member-unknown /type"}}
	cases["issuer, subject, audiences and clientId"] = judged{file: `{"issuer":"https://a.example","subject":"x",` +
		`"audiences":"x","clientId":"x"}`, want: []string{"file-member-missing /tenantId",
		"file-member-misnamed /issuer",
		"file-member-misnamed /audiences", "client-id-not-guid /clientId", "audience-custom /audiences",
		"issuer-unexpected /issuer", "subject-unexpected /subject"}}
	return cases
}

// syntaxCases have a case of each hint, most of them in the second line behind a character of two bytes.
func syntaxCases() map[string]judged {
	return only("{\"é\":1,\n\"é\":%s", []string{"“a”", "”", "„", "‟", "«", "»", "‘", "’", "'a'", "}", "]", "1 \"b\"",
		"/", "#", "<x>", "\"a\nb\"", "\"a\rb\"", "\"a\tb\"", "\u00a0", "- 1", "a", "é", `"\x"`, "01", "1;",
		";", "\"open",
		"1", ""}, "file-not-json ")
}

func structureCases() map[string]judged {
	three := `"clientId":"x","tenantId":"x","audience":"x"`
	return map[string]judged{
		"number":            {file: " 7", want: []string{"file-not-object "}},
		"string":            {file: `"x"`, want: []string{"file-not-object "}},
		"true":              {file: "true", want: []string{"file-not-object "}},
		"false":             {file: "false", want: []string{"file-not-object "}},
		"null":              {file: "null", want: []string{"file-not-object "}},
		"a list of nothing": {file: "[]", want: []string{"file-not-object "}},
		"in a list":         {file: "[" + seed() + "]", want: []string{"file-wrapped /0"}},
		"two in a list": {file: "[" + seed() + "," + seed() + "]",
			want: []string{"file-not-object "}},
		"in a list, with an unknown one": {file: "[" + seed(`"x":1`, `"audience":7`) + "]",
			want: []string{"file-wrapped /0",
				"file-member-unknown /0/x", "file-value-not-string /0/audience"}},
		"in an object in a list": {file: `[{"a":` + seed() + `,"b":{"clientSecret":"pl4nted"}}]`,
			want: []string{"file-not-object ", "file-secret "}},
		"in an object, behind a secret": {file: `{"b":{"clientSecret":"pl4nted"},"a~/b":` + seed(`"x":1`) +
			`,"password":"pl4nted"}`, want: []string{"file-wrapped /a~0~1b", "file-secret /b/clientSecret",
			"file-secret /password", "file-member-unknown /a~0~1b/x"}},
		"in an object, with a secret in it": {file: `{"b":1,"a":` + seed(`"password":"pl4nted"`) + `}`,
			want: []string{"file-wrapped /a", "file-secret /a/password"}},
		"two in an object": {file: `{"a":` + seed(`"x":1`) + `,"b":` + seed(`"y":1`) + `}`,
			want: []string{"file-wrapped /a", "file-member-unknown /a/x"}},
		"three members in an object": {file: `{"a":{` + three + `}}`, want: []string{"file-wrapped /a",
			"file-member-missing /a/federatedTokenIssuer", "file-member-missing /a/subject",
			"client-id-not-guid /a/clientId", "tenant-id-not-guid /a/tenantId", "audience-custom /a/audience"}},
		"two members in an object": {file: `{"a":{"clientId":"x","tenantId":"x","client_id":"x"}}`,
			want: []string{"file-member-missing /clientId", "file-member-missing /tenantId",
				"file-member-missing /federatedTokenIssuer", "file-member-missing /subject",
				"file-member-missing /audience", "file-member-unknown /a"}},
		"three members, and three in an object": {file: `{` + three + `,"a":{` + three + `}}`,
			want: []string{"file-member-missing /federatedTokenIssuer", "file-member-missing /subject",
				"file-member-unknown /a", "client-id-not-guid /clientId", "tenant-id-not-guid /tenantId",
				"audience-custom /audience"}},
		"more behind it":   {file: seed() + "\n \r\t}", want: []string{"file-trailing-data "}},
		"blanks behind it": {file: seed() + "\n \r\t"},
		"a secret behind it": {file: seed() + "\nAccountKey=pl4nted", want: []string{"file-trailing-data ",
			"file-secret "}},
		"another behind it": {file: seed() + "," + seed(`"clientSecret":"pl4nted"`),
			want: []string{"file-trailing-data ", "file-secret "}},
		"two secrets behind it": {file: seed() + "\nfoo_key: pl4nted\nid: x\nmy_password='pl4nted'",
			want: []string{"file-trailing-data ", "file-secret ", "file-secret "}},
		"a list with a secret": {file: `["AccountKey=pl4nted"]`,
			want: []string{"file-not-object ", "file-secret "}},
		"a member that is cut off": {file: `{"clientSecret":"pl4nted`,
			want: []string{"file-not-json ", "file-secret "}},
		"20 unknown members": {file: seed(repeated(20, `"zzz%d":1`)), want: many(20, "file-member-unknown /zzz%d")},
		"21 unknown members": {file: seed(repeated(21, `"zzz%d":1`)), want: many(20, "file-member-unknown /zzz%d")},
	}
}

// many are the same finding for each number from 0.
func many(n int, format string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(format, "%d", strconv.Itoa(i))
	}
	return list
}

// otherNames are names that plainly mean one of the five, by which.
var otherNames = map[string][]string{
	"clientId": {"appid", "APP_ID", "application-id", "azure.client.id", "Application (client) ID", "ClientID",
		"clientid",
		"client_id", "clientI", "clentId", "cleintId", "clientIds", "xclientIdx"},
	"tenantId": {"tenant", "DirectoryId", "AZURE_TENANT_ID", "Directory (tenant) ID", "directory-tenant-id", "tenatId",
		"tenanIdt"},
	"federatedTokenIssuer": {"issuer", "iss", "token_issuer", "oidcIssuer", "issuer-url", "federated issuer",
		"federatedTokenIsuer", "fedratedTokenIsuer"},
	"subject":  {"sub", "subject_identifier", "serviceAccount", "subjct", "Subject"},
	"audience": {"aud", "audiences", "audiense", "audinces", "AUDIENCE"},
}

// unknownNames are next to them, and mean none.
var unknownNames = []string{"xclntIdx", "clntIdd", "subjt", "sbjct", "subjectss", "theClientId", "clientIdOfs",
	"federatdTokenIsuerr", "id", "app",
	"x", "", "client", strings.Repeat("clientId", 9), "té~/\\x"}

func memberCases() map[string]judged {
	cases := map[string]judged{
		"none": {file: "{}", want: missing("clientId", "tenantId", "federatedTokenIssuer", "subject",
			"audience")},
		"two missing": {file: seed(`"tenantId":`, `"audience":`), want: missing("tenantId", "audience")},
		"repeated in another case": {file: seed(`"SUBJECT":"x"`, `"Audience":1`), want: []string{
			"file-member-duplicate /SUBJECT", "file-member-duplicate /Audience"}},
		"unknown, repeated": {file: seed(`"zzz":1`, `"ZZZ":1`), want: []string{"file-member-duplicate /ZZZ",
			"file-member-unknown /zzz", "file-member-unknown /ZZZ"}},
		"two names of one": {file: seed(`"sub":"x"`, `"client_id":"x"`), want: []string{"file-member-unknown /sub",
			"file-member-unknown /client_id"}},
		"two other names of one": {file: seed(`"subject":`, `"sub":`+quote(subject), `"serviceAccount":"x"`),
			want: []string{"file-member-misnamed /sub", "file-member-unknown /serviceAccount"}},
		"an unknown one with a secret": {file: seed(`"note":"abc8Q~pl4nted0123456789abcdefghijklmnopqrs"`),
			want: []string{"file-secret /note"}},
		"issuer and subject exchanged": {file: seed(`"federatedTokenIssuer":`+quote(subject),
			`"subject":`+quote(issuer)),
			want: []string{"issuer-subject-swapped /federatedTokenIssuer"}},
		"a subject that is a URL": {file: seed(`"subject":` + quote(issuer)),
			want: []string{"subject-unexpected /subject"}},
		"an issuer that is a subject": {file: seed(`"federatedTokenIssuer":` + quote(subject)),
			want: []string{"issuer-not-https /federatedTokenIssuer"}},
		"values of other types": {file: seed(`"clientId":null`, `"tenantId":7`, `"federatedTokenIssuer":["x"]`,
			`"subject":{"a":1}`, `"audience":[`+quote(audience)+`]`), want: []string{"file-value-not-string /clientId",
			"file-value-not-string /tenantId", "file-value-not-string /federatedTokenIssuer",
			"file-value-not-string /subject", "file-value-not-string /audience"}},
		"true and false": {file: seed(`"clientId":true`, `"tenantId":false`), want: []string{
			"file-value-not-string /clientId", "file-value-not-string /tenantId"}},
		"the second of two values": {file: strings.Replace(seed(), "{", `{"subject":"a*","subject":7,`, 1),
			want: []string{"file-member-duplicate /subject", "file-member-duplicate /subject",
				"file-value-not-string /subject", "subject-wildcard /subject"}},
		"every member wrong": {file: seed(`"clientId":"x"`, `"tenantId":"x"`, `"federatedTokenIssuer":"x"`,
			`"subject":"*"`, `"audience":"x y"`), want: []string{"client-id-not-guid /clientId",
			"tenant-id-not-guid /tenantId", "issuer-not-https /federatedTokenIssuer", "subject-wildcard /subject",
			"audience-blank /audience"}},
		"several faults of one": {file: seed(`"federatedTokenIssuer":"https://me@dataloop.ai/?a#b"`), want: []string{
			"issuer-user-info /federatedTokenIssuer", "issuer-query /federatedTokenIssuer",
			"issuer-fragment /federatedTokenIssuer"}},
		"the same id, in another case": {file: seed(`"clientId":"ABCDEF77-7777-4777-8777-777777777777"`,
			`"tenantId":"abcdef77-7777-4777-8777-777777777777"`), want: []string{"client-id-is-tenant-id /clientId"}},
		"the same domain": {file: seed(`"clientId":"contoso.com"`, `"tenantId":"contoso.com"`),
			want: []string{"client-id-not-guid /clientId", "tenant-id-domain /tenantId"}},
	}
	for name, others := range otherNames {
		for _, other := range others {
			cases[other+" means "+name] = judged{file: renamed(name, other),
				want: []string{"file-member-misnamed /" + other}}
		}
	}
	for _, name := range unknownNames {
		cases["unknown "+name] = judged{file: seed(quote(name) + ":1"), want: []string{"file-member-unknown " +
			redact.PointerTo("", name)}}
	}
	return cases
}

func missing(names ...string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = "file-member-missing /" + name
	}
	return list
}

// secretNames are names of what is a secret, noSecretNames of what is only about one.
var secretNames = []string{"secret", "mySecretValue", "PASSWORD", "db_passwd", "pass phrase", "private-key",
	"accountKey",
	"ACCESS_KEY", "shared.key", "apiKey", "connection-string", "refreshToken", "client_certificate", "clientAssertion",
	"key", "storage_key", "keys", "sas", "blobSAS_x", "pwd", "cert", "my-pem", "pfx", "private", "connection",
	"storage (key)",
	"xprivatekeyx", "xaccountkeyx", "xaccesskeyx", "xsharedkeyx", "xapikeyx", "xconnectionstringx"}

var noSecretNames = []string{"secretId", "token_url", "token.uri", "token-type", "token endpoint", "keyPath",
	"tokenExpiry", "tokenExpires", "keyboard", "monkey", "passage", "", "-_ .", "my~key", "my/key", "sass", "certain",
	"privateer", "note", "AZURE_FEDERATED_TOKEN_FILE", "tokenExchangeAudience", "certificateIssuer",
	"token-issuer-name", "tokenLifetime",
	"SharedAccessKeyName"}

func secretCases() map[string]judged {
	const clientSecret = `"abc8Q~pl4nted0123456789abcdefghijklmnopqrs"`
	cases := map[string]judged{
		"in two members": {file: seed(`"subject":`+clientSecret, `"audience":`+clientSecret), want: []string{
			"subject-secret /subject", "audience-secret /audience"}},
		"empty": {file: seed(`"password":""`, `"token":""`), want: []string{"file-member-unknown /password",
			"file-member-unknown /token"}},
		"no string": {file: seed(`"password":7`, `"token":null`), want: []string{"file-member-unknown /password",
			"file-member-unknown /token"}},
		"in a list": {file: seed(`"password":["","pl4nted","pl4nted"]`), want: []string{"file-secret /password/1",
			"file-secret /password/2"}},
		"in an object": {file: seed(`"a":{"z":{"key":"pl4nted"},"b":` + clientSecret + `,"c":"x"}`),
			want: []string{"file-secret /a/b", "file-secret /a/z/key"}},
		"in one of the five, which is an object": {file: seed(`"subject":{"key":"pl4nted"}`, `"audience":[`+
			clientSecret+`]`),
			want: []string{"file-secret /subject/key", "file-secret /audience/0", "file-value-not-string /subject",
				"file-value-not-string /audience"}},
		"as a name, in a list and in an object": {file: seed(`"a":[{`+clientSecret+`:1}]`, clientSecret+`:[]`,
			`"b":{`+clientSecret+`:{}}`), want: []string{"file-secret /a/0/[redacted]", "file-secret /[redacted]",
			"file-secret /b/[redacted]"}},
		"in a text that cannot be read": {file: "{ \"db_password\" : 'pl4nted', api_key = pl4nted, token_url: pl4nted",
			want: []string{"file-not-json ", "file-secret ", "file-secret "}},
		"a name without a value": {file: "{ password: ", want: []string{"file-not-json "}},
		"a name of one letter":   {file: "{ a=pl4nted", want: []string{"file-not-json "}},
		"a shape before the names": {file: "{ password=pl4nted AccountKey=pl4nted",
			want: []string{"file-not-json ", "file-secret "}},
		"21 in a list": {file: seed(`"password":["` + strings.Repeat(`pl4nted","`, 20) + `pl4nted"]`),
			want: many(20, "file-secret /password/%d")},
		"a secret and an unknown one": {file: seed(`"x":1`, `"password":"pl4nted"`),
			want: []string{"file-secret /password", "file-member-unknown /x"}},
	}
	for _, name := range secretNames {
		cases["named "+name] = judged{file: seed(quote(name) + `:"pl4nted"`), want: []string{"file-secret /" + name}}
	}
	for _, name := range noSecretNames {
		cases["named "+name] = judged{file: seed(quote(name) + `:"x"`), want: []string{"file-member-unknown " +
			redact.PointerTo("", name)}}
	}
	return cases
}

// domainCases have a domain for the tenant, in the file, in the form, or in both.
func domainCases() map[string]judged {
	form := func(inFile, typed string, want ...string) judged {
		return judged{file: seed(`"tenantId":` + quote(inFile)), form: credential.Form{TenantID: typed}, want: want}
	}
	const inFile, inForm, mismatch = "tenant-id-domain /tenantId", "tenant-id-domain /form/tenantId",
		"form-tenant-id-mismatch /tenantId"
	long := strings.Repeat("a", 60) + ".example" // nothing of it is shown beside the other
	return map[string]judged{
		"a domain in both":          form("contoso.com", "Contoso.com", inFile, inForm),
		"a domain in the file":      form("contoso.com", tenant, inFile),
		"another domain":            form("contoso.com", "contoso.org", inFile, inForm, mismatch),
		"a long domain in the form": form("contoso.com", long, inFile, inForm, mismatch),
		"a long domain in the file": form(long, "contoso.com", inFile, inForm, mismatch),
	}
}

func formCases() map[string]judged {
	const other = "4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11"
	form := func(clientID, tenantID string, want ...string) judged {
		return judged{file: seed(), form: credential.Form{ClientID: clientID, TenantID: tenantID}, want: want}
	}
	with := func(file string, c judged) judged {
		c.file = file
		return c
	}
	cases := map[string]judged{
		"the same":     form(strings.ToUpper(client), tenant),
		"client alone": form(client, ""),
		"tenant alone": form("", tenant),
		"both others": form(other, other, "form-client-id-mismatch /clientId",
			"form-tenant-id-mismatch /tenantId"),
		"exchanged":          form(tenant, client, "form-ids-swapped /clientId"),
		"the tenant twice":   form(tenant, tenant, "form-client-id-mismatch /clientId"),
		"the client twice":   form(client, client, "form-tenant-id-mismatch /tenantId"),
		"client in the last": form(client[:35]+"8", "", "form-client-id-mismatch /clientId"),
		"both unfit": form("x", "y z", "client-id-not-guid /form/clientId",
			"tenant-id-not-guid /form/tenantId"),
		"Graph as a client": form("00000003-0000-0000-c000-000000000000", "common",
			"client-id-microsoft /form/clientId", "tenant-id-alias /form/tenantId"),
		"common as a client": form("common", "00000003-0000-0000-c000-000000000000",
			"client-id-not-guid /form/clientId", "tenant-id-alias /form/tenantId"),
		"secrets": form("abc8Q~pl4nted0123456789abcdefghijklmnopqrs",
			"abc8Q~pl4nted0123456789abcdefghijklmnopqrs", "client-id-secret /form/clientId",
			"tenant-id-secret /form/tenantId"),
		"a domain":             form("", "contoso.com", "tenant-id-domain /form/tenantId"),
		"a domain as a client": form("contoso.com", "", "client-id-not-guid /form/clientId"),
		"Microsoft's tenant": form("", "72f988bf-86f1-41af-91ab-2d7cd011db47",
			"tenant-id-microsoft /form/tenantId", "form-tenant-id-mismatch /tenantId"),
		"no file":                with("x", form(client, tenant, "file-not-json ")),
		"no file, an unfit form": with("x", form("x", "", "file-not-json ", "client-id-not-guid /form/clientId")),
		"no members": with("{}", form(client, tenant,
			missing("clientId", "tenantId", "federatedTokenIssuer", "subject",
				"audience")...)),
		"no strings": with(seed(`"clientId":7`, `"tenantId":null`),
			form(client, tenant, "file-value-not-string /clientId",
				"file-value-not-string /tenantId")),
		"secrets in the file": with(seed(`"clientId":"AccountKey=pl4nted"`, `"tenantId":"AccountKey=pl4nted"`),
			form(client, tenant, "client-id-secret /clientId", "tenant-id-secret /tenantId")),
		"unfit in the file": with(seed(`"clientId":"x"`, `"tenantId":"common"`), form(client, tenant,
			"client-id-not-guid /clientId", "tenant-id-alias /tenantId")),
		"wrapped and misnamed": with(`{"é/":`+renamed("clientId", "client_id")+`}`,
			form(other, "", "file-wrapped /é~1",
				"file-member-misnamed /é~1/client_id", "form-client-id-mismatch /é~1/client_id")),
		"exchanged, one twice in the file": with(seed(`"tenantId":`+quote(client)), form(client, client,
			"client-id-is-tenant-id /clientId")),
	}
	return joined(cases, domainCases())
}

func platformCases() map[string]judged {
	cases := map[string]judged{
		"every cloud's audience": {file: seed(`"audience":"api://AzureADTokenExchangeChina"`),
			want: []string{"audience-other-cloud /audience"}},
	}
	for name, value := range map[string]string{"a slash more": issuer + "/",
		"another case": "https://dataloop.ai/OAuth2",
		"another":      "https://dataloop.ai/oauth3"} {
		cases["issuer, "+name] = judged{file: seed(`"federatedTokenIssuer":` + quote(value)),
			want: []string{"issuer-unexpected /federatedTokenIssuer"}}
	}
	for name, value := range map[string]string{"another namespace": "system:serviceaccount:other:x",
		"a word": "dataloop",
	} {
		cases["subject, "+name] = judged{file: seed(`"subject":` + quote(value)),
			want: []string{"subject-unexpected /subject"}}
	}
	cases["another environment"] = judged{file: seed(`"federatedTokenIssuer":"https://rc.dataloop.ai/oauth2"`),
		want: []string{"issuer-unexpected /federatedTokenIssuer"}}
	cases["another platform"] = judged{file: seed(
		`"federatedTokenIssuer":"https://token.actions.githubusercontent.com"`,
		`"subject":"repo:octo/cat:ref:refs/heads/main"`), want: []string{
		"issuer-other-platform /federatedTokenIssuer", "subject-other-platform /subject"}}
	cases["ids exchanged, as far as a domain tells"] = judged{file: seed(`"clientId":"contoso.com"`),
		want: []string{"ids-swapped /clientId"}}
	cases["issuer unfit"] = judged{file: seed(`"federatedTokenIssuer":"http://x"`),
		want: []string{"issuer-not-https /federatedTokenIssuer"}}
	cases["subject unfit"] = judged{file: seed(`"subject":"*"`), want: []string{"subject-wildcard /subject"}}
	cases["issuer worth a warning"] = judged{file: seed(`"federatedTokenIssuer":"https://dataloop.ai:443/oauth2"`),
		want: []string{"issuer-port /federatedTokenIssuer", "issuer-unexpected /federatedTokenIssuer"}}
	return cases
}
