package entra

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxValue caps, in bytes, a value taken out of the service's text.
const maxValue = 600

// explanation holds what the text of a refusal tells beside its number. Microsoft calls the text subject to change, so
// nothing is decided by it; it only adds words.
type explanation struct {
	issuer, subject, audience string
	expectedSubject           string
	client, directory         string
	now, from, until          string
	keyID                     string
	wantClaim, wantValue      string
	gotValue                  string
}

// The patterns of the texts, tried on recorded messages. They match over line breaks.
var (
	patternNumber    = regexp.MustCompile(`AADSTS(\d{4,9}):`)
	patternPresented = regexp.MustCompile(`(?s)presented\s+assertion\s+(issuer|subject|audience)\s+'(.*?)'\.(?:\s|$)`)
	patternLegacy    = regexp.MustCompile(`(?s)[Aa]ssertion [Ii]ssuer:?\s+'(.*?)'\.\s+[Aa]ssertion [Ss]ubject:?` +
		`\s+'(.*?)'\.\s+[Aa]ssertion [Aa]udience:?\s+'(.*?)'\.`)
	patternExpected = regexp.MustCompile(`(?s)credential Subject is '(.*?)'\.(?:\s|$)`)
	patternClient   = regexp.MustCompile(`(?s)Application with identifier '(.*?)' was not found in the ` +
		`directory '(.*?)'`)
	patternNoTrust = regexp.MustCompile(`(?s)client '([^']*)'(?:\([^)]*\))?\s+has no configured federated`)
	patternTimes   = regexp.MustCompile(`(?s)Current time: (\S+?), assertion valid from (\S+?), expiry time of ` +
		`assertion (\S+?)\.?(?:\s|$)`)
	patternKey = regexp.MustCompile(`(?s)certificate with identifier (\S+) used to sign .*? identity provider ` +
		`(\S+?)\.(?:\s|$)`)
	patternTenant = regexp.MustCompile(`(?s)tenant identifier '(.*?)' is neither`)
	patternClaim  = regexp.MustCompile(`(?s)issued by '(.*?)' .*?must contain the (\w+) claim with value (.+?) but ` +
		`actual value is '(.*?)'`)
)

func numberInText(text string) int {
	m := patternNumber.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// explain extracts the values of a text.
func explain(text string) explanation {
	var x explanation
	for _, m := range patternPresented.FindAllStringSubmatch(text, 3) {
		switch m[1] {
		case "issuer":
			x.issuer = clean(m[2])
		case "subject":
			x.subject = clean(m[2])
		case "audience":
			x.audience = clean(m[2])
		}
	}
	take(patternLegacy, text, &x.issuer, &x.subject, &x.audience)
	take(patternExpected, text, &x.expectedSubject)
	take(patternClient, text, &x.client, &x.directory)
	take(patternNoTrust, text, &x.client)
	take(patternTimes, text, &x.now, &x.from, &x.until)
	take(patternKey, text, &x.keyID, &x.issuer)
	take(patternTenant, text, &x.directory)
	take(patternClaim, text, &x.issuer, &x.wantClaim, &x.wantValue, &x.gotValue)
	return x
}

func take(pattern *regexp.Regexp, text string, into ...*string) {
	m := pattern.FindStringSubmatch(text)
	for i := range into {
		if i+1 < len(m) {
			*into[i] = clean(m[i+1])
		}
	}
}

// sentence names the values that are not compared with the document.
func (x explanation) sentence() string {
	switch {
	case x.now != "":
		return fmt.Sprintf("Entra's clock said %s; the token is valid from %s to %s.", x.now, x.from, x.until)
	case x.keyID != "":
		return fmt.Sprintf("The token names the key %q of %q.", x.keyID, x.issuer)
	case x.wantClaim != "":
		return fmt.Sprintf("The tenant demands the claim %q with %q; the token has %q.", x.wantClaim, x.wantValue,
			x.gotValue)
	case x.client != "" && x.directory != "":
		return fmt.Sprintf("Entra looked for %q in the tenant %q.", x.client, x.directory)
	case x.client != "":
		return fmt.Sprintf("Entra looked at the identity with the client id %q.", x.client)
	case x.directory != "":
		return fmt.Sprintf("Entra was given the tenant %q.", x.directory)
	default:
		return ""
	}
}

// clean makes a value from outside fit to be kept: no control or invisible characters, at most 600 bytes, and nothing
// where the service masked it.
func clean(s string) string {
	if len(s) > maxValue {
		s = strings.ToValidUTF8(s[:maxValue], "")
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if strings.Trim(s, "*") == "" {
		return ""
	}
	return s
}
