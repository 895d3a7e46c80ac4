package credential_test

import (
	"encoding/base64"
	"slices"
	"strings"
)

// packed is the base64 of a text, lined a text as the program base64 breaks it.
func packed(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func lined(text string) string {
	return strings.Join(slices.Collect(func(yield func(string) bool) {
		for line := range slices.Chunk([]byte(text), 76) {
			if !yield(string(line)) {
				return
			}
		}
	}), "\n") + "\n"
}

// wholeCases are files that are put into base64 or a string as a whole.
func wholeCases() map[string]judged {
	return map[string]judged{
		"in base64": {file: packed(seed()), want: []string{"file-wrapped "}},
		"in base64, in lines": {file: lined(packed(seed("\"x\":\"" + strings.Repeat("x", 9) + "\""))),
			want: []string{"file-wrapped ", "file-member-unknown /x"}},
		"in base64url, without padding": {file: strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(
			seed(`"subject":"~?~?~?ÿ"`))), "="), want: []string{"file-wrapped ", "subject-wildcard /subject"}},
		"in base64, with a byte order mark": {file: packed("\ufeff" + seed()), want: []string{"file-byte-order-mark ",
			"file-wrapped "}},
		"in base64, in UTF-16": {file: packed(strings.Join(strings.Split(seed(), ""), "\x00") + "\x00"),
			want: []string{"file-encoding ", "file-wrapped "}},
		"in base64, in a file of UTF-16": {file: strings.Join(strings.Split(packed(seed()), ""), "\x00") + "\x00",
			want: []string{"file-encoding ", "file-wrapped "}},
		"in base64, in a file with a byte order mark": {file: "\ufeff" + packed(seed()),
			want: []string{"file-byte-order-mark ", "file-wrapped "}},
		"a byte that is base64 of a brace and of no text": {file: "e_8i", want: []string{"file-not-json "}},
		"in base64, cut off": {file: packed(seed()[:100]),
			want: []string{"file-wrapped ", "file-not-json "}},
		"in base64, with a secret": {file: packed(seed(`"clientSecret":"pl4nted"`)), want: []string{"file-wrapped ",
			"file-secret /clientSecret"}},
		"in base64, another kind": {file: packed(`{"appId":"x","password":"pl4nted","tenant":"x"}`),
			want: []string{"file-wrapped ", "file-wrong-kind ", "file-secret /password"}},
		"in base64, in a list": {file: packed("[" + seed() + "]"), want: []string{"file-wrapped ", "file-wrapped /0"}},
		"in base64 in base64":  {file: packed(packed(seed())), want: []string{"file-wrapped "}},
		"in a string":          {file: quote(seed()), want: []string{"file-wrapped "}},
		"in a string in a string": {file: quote(quote(seed(`"x":1`))), want: []string{"file-wrapped ",
			"file-member-unknown /x"}},
		"in base64, in a string": {file: quote(packed(seed())), want: []string{"file-wrapped "}},
		"in a string, with more behind it": {file: quote(seed()) + ",", want: []string{"file-trailing-data ",
			"file-not-object "}},
		"a string in a member": {file: `{"credentials":` + quote(seed()) + `}`,
			want: []string{"file-wrapped /credentials"}},
		"base64 in a member": {file: `{"name":"x","credentials":"` + packed(seed()) + `"}`,
			want: []string{"file-wrapped /credentials"}},
		"base64 in base64 in a member": {file: `{"credentials":"` + packed(packed(seed(`"x":1`))) + `"}`,
			want: []string{"file-wrapped /credentials", "file-member-unknown /credentials/x"}},
		"base64 in a member, with a secret beside it": {file: `{"password":"pl4nted","credentials":"` +
			packed(seed()) + `"}`, want: []string{"file-wrapped /credentials", "file-secret /password"}},
		"base64 in a member, with a secret in it": {file: `{"credentials":"` + packed(seed(`"password":"pl4nted"`)) +
			`"}`, want: []string{"file-wrapped /credentials", "file-secret /credentials/password"}},
		"a string in the member of a value": {file: seed(`"clientId":` + quote(seed())),
			want: []string{"file-wrapped /clientId"}},
		"base64 in the member of a value": {file: seed(`"subject":"` + packed(seed()) + `"`),
			want: []string{"file-wrapped /subject"}},
		"a string in a string in the member of a value": {file: seed(`"audience":` + quote(quote(seed()))),
			want: []string{"file-wrapped /audience"}},
		"a secret in a string in the member of a value": {file: seed(`"tenantId":` + quote(seed(`"password":"x"`))),
			want: []string{"tenant-id-secret /tenantId"}},
		"a string that is no file in the member of a value": {
			file: seed(`"audience":` + quote(`{"one":"`+strings.Repeat("x", 40)+`"}`)),
			want: []string{"audience-copied /audience"}},
		"a word that is base64 of a brace": {file: "eyAg", want: []string{"file-not-json "}},
	}
}
