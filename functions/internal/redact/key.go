package redact

import "strings"

// keyLength is the characters of base64 that 64 bytes make, without the padding: an account's key is that long.
const keyLength = 86

// HasAccountKey reports whether a text holds what may be the key of a storage account: 64 bytes in base64, with or
// without the padding, which is lost where somebody copies the words of a line by a double click. Where there is no
// padding, the length alone would prove little: the last character encodes two bits, and random bytes make letters of
// both cases and digits.
func HasAccountKey(text string) bool { return redactKeys(text) != text }

func redactKeys(text string) string {
	if len(text) < keyLength {
		return text
	}
	return replaceRuns(text, keyLength, isOfKey, func(run string) string {
		if isKey(run) {
			return redacted
		}
		return run
	})
}

// isOfKey reports whether a byte is of base64 (RFC 4648, section 4); the two of base64url are too, so that a part of
// such a text is taken for no key.
func isOfKey(c byte) bool {
	return isAlphanumeric(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

func isKey(run string) bool {
	return len(run) == keyLength && strings.IndexByte("AQgw", run[len(run)-1]) >= 0 &&
		!strings.ContainsAny(run, "-_") && strings.ContainsAny(run, "0123456789") &&
		strings.ToLower(run) != run && strings.ToUpper(run) != run
}
