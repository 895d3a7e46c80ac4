package resolve

import (
	"fmt"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// resolveDDOE checks what the platform is to get. Where it is to get nothing (integration is not true) the
// organisation is only bounded; a driver is then refused, because it would never be made.
func resolveDDOE(id string, s *integration.Spec) []diagnosis.Finding {
	d := s.DDOE
	if d == nil {
		return nil
	}
	findings := integration.CheckPlatformText("/ddoe/organizationId", d.OrganizationID)
	if d.Driver != nil {
		findings = append(findings, integration.CheckPlatformText("/ddoe/driver/projectId", d.Driver.ProjectID)...)
		findings = append(findings, integration.CheckPlatformText("/ddoe/driver/name", d.Driver.Name)...)
		findings = append(findings, integration.CheckPlatformText("/ddoe/driver/path", d.Driver.Path)...)
	}
	findings = append(findings, integration.CheckPlatformText("/ddoe/integrationId", d.IntegrationID)...)
	if len(findings) > 0 || !d.IsWanted() && d.Driver == nil {
		return findings
	}
	if d.IntegrationID != "" {
		findings = append(findings, integration.CheckPlatformID("/ddoe/integrationId",
			diagnosis.CodeDDOEIntegrationUnknown,
			"The integration's id is not valid.", d.IntegrationID)...)
	}
	if !d.IsWanted() {
		findings = append(findings, diagnosis.Finding{Pointer: "/ddoe/integration",
			Code: diagnosis.CodeDDOEIntegrationRequired, Detail: "A driver is given, but not the integration that " +
				"it is made with.",
			Expected: "true", Remedy: "Set ddoe.integration to true, name an integration in ddoe.integrationId, or " +
				"leave ddoe.driver out."})
	}
	findings = append(findings, integration.CheckPlatformID("/ddoe/organizationId",
		diagnosis.CodeDDOEOrganizationRequired,
		"The organisation's id is missing or not valid.", d.OrganizationID)...)
	if d.Driver != nil {
		findings = append(findings, integration.CheckPlatformID("/ddoe/driver/projectId",
			diagnosis.CodeDDOEProjectRequired,
			"The project's id is missing or not valid.", d.Driver.ProjectID)...)
		if d.Driver.Name == "" {
			d.Driver.Name = id
		}
		findings = append(findings, resolveDriverPath(d.Driver)...)
	}
	if !d.IsWanted() {
		return findings
	}
	return append(findings, platformStorage(s)...)
}

// platformStorage holds the storage entries against what an integration of the platform can be.
func platformStorage(s *integration.Spec) []diagnosis.Finding {
	var findings []diagnosis.Finding
	if len(s.Storage) > 1 {
		findings = append(findings, diagnosis.Finding{Pointer: "/storage", Code: diagnosis.CodeDDOEOneStorage,
			Detail: "An integration of the platform stands for one storage account, and its driver for " +
				"one container.",
			Expected: "one entry", Actual: fmt.Sprint(len(s.Storage)), Remedy: "Spread the containers over several " +
				"integrations, or leave ddoe.integration and ddoe.driver out."})
	}
	for i, entry := range s.Storage {
		if entry.Access == integration.AccessRead {
			findings = append(findings, diagnosis.Finding{Pointer: fmt.Sprintf("/storage/%d/access", i),
				Code: diagnosis.CodeDDOEWriteRequired,
				Detail: "The platform writes a test file into the container, so it cannot work with a " +
					"read-only grant.",
				Expected: string(integration.AccessReadWrite), Actual: string(entry.Access),
				Remedy: "Give access readWrite, or " +
					"leave ddoe.integration and ddoe.driver out."})
		}
	}
	if s.DDOE.Driver != nil && len(s.Storage) == 1 && s.Storage[0].Container == "" {
		findings = append(findings, diagnosis.Finding{Pointer: "/storage/0/container",
			Code: diagnosis.CodeDDOEContainerRequired, Detail: "A driver is about one container.",
			Expected: "the name of a container", Remedy: "Give the container in the storage entry."})
	}
	return findings
}

// resolveDriverPath brings the path into the platform's form: a folder without slashes around it.
func resolveDriverPath(d *integration.Driver) []diagnosis.Finding {
	if d.Path == "" {
		return nil
	}
	given := d.Path
	d.Path = strings.TrimSuffix(d.Path, "/")
	faulty := strings.ContainsAny(d.Path, `\?#`)
	for part := range strings.SplitSeq(d.Path, "/") {
		faulty = faulty || part == "" || part == "." || part == ".."
	}
	if !faulty {
		return nil
	}
	return []diagnosis.Finding{{Pointer: "/ddoe/driver/path", Code: diagnosis.CodeInvalidDriverPath,
		Detail:   "The path is not a folder in the container.",
		Expected: "a relative path such as images/2026", Actual: field.Actual(given),
		Remedy: `Give the folder alone, without account, container and leading slash, without empty or dot segments ` +
			`and without the characters \ ? #; leave it out for the whole container.`}}
}
