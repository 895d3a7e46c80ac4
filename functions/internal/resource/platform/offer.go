package platform

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// The values that an option may stand for.
const (
	valueClientID       = "clientId"
	valueTenantID       = "tenantId"
	valueAccountName    = "accountName"
	valueContainer      = "container"
	valueCredentialFile = "credentialFile"
)

// plainSource is what an option stands for whose name speaks for itself: names that the platform gives options of
// other types, and the words of its form (reference/ddoe.md s.4.4 and s.9.1). Every other one is for DDOE_OPTION_MAP.
func plainSource(name string) string {
	switch letters(name) {
	case "clientid", "applicationid", "applicationclientid", "appid", "azureclientid", "azureappid":
		return valueClientID
	case "tenantid", "directoryid", "directorytenantid", "azuretenantid", "azureadtenantid":
		return valueTenantID
	case "accountname", "storageaccount", "storageaccountname":
		return valueAccountName
	case "container", "containername":
		return valueContainer
	case "credentialfile", "credentialfilejson", "credentials", "credentialsjson", "importfile", "content",
		"importjsonfile":
		return valueCredentialFile
	}
	return ""
}

// OptionMap tells where the values of options come from, by the option's name: one of the five values, or =literal.
type OptionMap map[string]secret.Value

// ParseOptionMap reads the setting DDOE_OPTION_MAP, a JSON object. Its error shows no value, which may be secret.
func ParseOptionMap(text string) (OptionMap, error) {
	if text == "" {
		return nil, nil
	}
	var m OptionMap
	if err := json.Unmarshal([]byte(text), &m); err != nil || m == nil {
		return nil, errors.New("not a JSON object of strings")
	}
	values := []string{valueClientID, valueTenantID, valueAccountName, valueContainer, valueCredentialFile}
	for _, name := range slices.Sorted(maps.Keys(m)) { // the same fault is named each time
		if source := m[name].Reveal(); !strings.HasPrefix(source, "=") && !slices.Contains(values, source) {
			return nil, fmt.Errorf("the source of option %q is none of %s and =literal", redact.Printable(name),
				strings.Join(values, ", "))
		}
	}
	return m, nil
}

// Literals are the texts that the map brings along.
func (m OptionMap) Literals() []secret.Value {
	var all []secret.Value
	for _, source := range m {
		if literal, ok := strings.CutPrefix(source.Reveal(), "="); ok {
			all = append(all, secret.New(literal))
		}
	}
	return all
}

// offer is the integration type to use, with the source of each option that is sent.
type offer struct {
	kind    string
	sources OptionMap
}

// choose picks the type and maps its options. The diagnosis tells why that cannot be done without guessing.
func (p *Platform) choose(d integration.Document, offered []ddoe.IntegrationType) (*offer, *diagnosis.Diagnosis) {
	var fit []ddoe.IntegrationType
	for _, t := range offered {
		if p.IntegrationType != "" && t.Type == p.IntegrationType || p.IntegrationType == "" && isFederation(t) {
			fit = append(fit, t)
		}
	}
	if len(fit) != 1 {
		fits := "name Azure and workload identity federation"
		if p.IntegrationType != "" {
			fits = "are " + redact.Printable(p.IntegrationType) + ", as DDOE_INTEGRATION_TYPE says"
		}
		return nil, unclear(diagnosis.CodeDDOETypeUnknown, "%d of the types that the organisation offers %s. It "+
			"offers: %s. Set DDOE_INTEGRATION_TYPE to the right one, if it is among them.",
			len(fit), fits, typeNames(offered))
	}
	o := &offer{kind: fit[0].Type, sources: OptionMap{}}
	var missing []string
	for _, option := range fit[0].Options {
		source, known := p.sourceOf(option)
		known = known && (source.Reveal() != valueContainer || d.Spec.Storage[0].Container != "")
		switch {
		case known:
			o.sources[option.Name] = source
		case option.Required:
			missing = append(missing, label(option.Name, option.DisplayName))
		}
	}
	if len(missing) > 0 {
		return nil, unclear(diagnosis.CodeDDOEOptionUnmapped, "The integration type %s requires options without a "+
			"known meaning: %s. Set DDOE_OPTION_MAP.", typeNames(fit), strings.Join(missing, ", "))
	}
	return o, nil
}

func unclear(code diagnosis.Code, format string, args ...any) *diagnosis.Diagnosis {
	found := diagnosis.New(code, diagnosis.WithDetail(format, args...))
	return &found
}

// isFederation reports whether a type's names speak of Azure and of workload identity, WIF or federation.
func isFederation(t ddoe.IntegrationType) bool {
	names := letters(t.Type + t.DisplayName)
	isWord := func(word string) bool { return strings.Contains(names, word) }
	return isWord("azure") && (isWord("workloadidentity") || isWord("wif") || isWord("federat"))
}

// typeNames are the names of types for people.
func typeNames(types []ddoe.IntegrationType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = label(t.Type, t.DisplayName)
	}
	return strings.Join(names, ", ")
}

// label is a name of the platform's for people.
func label(name, displayName string) string {
	if displayName == "" {
		return redact.Printable(name)
	}
	return redact.Printable(name) + " (" + redact.Printable(displayName) + ")"
}

// sourceOf is where an option's value comes from: by the setting, else by its name and its display name, which must
// not contradict each other.
func (p *Platform) sourceOf(o ddoe.Option) (secret.Value, bool) {
	if source, ok := p.OptionMap[o.Name]; ok || o.Name == "" {
		return source, ok
	}
	byName, byDisplay := plainSource(o.Name), plainSource(o.DisplayName)
	isClear := byName == byDisplay || byName == "" || byDisplay == ""
	return secret.New(cmp.Or(byName, byDisplay)), isClear && byName+byDisplay != ""
}

// letters is a name in lower case, letters and digits alone.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// values are the options to send, and the hash that tells them from others.
func (o *offer) values(d integration.Document) (map[string]string, string, error) {
	d.Status.Phase, d.Status.Conditions = integration.PhaseProvisioned, nil // the identity exists
	file, err := credential.CredentialFile(d, "")
	if err != nil {
		return nil, "", err
	}
	known := map[string]string{valueClientID: d.Status.ClientID, valueTenantID: d.Spec.TenantID,
		valueAccountName: d.Spec.Storage[0].Account().Name, valueContainer: d.Spec.Storage[0].Container,
		valueCredentialFile: string(file)}
	values := map[string]string{}
	for name, source := range o.sources {
		var isLiteral bool
		if values[name], isLiteral = strings.CutPrefix(source.Reveal(), "="); !isLiteral {
			values[name] = known[source.Reveal()]
		}
	}
	parts := []string{o.kind}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name, values[name])
	}
	body, err := json.Marshal(parts)
	if err != nil {
		return nil, "", fmt.Errorf("hash options: %w", err)
	}
	sum := sha256.Sum256(body)
	return values, hex.EncodeToString(sum[:]), nil
}
