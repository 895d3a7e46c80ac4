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
// Its error shows no value, which may be secret.
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
		return nil, typeUnknown(p.IntegrationType, len(candidates), offered)
	}
	kind := candidates[0]
	o := &offer{kind: kind.Type, sources: OptionMap{}}
	var missing []string
	for _, option := range kind.Options {
		source, ok := p.source(option)
		if ok && source.Value == valueContainer && d.Spec.Storage[0].Container == "" {
			ok = false
		}
		switch {
		case ok:
			o.sources[option.Name] = source
		case option.Required:
			missing = append(missing, shown(option.Name, option.DisplayName))
		}
	}
	if len(missing) > 0 {
		refusal := diagnosis.New("ddoe-option-unmapped", diagnosis.WithDetail(
			"The integration type %s requires options without a known meaning: %s. Set DDOE_OPTION_MAP to say where their values come from.",
			shown(kind.Type, kind.DisplayName), strings.Join(missing, ", ")))
		return nil, &refusal
	}
	return o, nil
}

// candidates are the offered types that may be the one.
func (p *Platform) candidates(offered []ddoe.IntegrationType) []ddoe.IntegrationType {
	var found []ddoe.IntegrationType
	for _, t := range offered {
		if p.IntegrationType != "" && t.Type == p.IntegrationType || p.IntegrationType == "" && t.Type != "" && namesFederation(t) {
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

func typeUnknown(wanted string, candidates int, offered []ddoe.IntegrationType) *diagnosis.Diagnosis {
	const most = 20
	var names []string
	for _, t := range offered[:min(len(offered), most)] {
		names = append(names, shown(t.Type, t.DisplayName))
	}
	list := "nothing"
	if len(names) > 0 {
		list = strings.Join(names, ", ")
	}
	why := "None of the types that the organisation offers names Azure and workload identity federation."
	switch {
	case wanted != "":
		why = "The organisation does not offer the type " + diagnosis.Printable(wanted) + " of DDOE_INTEGRATION_TYPE."
	case candidates > 1:
		why = "Several of the types that the organisation offers name Azure and workload identity federation."
	}
	refusal := diagnosis.New("ddoe-type-unknown", diagnosis.WithDetail("%s", why+" It offers: "+list+". The setting DDOE_INTEGRATION_TYPE names the one to use."))
	return &refusal
}

// shown is a name of the platform's for people.
func shown(name, displayName string) string {
	if displayName == "" {
		return diagnosis.Printable(name)
	}
	return diagnosis.Printable(name) + " (" + diagnosis.Printable(displayName) + ")"
}

// source is where an option's value comes from: by the setting, else by its name and its display name, which must not
// contradict each other.
func (p *Platform) source(o ddoe.Option) (OptionSource, bool) {
	if source, ok := p.OptionMap[o.Name]; ok {
		return source, true
	}
	byName, byDisplay := meaning(o.Name), meaning(o.DisplayName)
	switch {
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
	for _, word := range []string{"secret", "password", "token", "accesskey", "accountkey", "storagekey", "connectionstring", "signature"} {
		if strings.Contains(text, word) {
			return ""
		}
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
