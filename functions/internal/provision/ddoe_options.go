package provision

import (
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

// OptionSource is where an option's value comes from: one of clientId, tenantId, accountName, container and
// credentialFile, or a literal.
type OptionSource struct {
	Value   string
	Literal secret.Value
}

// OptionMap says where the values of options come from, by the option's name.
type OptionMap map[string]OptionSource

// ParseOptionMap reads the setting DDOE_OPTION_MAP: a JSON object of option name → one of the five values, or =literal.
// Its error shows no value, which may be secret. A literal that is shorter than four bytes is no secret: answers of the platform
// that repeat it are shown as they are, as taking it out would spoil words.
func ParseOptionMap(text string) (OptionMap, error) {
	if text == "" {
		return nil, nil
	}
	var given map[string]string
	if err := json.Unmarshal([]byte(text), &given); err != nil || given == nil {
		return nil, errors.New("not a JSON object of strings")
	}
	m := OptionMap{}
	for _, name := range slices.Sorted(maps.Keys(given)) { // the same fault is named each time
		source := given[name]
		literal, isLiteral := strings.CutPrefix(source, "=")
		switch {
		case isLiteral:
			m[name] = OptionSource{Literal: secret.New(literal)}
		case slices.Contains([]string{valueClientID, valueTenantID, valueAccountName, valueContainer, valueCredentialFile}, source):
			m[name] = OptionSource{Value: source}
		default:
			return nil, fmt.Errorf("the source of option %q is none of clientId, tenantId, accountName, container, credentialFile and =literal", diagnosis.Printable(name))
		}
	}
	return m, nil
}

// Literals are the texts that the map brings along.
func (m OptionMap) Literals() []secret.Value {
	var all []secret.Value
	for _, source := range m {
		if !source.Literal.IsZero() {
			all = append(all, source.Literal)
		}
	}
	return all
}

// names are the names of the map's options, for people.
func (m OptionMap) names() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, diagnosis.Printable(name))
	}
	return all
}

// offer is the integration type to use, with the source of each option that is sent.
type offer struct {
	kind    string
	sources OptionMap
}

// choose picks the type and maps its options. The diagnosis says why that cannot be done without guessing.
func (p *Platform) choose(d integration.Document, offered []ddoe.IntegrationType) (*offer, *diagnosis.Diagnosis) {
	candidates := p.candidates(offered)
	if len(candidates) > 1 && onPlatform(d) {
		known := d.Status.DDOE.IntegrationType
		if i := slices.IndexFunc(candidates, func(t ddoe.IntegrationType) bool { return t.Type == known }); i >= 0 {
			candidates = candidates[i : i+1]
		}
	}
	if len(candidates) != 1 {
		return nil, typeUnknown(p.IntegrationType, candidates, offered)
	}
	kind := candidates[0]
	o := &offer{kind: kind.Type, sources: OptionMap{}}
	var missing []ddoe.Option
	for _, option := range kind.Options {
		source, ok := p.source(option)
		if ok && source.Value == valueContainer && d.Spec.Storage[0].Container == "" {
			ok = false
		}
		switch {
		case ok:
			o.sources[option.Name] = source
		case option.Required:
			missing = append(missing, option)
		}
	}
	if len(missing) > 0 {
		return nil, optionsUnknown(kind, missing)
	}
	return o, nil
}

// optionsUnknown says which required options of a type have no known meaning. Where one is to hold a secret, nobody is sent
// to write it into a setting; nor where one has no name that can be read, which no setting can give a value.
func optionsUnknown(kind ddoe.IntegrationType, missing []ddoe.Option) *diagnosis.Diagnosis {
	if slices.ContainsFunc(missing, func(option ddoe.Option) bool { return option.Name == "" }) {
		refusal := diagnosis.New(diagnosis.CodeDDOEOptionUnreadable, diagnosis.WithDetail(
			"The integration type %s may require an option whose name cannot be read: nothing can be sent for it.", shown(kind.Type, kind.DisplayName)))
		return &refusal
	}
	var all, secrets []string
	for _, option := range missing {
		name := shown(option.Name, option.DisplayName)
		all = append(all, name)
		if namesSecret(option.Name) || namesSecret(option.DisplayName) {
			secrets = append(secrets, name)
		}
	}
	refusal := diagnosis.New(diagnosis.CodeDDOEOptionUnmapped, diagnosis.WithDetail(
		"The integration type %s requires options without a known meaning: %s. Set DDOE_OPTION_MAP to say where their values come from.",
		shown(kind.Type, kind.DisplayName), strings.Join(all, ", ")))
	if len(secrets) > 0 {
		says := "The integration type %s takes a secret: %s. Federation has none, so this type is not the one for it: name another in DDOE_INTEGRATION_TYPE, or do it by hand."
		if namesFederation(kind) {
			says = "The integration type %s is by its name the one for federation, which has no secret, and requires what sounds like one: %s. Ask DDOE what it takes; a placeholder that is no secret goes into DDOE_OPTION_MAP as =value."
		}
		refusal = diagnosis.New(diagnosis.CodeDDOEOptionSecret, diagnosis.WithDetail(says, shown(kind.Type, kind.DisplayName), strings.Join(secrets, ", ")))
	}
	return &refusal
}

