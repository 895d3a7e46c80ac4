package functions

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// Config is everything the app takes from its environment, checked. ConfigFromEnvironment fills it.
type Config struct {
	// Port is where the Functions host expects the handler on the loopback interface.
	Port int
	// ClientID names the user-assigned identity of the app; empty means the credential's own order.
	ClientID string
	// ManagedIdentity is true where the platform offers a managed identity (IDENTITY_ENDPOINT is set).
	ManagedIdentity bool
	Cloud           Cloud
	// StateStorageURL is the blob endpoint of the state account, without a slash at the end.
	StateStorageURL string
	ServiceBus      ServiceBus
	// DefaultIdentity is the kind of identity of a spec that names none: application or managedIdentity.
	DefaultIdentity integration.IdentityKind
	// IdentityGroup is where managed identities are made whose spec names no group; the zero value where there is
	// none.
	IdentityGroup armid.ResourceGroup
	// OwnGroups are the app's own resource groups, as far as they are known: no managed identity is made there.
	OwnGroups []armid.ResourceGroup
	// Issuer and SubjectTemplate are defaults of a spec; Issuer may be empty.
	Issuer          string
	SubjectTemplate string
	// IssuerHosts and StorageSuffixes are what may be contacted for a caller's value, beside the host of Issuer and
	// the cloud's own.
	IssuerHosts, StorageSuffixes []string
	// Retention is how long an operation that has ended is kept.
	Retention time.Duration
	// Origins are those whose pages may call the API from a browser.
	Origins []string
	// RateLimit is how many requests a second a caller may send to one instance.
	RateLimit int
	// Audience is what a caller's access token is for; empty where callers need none. CallerTenant is the tenant that
	// issues it; empty for the app's own.
	Audience, CallerTenant string
	// Policy is what callers may ask for.
	Policy entitlement.Policy
	// QueueOwner owns what comes by queue; empty for the queue itself.
	QueueOwner string
	// SubjectTokenURL is where a subject token may be asked for; empty means that only tokens given in a request
	// exist.
	SubjectTokenURL string
	SubjectTokenKey secret.Value
	// Platform is the DDOE platform's API; nil where its steps are off.
	Platform *PlatformAPI
	// PublicBaseURL is what absolute links are built from, without a slash at the end; empty makes links relative.
	PublicBaseURL string
	// SiteName and Region say where the app runs, for the origin of a test.
	SiteName string
	Region   string
}

// PlatformAPI is how the DDOE platform's API is reached and what is known about it.
type PlatformAPI struct {
	// URL is the API's base, such as https://gate.dataloop.ai/api/v1.
	URL string
	Key secret.Value
	// IntegrationType is the platform's name of the integration type; empty discovers it.
	IntegrationType string
	OptionMap       resourceplatform.OptionMap
}

// ServiceBus is how the namespace is reached: by the app's identity (Namespace) or by a connection string, never both.
type ServiceBus struct {
	Namespace        string
	ConnectionString secret.Value
	// CustomEndpoint is the address to connect to instead of the namespace's own, such as a private-link gateway.
	CustomEndpoint string
}

// Cloud is one of the Azure clouds, with the constants that differ between them.
type Cloud struct {
	Name string
	// Configuration holds the authority and the Resource Manager endpoint.
	Configuration cloud.Configuration
	// Audience is the token-exchange audience that a federated credential must have.
	Audience string
	// BlobSuffix is the domain of blob endpoints.
	BlobSuffix string
}

// managementScope is the scope of Azure Resource Manager, which the app needs whatever identities are made of.
func (c Cloud) managementScope() string {
	return c.Configuration.Services[cloud.ResourceManager].Audience + "/.default"
}

// clouds returns the known clouds; the first is the default.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
func clouds() []Cloud {
	return []Cloud{
		{"public", cloud.AzurePublic, "api://AzureADTokenExchange", "blob.core.windows.net"},
		{"usgov", cloud.AzureGovernment, "api://AzureADTokenExchangeUSGov", "blob.core.usgovcloudapi.net"},
		{"china", cloud.AzureChina, "api://AzureADTokenExchangeChina", "blob.core.chinacloudapi.cn"},
	}
}

// defaultSubjectTemplate is how the platform makes the subject of a service.
const defaultSubjectTemplate = "system:serviceaccount:dataloop:{service}"

