package provision

import (
	"slices"
	"strings"
	"unicode"
)

// namesSecret reports whether the name of an option asks for a secret: one is spoken of, and not only something about it,
// such as the name of a key or the URL for tokens. In doubt it does.
func namesSecret(name string) bool {
	about := func(word string) bool {
		return slices.Contains([]string{"public", "id", "identifier", "name", "url", "uri", "endpoint", "audience", "issuer", "subject", "vault", "type", "path", "lifetime"}, word)
	}
	return namesPassword(name) || speaksOfSecret(name) && !slices.ContainsFunc(wordsIn(name), about)
}

// speaksOfSecret reports whether a name speaks of a secret at all: of a password, key, token or signature. Keyless does not.
func speaksOfSecret(name string) bool {
	return namesPassword(name) || slices.ContainsFunc(wordsIn(name), func(word string) bool {
		return slices.ContainsFunc([]string{"key", "keys", "token", "tokens", "signature"}, func(end string) bool { return strings.HasSuffix(word, end) })
	})
}

// namesPassword reports whether a name has what no name of anything but a secret has, whatever else it says.
func namesPassword(name string) bool {
	text := plain(name)
	return slices.ContainsFunc([]string{"secret", "password", "passphrase", "connectionstring", "accesskey", "accountkey", "storagekey"}, func(part string) bool { return strings.Contains(text, part) }) ||
		slices.ContainsFunc(wordsIn(name), func(word string) bool { return word == "sas" || word == "pwd" })
}

// wordsIn are the words of a name in lower case, whatever parts them: blanks, punctuation, or a capital as in accountKey.
func wordsIn(name string) []string {
	var spaced strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			spaced.WriteRune(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(spaced.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