// candidates are the offered types that may be the one, each once.
func (p *Platform) candidates(offered []ddoe.IntegrationType) []ddoe.IntegrationType {
	var found []ddoe.IntegrationType
	for _, t := range offered {
		if slices.ContainsFunc(found, func(known ddoe.IntegrationType) bool { return known.Type == t.Type }) {
			continue
		}
		if p.IntegrationType != "" && t.Type == p.IntegrationType || p.IntegrationType == "" && namesFederation(t) {
			found = append(found, t)
		}
	}
	return found
}

// namesFederation reports whether a type's names speak of Azure and of workload identity, WIF or federation.
func namesFederation(t ddoe.IntegrationType) bool {
	names := plain(t.Type + t.DisplayName)
	return strings.Contains(names, "azure") &&
		(strings.Contains(names, "workloadidentity") || strings.Contains(names, "wif") || strings.Contains(names, "federat"))
}

// typeUnknown says why no type, or none of several candidates, can be taken without guessing, and what helps.
func typeUnknown(wanted string, candidates, offered []ddoe.IntegrationType) *diagnosis.Diagnosis {
	const enable = "have DDOE enable the type for the organisation."
	why := "None of the types that the organisation offers names Azure and workload identity federation."
	if wanted != "" {
		why = "The organisation does not offer the type " + diagnosis.Printable(wanted) + " of DDOE_INTEGRATION_TYPE."
	}
	switch {
	case len(candidates) > 1:
		why = "Several of the types that the organisation offers name Azure and workload identity federation: " + typeNames(candidates) + ". Set DDOE_INTEGRATION_TYPE to the right one."
	case len(offered) == 0:
		why += " It offers nothing: " + enable
	default:
		why += " It offers: " + typeNames(offered) + ". If one of them is the right one, set DDOE_INTEGRATION_TYPE to it; else " + enable
	}
	refusal := diagnosis.New(diagnosis.CodeDDOETypeUnknown, diagnosis.WithDetail("%s", why))
	return &refusal
}

// typeNames are the names of types for people, of not too many.
func typeNames(types []ddoe.IntegrationType) string {
	const most = 20
	var names []string
	for _, t := range types[:min(len(types), most)] {
		names = append(names, shown(t.Type, t.DisplayName))
	}
	return strings.Join(names, ", ")
}

// shown is a name of the platform's for people.
func shown(name, displayName string) string {
	if displayName == "" {
		return diagnosis.Printable(name)
	}
	return diagnosis.Printable(name) + " (" + diagnosis.Printable(displayName) + ")"
}

// source is where an option's value comes from: by the setting, else by its name and its display name, which must not
// contradict each other; there is none where either is that of a secret, or without a name to send it by.
func (p *Platform) source(o ddoe.Option) (OptionSource, bool) {
	if o.Name == "" {
		return OptionSource{}, false
	}
	if source, ok := p.OptionMap[o.Name]; ok {
		return source, true
	}
	byName, byDisplay := meaning(o.Name), meaning(o.DisplayName)
	switch {
	case namesPassword(o.Name), namesPassword(o.DisplayName):
		return OptionSource{}, false
	case byName == "" && byDisplay == "", byName != "" && byDisplay != "" && byName != byDisplay:
		return OptionSource{}, false
	case byDisplay != "":
		return OptionSource{Value: byDisplay}, true
	default:
		return OptionSource{Value: byName}, true
	}
}

// meaning is the value that a name stands for; empty where it is not plain. What sounds like a secret stands for nothing:
// there is none to give.
func meaning(name string) string {
	text := plain(name)
	if speaksOfSecret(name) {
		return ""
	}
	for _, m := range []struct {
		value string
		parts []string
		whole []string
	}{
		{valueClientID, []string{"clientid", "applicationid", "appid"}, []string{"client", "application"}},
		{valueTenantID, []string{"tenantid", "directoryid"}, []string{"tenant", "directory"}},
		{valueContainer, []string{"containername"}, []string{"container", "storagecontainer", "blobcontainer"}},
		{valueAccountName, []string{"accountname", "storageaccount"}, []string{"account"}},
		{valueCredentialFile, []string{"credentialfile", "credentialsfile", "credentialjson", "credentialsjson", "jsonfile", "importfile", "importjson"}, []string{"content", "credential", "credentials"}},
	} {
		if slices.Contains(m.whole, text) || slices.ContainsFunc(m.parts, func(part string) bool { return strings.Contains(text, part) }) {
			return m.value
		}
	}
	return ""
}

// plain is a name in lower case, letters and digits alone.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// madeFile is the credential file of an integration whose identity exists, although its provisioning has not ended.
func madeFile(d integration.Document) ([]byte, error) {
	d.Status.Phase, d.Status.Conditions = integration.PhaseProvisioned, nil
	return credential.CredentialFile(d, "")
}

// values are the options to send, and the hash that tells them from others.
func (o *offer) values(d integration.Document) (ddoe.Values, string, error) {
	file, err := madeFile(d)
	if err != nil {
		return nil, "", err
	}
	account, _ := integration.ParseStorageAccountID(d.Spec.Storage[0].ResourceID) // a stored spec is valid
	known := map[string]string{valueClientID: d.Status.ClientID, valueTenantID: d.Spec.TenantID, valueAccountName: account.Name,
		valueContainer: d.Spec.Storage[0].Container, valueCredentialFile: string(file)}
	values := ddoe.Values{}
	for name, source := range o.sources {
		values[name] = known[source.Value]
		if source.Value == "" {
			values[name] = source.Literal.Reveal()
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