// ConfigFromEnvironment reads and checks all settings. The error joins one fault per setting: its name and what is
// expected, never its value, which may be a secret. One that is not resolved is a *diagnosis.Error with its remedy.
func ConfigFromEnvironment(lookup func(string) (string, bool)) (Config, error) {
	e := &environment{lookup: lookup, unresolved: map[string]bool{}}
	own := e.ownGroups()
	c := Config{
		Port:            e.port("FUNCTIONS_CUSTOMHANDLER_PORT"),
		ClientID:        e.guid("AZURE_CLIENT_ID", "the client id of the app's user-assigned identity"),
		ManagedIdentity: e.text("IDENTITY_ENDPOINT") != "",
		Cloud:           e.cloud("AZURE_CLOUD"),
		StateStorageURL: e.storageURL("STATE_STORAGE_URL"),
		ServiceBus:      e.serviceBus("ServiceBusConnection"),
		DefaultIdentity: e.identityKind("DEFAULT_IDENTITY"),
		IdentityGroup:   e.identityGroup("IDENTITY_RESOURCE_GROUP", own),
		OwnGroups:       own,
		Issuer:          e.issuer("DDOE_ISSUER"),
		SubjectTemplate: e.subjectTemplate("DDOE_SUBJECT_TEMPLATE"),
		IssuerHosts:     e.hosts("ISSUER_ALLOWLIST"),
		StorageSuffixes: e.hosts("STORAGE_SUFFIX_ALLOWLIST"),
		Retention:       e.retention("OPERATION_RETENTION"),
		Origins:         e.origins("CORS_ORIGINS"),
		RateLimit:       e.rate("RATE_LIMIT"),
		Audience:        e.text("AUTH_AUDIENCE"),
		CallerTenant:    e.callerTenant("AUTH_TENANT_ID"),
		QueueOwner:      e.queueOwner("QUEUE_OWNER"),
		SubjectTokenURL: e.url("DDOE_SUBJECT_TOKEN_URL", "https"),
		PublicBaseURL:   e.url("PUBLIC_BASE_URL", "https", "http"),
		Platform:        e.platform(),
		SiteName:        e.siteName(siteNameSetting),
		Region:          e.text("REGION_NAME"),
	}
	if e.text("DDOE_SUBJECT_TOKEN_URL") != "" {
		c.SubjectTokenKey = secret.New(e.text("DDOE_API_KEY"))
		if c.SubjectTokenKey.IsZero() {
			e.fault("DDOE_API_KEY", "is required where DDOE_SUBJECT_TOKEN_URL is set")
		}
	}
	c.Policy = e.policy("POLICY", c)
	if err := errors.Join(e.faults...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// siteNameSetting is what App Service calls the app.
const siteNameSetting = "WEBSITE_SITE_NAME"

// environment reads settings and gathers faults.
type environment struct {
	lookup     func(string) (string, bool)
	faults     []error
	unresolved map[string]bool // settings that hold a Key Vault reference
}

// fault notes what is wrong with a setting. Of one that is not resolved nothing else is known.
func (e *environment) fault(name, expected string) {
	if !e.unresolved[name] {
		e.faults = append(e.faults, fmt.Errorf("setting %s %s", name, expected))
	}
}

// text returns a setting without surrounding white space; an empty one counts as absent, as in the portal's editor.
// A Key Vault reference is a fault of every setting: the app would go on with the reference as if it were the secret.
func (e *environment) text(name string) string {
	v := e.raw(name)
	if isKeyVaultReference(v) && !e.unresolved[name] {
		e.unresolved[name] = true
		e.faults = append(e.faults, e.unresolvedError(name))
	}
	return v
}

func (e *environment) raw(name string) string {
	v, _ := e.lookup(name)
	return strings.TrimSpace(v)
}

// isKeyVaultReference reports whether the platform should have replaced the value by a secret before it started
// the app. Where it cannot, the app gets the reference.
// Source: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references.
func isKeyVaultReference(value string) bool {
	const begin = "@Microsoft.KeyVault("
	return len(value) >= len(begin) && strings.EqualFold(value[:len(begin)], begin)
}

// unresolvedError holds the remedy, too: before the start there is no API that could show it.
func (e *environment) unresolvedError(name string) error {
	site := e.raw(siteNameSetting)
	if isKeyVaultReference(site) {
		site = ""
	}
	d := diagnosis.New(diagnosis.CodeKeyVaultReferenceUnresolved, diagnosis.WithContext(diagnosis.Context{Site: site}))
	return fmt.Errorf("setting %s is not resolved: %w %s", name, &diagnosis.Error{Diagnosis: d}, d.Remedy)
}

// siteName falls back to the machine's own name, so that a test from a developer's machine can be told.
func (e *environment) siteName(name string) string {
	if v := e.text(name); v != "" {
		return v
	}
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host
}

func (e *environment) port(name string) int {
	port, err := strconv.Atoi(e.text(name))
	if err != nil || port < 1 || port > 65535 {
		e.fault(name, "must be a port from 1 to 65535; the Functions host sets it when it starts the handler")
	}
	return port
}

func (e *environment) guid(name, of string) string {
	v := e.text(name)
	if v == "" {
		return ""
	}
	id, err := uuid.Parse(v)
	if err != nil || len(v) != len(id.String()) {
		e.fault(name, "must be a GUID: "+of)
		return ""
	}
	return id.String()
}

func (e *environment) cloud(name string) Cloud {
	all := clouds()
	v := e.text(name)
	if v == "" {
		return all[0]
	}
	if i := slices.IndexFunc(all, func(c Cloud) bool { return c.Name == v }); i >= 0 {
		return all[i]
	}
	e.fault(name, "must be public, usgov or china")
	return all[0]
}

// url returns an absolute URL of one of the schemes, without a slash at the end.
func (e *environment) url(name string, schemes ...string) string {
	v := e.text(name)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		e.fault(name, "must be an absolute "+strings.Join(schemes, " or ")+
			" URL without user info, query and fragment")
		return ""
	}
	return strings.TrimRight(v, "/")
}

func (e *environment) storageURL(name string) string {
	if e.text(name) == "" {
		e.fault(name, "is required: the blob endpoint of the state account, such as "+
			"https://account.blob.core.windows.net")
		return ""
	}
	return e.url(name, "https")
}

// issuer is kept byte for byte: Entra compares it so, and a slash at the end counts.
func (e *environment) issuer(name string) string {
	if e.url(name, "https") == "" {
		return ""
	}
	return e.text(name)
}

func (e *environment) subjectTemplate(name string) string {
	v := e.text(name)
	if v == "" {
		return defaultSubjectTemplate
	}
	if strings.Count(v, "{service}") != 1 {
		e.fault(name, "must hold {service} once, such as "+defaultSubjectTemplate)
	}
	return v
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// serviceBus reads the settings that the Functions host's trigger reads under the same names.
func (e *environment) serviceBus(name string) ServiceBus {
	byIdentity := name + "__fullyQualifiedNamespace"
	sb := ServiceBus{
		Namespace:        strings.ToLower(e.text(byIdentity)),
		ConnectionString: secret.New(e.text(name)),
		CustomEndpoint:   e.address("SERVICEBUS_CUSTOM_ENDPOINT"),
	}
	switch {
	case sb.Namespace == "" && sb.ConnectionString.IsZero():
		e.fault(byIdentity, "is required, such as name.servicebus.windows.net (or "+name+", a connection string)")
	case sb.Namespace != "" && !sb.ConnectionString.IsZero():
		e.fault(byIdentity, "and "+name+" exclude each other; keep one")
	case sb.Namespace != "" && !hostName.MatchString(sb.Namespace):
		e.fault(byIdentity, "must be a host name such as name.servicebus.windows.net, without scheme and port")
	case !sb.ConnectionString.IsZero() && !isConnectionString(sb.ConnectionString.Reveal()):
		e.fault(name, "must be a connection string of the namespace: "+
			"Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…, without EntityPath")
	}
	return sb
}

// platform reads what is known about the DDOE platform's API; nil where there is no URL.
func (e *environment) platform() *PlatformAPI {
	api := &PlatformAPI{URL: e.url("DDOE_API_URL", "https"), Key: secret.New(e.text("DDOE_API_KEY")),
		IntegrationType: e.text("DDOE_INTEGRATION_TYPE")}
	var err error
	if api.OptionMap, err = resourceplatform.ParseOptionMap(e.text("DDOE_OPTION_MAP")); err != nil {
		e.fault("DDOE_OPTION_MAP", "must be a JSON object of option name to clientId, tenantId, accountName, "+
			"container, credentialFile or =literal: "+err.Error())
	}
	if e.text("DDOE_API_URL") == "" {
		return nil
	}
	if api.Key.IsZero() && e.text("DDOE_SUBJECT_TOKEN_URL") == "" {
		e.fault("DDOE_API_KEY", "is required where DDOE_API_URL is set")
	}
	return api
}

// address is a host with or without a port, as the Service Bus client dials it.
func (e *environment) address(name string) string {
	v := e.text(name)
	u, err := url.Parse("amqps://" + v)
	if v != "" && (err != nil || u.Host != v || u.Hostname() == "") {
		e.fault(name, "must be host or host:port, without scheme and path")
	}
	return v
}

func isConnectionString(v string) bool {
	parts := map[string]string{}
	for part := range strings.SplitSeq(v, ";") {
		key, value, _ := strings.Cut(part, "=")
		parts[strings.ToLower(strings.TrimSpace(key))] = value
	}
	endpoint, err := url.Parse(parts["endpoint"])
	signed := parts["sharedaccesskeyname"] != "" && parts["sharedaccesskey"] != "" ||
		parts["sharedaccesssignature"] != ""
	return err == nil && endpoint.Scheme == "sb" && endpoint.Hostname() != "" && signed && parts["entitypath"] == ""
}
