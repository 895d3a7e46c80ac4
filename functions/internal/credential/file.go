// Package credential is about the credential file azure_credentials.json, which holds what the platform needs to come
// to Azure by workload identity federation: five strings, none of them secret. It makes the file, parses it, and
// judges an uploaded one by rules that are entries of tables; those about a single value are the tables of package
// field. It never repeats what could be a secret, and calls no service.
package credential

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// FileName is the name under which the platform's form asks for the file.
const FileName = "azure_credentials.json"

// File is the credential file: exactly these five members, in this order.
type File struct {
	ClientID             string `json:"clientId"`
	TenantID             string `json:"tenantId"`
	FederatedTokenIssuer string `json:"federatedTokenIssuer"`
	Subject              string `json:"subject"`
	Audience             string `json:"audience"`
}

// CredentialFile returns the file for one subject of a provisioned integration; an empty subject means its first. The
// error is a *diagnosis.Error: not-provisioned, integration-deleted, or invalid-parameter for a subject that the
// integration does not have.
func CredentialFile(d integration.Document, subject string) ([]byte, error) {
	switch {
	case d.Status.Phase == integration.PhaseDeleted:
		return nil, integration.Absent(&d)
	case !isProvisioned(d):
		return nil, integration.Unprovisioned(d)
	case len(d.Spec.Subjects) == 0:
		return nil, refuse(diagnosis.CodeNotProvisioned)
	case subject == "":
		subject = d.Spec.Subjects[0]
	case !slices.Contains(d.Spec.Subjects, subject):
		return nil, refuse(diagnosis.CodeInvalidParameter,
			diagnosis.WithDetail("The integration has no such subject."), diagnosis.WithFindings(diagnosis.Finding{
				Pointer: "/query/subject", Code: diagnosis.CodeInvalidParameter,
				Detail: "The integration has no such subject.", Expected: "one of the integration's subjects"}))
	}
	return File{ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, FederatedTokenIssuer: d.Spec.Issuer,
		Subject: subject, Audience: d.Spec.Audience}.encode()
}

// isProvisioned reports whether every object that the file speaks of has been made for the present spec. A failed
// verification does not make the file wrong.
func isProvisioned(d integration.Document) bool {
	if d.Status.ClientID == "" {
		return false
	}
	for _, c := range d.Status.Conditions {
		if c.Type == "Provisioned" {
			return c.Status == "True"
		}
	}
	return d.Status.Phase == integration.PhaseProvisioned || d.Status.Phase == integration.PhaseUsable
}

// encode writes the file as a person would: indented, and without escaping what HTML would need escaped.
func (f File) encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("encode credential file: %w", err)
	}
	return out.Bytes(), nil
}

func refuse(code diagnosis.Code, opts ...diagnosis.Option) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
}
