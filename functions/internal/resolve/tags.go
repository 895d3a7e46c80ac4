package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The limits of a spec's tags, in characters.
const (
	maxTags     = 20
	maxTagName  = 64
	maxTagValue = 256
)

// judgeTags finds what is wrong with tags. They hold no secret: everybody who may see the integration sees them.
func judgeTags(tags map[string]string) []diagnosis.Finding {
	var findings []diagnosis.Finding
	if len(tags) > maxTags {
		findings = append(findings, diagnosis.Finding{Pointer: "/tags", Code: diagnosis.CodeInvalidValue,
			Detail: "There are too many tags.", Expected: fmt.Sprintf("at most %d", maxTags)})
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if !isTagName(name) {
			findings = append(findings, diagnosis.Finding{Pointer: "/tags", Code: diagnosis.CodeInvalidValue,
				Actual: field.Actual(name), Detail: "The name of a tag is not valid.",
				Expected: "1 to 64 letters, digits, dots, underscores and hyphens"})
			continue
		}
		for _, found := range field.Printable("tag", maxTagValue).Check("/tags/"+name, tags[name]) {
			findings = append(findings, diagnosis.Finding{Pointer: found.Pointer, Code: diagnosis.CodeInvalidValue,
				Actual: found.Actual, Detail: "The value of the tag is not valid.",
				Expected: found.Expected, Remedy: found.Remedy})
		}
	}
	return findings
}

func isTagName(name string) bool {
	isForeign := func(r rune) bool {
		return r >= utf8.RuneSelf || !strings.ContainsRune("._-", r) && (r < '0' || r > '9') &&
			(r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return name != "" && len(name) <= maxTagName && strings.IndexFunc(name, isForeign) < 0 && field.Secret(name) == ""
}
