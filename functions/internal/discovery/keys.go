package discovery

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// maxKeys is how many keys of an issuer Entra keeps: the first ones. Source: learn.microsoft.com, Workload identity
// federation.
const maxKeys = 100

// key is a JSON Web Key, as far as it can be an RSA key.
type key struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
	odd       []oddity
}

// isForEntra reports whether tokens for Entra may be signed with the key: Entra takes RS256 alone. Other keys are
// nobody's fault.
func (k key) isForEntra() bool {
	return k.Type == "RSA" && k.Use != "enc" && (k.Algorithm == "" || k.Algorithm == "RS256")
}

// fault tells why Entra cannot use the key, empty where it can. Sources: Entra finds a key by its kid (AADSTS
// 7000272); RFC 7518, 6.3.1 (base64url without padding) and 3.3 (2048 bits); FIPS 186-5, A.1.1 (the exponent is odd
// and above 2^16).
func (k key) fault() string {
	n, err := number(k.Modulus)
	e, err2 := number(k.Exponent)
	odd := slices.IndexFunc(k.odd, func(o oddity) bool { return o.isFatal })
	switch {
	case odd >= 0:
		return k.odd[odd].name + ": " + k.odd[odd].why
	case k.ID == "":
		return "it has no kid"
	case err != nil || err2 != nil:
		return "n and e are not both base64url without padding"
	case n.BitLen() < 2048:
		return fmt.Sprintf("n has %d bits, and not 2048 or more", n.BitLen())
	case e.Cmp(big.NewInt(1<<16)) <= 0 || e.Bit(0) == 0:
		return "e is not odd and above 65536, such as 65537"
	default:
		return ""
	}
}

func number(text string) (*big.Int, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return new(big.Int).SetBytes(raw), err
}

// lookAtKeys fetches the key set and judges it. The ids of the keys that are fit are in the report: between two
// reports they tell of a rotation.
func (s *Service) lookAtKeys(ctx context.Context, address string, issuer credential.Value) []assessment.Check {
	c := diagnosis.Context{Issuer: issuer.Text, Target: address}
	var set struct {
		Keys []key `json:"keys"`
	}
	_, published := s.read(ctx, checkKeys, titleKeys, address, diagnosis.CodeIssuerKeysInvalid, c, &set)
	checks := published
	if checks[0].Status == diagnosis.OutcomePass {
		checks = append(checks, judgeKeys(set.Keys, c)...)
	}
	for i := range checks {
		checks[i].Field, checks[i].Target = issuer.Pointer, address
	}
	return checks
}

// judgeKeys judges the first keys, which are those that count.
func judgeKeys(all []key, c diagnosis.Context) []assessment.Check {
	var fit, faults []string
	seen := map[string]bool{}
	for i, k := range all[:min(len(all), maxKeys)] {
		if !k.isForEntra() {
			continue
		}
		why := k.fault()
		if why == "" && seen[k.ID] {
			why = "another key has the same kid" // RFC 7517, 4.5
		}
		seen[k.ID] = true
		if why == "" {
			fit = append(fit, k.ID)
			continue
		}
		faults = append(faults, fmt.Sprintf("Key %d (kid %q): %s.", i+1, redact.Printable(k.ID), why))
	}
	usable := passed(checkKeys+".usable", "A key of the issuer is fit for Entra")
	usable.Actual = redact.Printable(strings.Join(fit, ", "))
	if len(fit) == 0 {
		detail := strings.Join(faults[:min(len(faults), 3)], " ")
		if detail == "" {
			detail = "There is no RSA key for signatures with RS256."
		}
		return []assessment.Check{faulty(usable.ID, diagnosis.CodeIssuerKeysInvalid, detail, c, assessment.Pair{})}
	}
	checks := []assessment.Check{usable}
	if len(faults) > 0 {
		checks = append(checks, faulty(checkKeys+".each", diagnosis.CodeIssuerKeyUnusable,
			strings.Join(faults[:min(len(faults), 3)], " "), c, assessment.Pair{}))
	}
	if len(all) > maxKeys {
		checks = append(checks, faulty(checkKeys+".count", diagnosis.CodeIssuerKeyUnusable, fmt.Sprintf(
			"There are %d keys, and Entra keeps the first %d alone.", len(all), maxKeys), c, assessment.Pair{}))
	}
	return checks
}
