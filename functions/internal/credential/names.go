package credential

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// otherNames are names under which the five values are known elsewhere: claims, command lines, the portal, as in
// "Directory (tenant) ID". They are compared as squeeze leaves them.
var otherNames = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"clientid": memberClientID, "tenantid": memberTenantID, "federatedtokenissuer": memberIssuer,
		"subject": memberSubject, "audience": memberAudience,
		"appid": memberClientID, "applicationid": memberClientID, "azureclientid": memberClientID,
		"applicationclientid": memberClientID,
		"tenant":              memberTenantID, "directoryid": memberTenantID, "azuretenantid": memberTenantID,
		"directorytenantid": memberTenantID,
		"issuer":            memberIssuer, "iss": memberIssuer, "tokenissuer": memberIssuer,
		"oidcissuer": memberIssuer, "issuerurl": memberIssuer, "federatedissuer": memberIssuer,
		"sub": memberSubject, "subjectidentifier": memberSubject, "serviceaccount": memberSubject,
		"aud": memberAudience, "audiences": memberAudience,
	}
})

// owners are words before a name that tell whose it is, as those of environment variables do.
var owners = [...]string{"azure", "arm", "entra", "wif", "ddoe", "dataloop"}

// meant returns the member of the file that a name is, or plainly means: by another spelling, another name, or one or
// two letters mistyped. Empty where it means none.
func meant(name string) string {
	for _, known := range memberNames {
		if name == known {
			return known
		}
	}
	plain := squeeze(name)
	if known, ok := otherNames()[plain]; ok {
		return known
	}
	for _, owner := range owners {
		if rest, found := strings.CutPrefix(plain, owner); found {
			if known, ok := otherNames()[rest]; ok {
				return known
			}
		}
	}
	for i, known := range plainNames {
		most := min(2, len(known)/4) // letters, and so the lengths differ by no more
		if len(plain) <= len(known)+most && len(known) <= len(plain)+most && isWithin(plain, known, most) {
			return memberNames[i]
		}
	}
	return ""
}

// separators are what names are written with beside letters and digits.
const separators = "-_ .()"

// squeeze takes away separators and case.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// isWithin reports whether it takes so many letters or fewer to insert, remove or replace to make b of a
// (Levenshtein). b is the longer of the two by no more than that, and has at most widest letters.
func isWithin(a, b string, most int) bool {
	var rows [widest + 1]int
	row := rows[:len(b)+1]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
			least = min(least, row[j+1])
		}
		if least > most { // it grows no smaller
			return false
		}
	}
	return row[len(b)] <= most
}

// widest is the length of the longest name of a member.
const widest = len(memberIssuer)

// wordStart splits camelCase before squeeze takes the separators away.
var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// secretStems are in every name that isSecretName takes; most names are told from those by them, and quickly.
var secretStems = [...]string{"secret", "pass", "key", "connection", "token", "cert", "assertion", "sas", "pwd", "pem",
	"pfx", "private"}

// hasSecretStem reports whether a text in lower case has one of the stems.
func hasSecretStem(text string) bool {
	isIn := func(stem string) bool { return strings.Contains(text, stem) }
	return slices.ContainsFunc(secretStems[:], isIn)
}

// aboutOne are the last words of names of what is only about a secret: where it is, whose it is, how long it is good.
func aboutOne() []string {
	return []string{"id", "url", "uri", "type", "endpoint", "path", "file", "name", "expiry", "expires", "lifetime",
		"audience", "issuer"}
}

// isSecretName reports whether a member of this name usually holds a secret. Names of what is only about one, such as
// a token's URL or a key's id, do not; a secret that stands there is known by its shape.
func isSecretName(name string) bool {
	plain := squeeze(name)
	if !hasSecretStem(plain) {
		return false
	}
	apart := name
	if strings.ToLower(name) != name {
		apart = strings.ToLower(wordStart.ReplaceAllString(name, "${1}_$2"))
	}
	words := strings.FieldsFunc(apart, func(r rune) bool { return strings.ContainsRune(separators, r) })
	if len(words) == 0 || meant(name) != "" || slices.Contains(aboutOne(), words[len(words)-1]) {
		return false
	}
	for _, part := range []string{"secret", "password", "passwd", "passphrase", "privatekey", "accountkey",
		"accesskey", "sharedkey", "apikey", "connectionstring", "token", "certificate", "assertion"} {
		if strings.Contains(plain, part) {
			return true
		}
	}
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"key", "keys", "sas", "pwd", "cert", "pem", "pfx", "private", "connection"}, w)
	})
}
