// Package deployment reads what infra/main.bicep deploys from its committed snapshot: the resources of the app with
// their properties, the rights of its identity and its settings. The sandbox is seeded from it and writes none of this
// down itself, so what a test proves here is proved about what is deployed. Values that only a deployment knows (ids
// that Entra gives, host names) are made up here, in one place.
package deployment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ddoe-ai/azure-wif/infra"
)

// What Entra gives to a new identity. They are made to be recognised in logs.
const (
	ClientID    = "33333333-3333-4333-8333-333333333333"
	PrincipalID = "44444444-4444-4444-8444-444444444444"
)

// StateContainer is the app's container in its state account; the contract fixes the name.
const StateContainer = "wif-state"

// Resource is a resource of the deployment.
type Resource struct {
	// ID is the full ARM id, Name its last segment.
	ID, Name, Location string
}

// Account is a storage account with the names of its containers.
type Account struct {
	Resource
	Containers []string
}

// BlobEndpoint is the account's blob endpoint in the public cloud, with the slash at the end that Azure gives it.
func (a Account) BlobEndpoint() string { return "https://" + a.Name + ".blob.core.windows.net/" }

// Entity is a queue or topic with its properties as Bicep has them, a JSON object.
type Entity struct {
	Name       string
	Properties json.RawMessage
}

// Namespace is the Service Bus namespace.
type Namespace struct {
	Resource
	Queues, Topics []Entity
}

// Host is the fully qualified name of the namespace in the public cloud.
func (n Namespace) Host() string { return n.Name + ".servicebus.windows.net" }

// Assignment is a role assignment of the deployment. Condition and ConditionVersion are empty where there is none.
type Assignment struct {
	ID, Name, Scope, RoleDefinitionID, PrincipalID, PrincipalType, Description string
	Condition, ConditionVersion                                                string
}

// Role is a role definition that the deployment makes.
type Role struct {
	// ID is the full ARM id; its last segment is the GUID by which assignments name the role.
	ID, Name, Description string
	AssignableScopes      []string
	Permissions           Permissions
}

// Permissions are what a role allows, as patterns in which * stands for any text.
type Permissions struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// Deployment is what Bicep makes, as far as the sandbox stands in for it.
type Deployment struct {
	Identity    Resource
	HostAccount Account // of the Functions host
	State       Account // of the app
	Namespace   Namespace
	Site        Resource
	// Resources are all resources that stand on their own, those above among them.
	Resources   []Resource
	Roles       []Role
	Assignments []Assignment
	// Settings are the app settings by name, as the platform gives them to the app; a Key Vault reference is not
	// resolved.
	Settings map[string]string
	// GraphRoles are the ids of the Microsoft Graph app roles of the identity.
	GraphRoles []string
}

// Example is the deployment of the example parameters, in whose subscription the sandbox lives. It panics if the files
// that the program was built with cannot be read, like regexp.MustCompile: a test reads them, too.
// Its lists and its settings are the caller's to change.
func Example() Deployment {
	d := example()
	d.Resources, d.Roles, d.Assignments = slices.Clone(d.Resources), slices.Clone(d.Roles), slices.Clone(d.Assignments)
	d.Settings, d.GraphRoles = maps.Clone(d.Settings), slices.Clone(d.GraphRoles)
	return d
}

// example reads once: a program has one deployment, and its tests make many worlds.
var example = sync.OnceValue(func() Deployment {
	d, err := Read(infra.Snapshot(), infra.Graph())
	if err != nil {
		panic(err)
	}
	return d
})

// file is the form of a snapshot.
type file struct {
	PredictedResources []predicted       `json:"predictedResources"`
	Diagnostics        []json.RawMessage `json:"diagnostics"`
}

type predicted struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Name       string          `json:"name"`
	Location   string          `json:"location"`
	Properties json.RawMessage `json:"properties"`
}

// Read reads a snapshot of main.bicep, and graph.bicep. The error tells what is missing or not understood.
func Read(snapshot, graph string) (Deployment, error) {
	var f file
	if err := json.Unmarshal([]byte(snapshot), &f); err != nil {
		return Deployment{}, fmt.Errorf("deployment: snapshot: %w", err)
	}
	if len(f.Diagnostics) > 0 {
		return Deployment{}, fmt.Errorf("deployment: the snapshot has diagnostics: %s", f.Diagnostics[0])
	}
	d := Deployment{GraphRoles: graphRoles(graph)}
	if len(d.GraphRoles) == 0 {
		return Deployment{}, errors.New("deployment: graph.bicep names no appRoleId")
	}
	d.readResources(f.PredictedResources)
	if err := d.complete(); err != nil {
		return Deployment{}, err
	}
	return d, d.readExpressions(f.PredictedResources)
}

// readResources takes what is known without evaluating anything.
func (d *Deployment) readResources(all []predicted) {
	accounts := map[string]*Account{}
	for _, p := range all {
		r := Resource{ID: p.ID, Name: path.Base(p.Name), Location: p.Location}
		if strings.Count(p.Type, "/") == 1 && !strings.Contains(p.ID, authorization) {
			d.Resources = append(d.Resources, r)
		}
		switch p.Type {
		case "Microsoft.ManagedIdentity/userAssignedIdentities":
			d.Identity = r
		case "Microsoft.Web/sites":
			d.Site = r
		case "Microsoft.ServiceBus/namespaces":
			d.Namespace.Resource = r
		case "Microsoft.ServiceBus/namespaces/queues":
			d.Namespace.Queues = append(d.Namespace.Queues, Entity{r.Name, p.Properties})
		case "Microsoft.ServiceBus/namespaces/topics":
			d.Namespace.Topics = append(d.Namespace.Topics, Entity{r.Name, p.Properties})
		case "Microsoft.Storage/storageAccounts":
			accounts[r.Name] = &Account{Resource: r}
		case "Microsoft.Storage/storageAccounts/blobServices/containers":
			account, _, _ := strings.Cut(p.Name, "/")
			if a := accounts[account]; a != nil {
				a.Containers = append(a.Containers, r.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		if slices.Contains(accounts[name].Containers, StateContainer) {
			d.State = *accounts[name]
		} else {
			d.HostAccount = *accounts[name]
		}
	}
}

// complete holds that everything is there that the sandbox cannot do without.
func (d *Deployment) complete() error {
	var missing []string
	for what, r := range map[string]Resource{
		"user-assigned identity": d.Identity, "function app": d.Site, "Service Bus namespace": d.Namespace.Resource,
		"storage account with the container " + StateContainer: d.State.Resource,
		"storage account of the host":                          d.HostAccount.Resource,
	} {
		if r.ID == "" {
			missing = append(missing, what)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("deployment: the snapshot has no %s", strings.Join(missing, ", no "))
}

const authorization = "/providers/Microsoft.Authorization/"

// readExpressions takes what may hold expressions, role assignments and settings, and the roles that those name.
func (d *Deployment) readExpressions(all []predicted) error {
	known := d.known()
	for _, p := range all {
		var err error
		switch {
		case p.Type == "Microsoft.Authorization/roleAssignments":
			err = d.readAssignment(p, known)
		case p.Type == "Microsoft.Authorization/roleDefinitions":
			err = d.readRole(p)
		case p.Type == "Microsoft.Web/sites/config" && path.Base(p.Name) == "appsettings":
			err = d.readSettings(p, known)
		}
		if err != nil {
			return fmt.Errorf("deployment: %s: %w", p.ID, err)
		}
	}
	if len(d.Settings) == 0 {
		return errors.New("deployment: the snapshot has no app settings")
	}
	return nil
}

// known are the outputs of modules and the properties of resources that expressions ask for, by their last name.
func (d *Deployment) known() map[string]string {
	return map[string]string{
		"principalId":             PrincipalID,
		"clientId":                ClientID,
		"hostBlobEndpoint":        d.HostAccount.BlobEndpoint(),
		"stateBlobEndpoint":       d.State.BlobEndpoint(),
		"fullyQualifiedNamespace": d.Namespace.Host(),
		"defaultHostName":         d.Site.Name + ".azurewebsites.net",
		// Nothing in the sandbox answers for Application Insights.
		"connectionString": "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://" +
			d.Site.Location + "-0.in.applicationinsights.azure.com/",
	}
}

func (d *Deployment) readAssignment(p predicted, known map[string]string) error {
	a := Assignment{ID: p.ID, Name: p.Name}
	var found bool
	if a.Scope, _, found = strings.Cut(p.ID, authorization); !found {
		return errors.New("a role assignment without scope")
	}
	properties := map[string]string{}
	if err := json.Unmarshal(p.Properties, &properties); err != nil {
		return err
	}
	for name, into := range map[string]*string{
		"roleDefinitionId": &a.RoleDefinitionID, "principalId": &a.PrincipalID, "principalType": &a.PrincipalType,
		"description": &a.Description, "condition": &a.Condition, "conditionVersion": &a.ConditionVersion,
	} {
		var err error
		if *into, err = resolve(properties[name], known); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		delete(properties, name)
	}
	if len(properties) > 0 {
		return fmt.Errorf("unknown properties of a role assignment: %v", slices.Sorted(maps.Keys(properties)))
	}
	d.Assignments = append(d.Assignments, a)
	return nil
}

// readRole takes a role as it is. Members that it does not know would be rights, or limits, that nobody sees.
func (d *Deployment) readRole(p predicted) error {
	var body struct {
		RoleName         string        `json:"roleName"`
		Type             string        `json:"type"`
		Description      string        `json:"description"`
		AssignableScopes []string      `json:"assignableScopes"`
		Permissions      []Permissions `json:"permissions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(p.Properties))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return fmt.Errorf("role definition: %w", err)
	}
	if body.Type != "customRole" || len(body.Permissions) != 1 || len(body.AssignableScopes) == 0 {
		return errors.New("a role definition is a customRole with one set of permissions and with assignableScopes")
	}
	d.Roles = append(d.Roles, Role{ID: p.ID, Name: body.RoleName, Description: body.Description,
		AssignableScopes: body.AssignableScopes, Permissions: body.Permissions[0]})
	return nil
}

func (d *Deployment) readSettings(p predicted, known map[string]string) error {
	if err := json.Unmarshal(p.Properties, &d.Settings); err != nil {
		return err
	}
	for name, text := range d.Settings {
		value, err := resolve(text, known)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.Settings[name] = value
	}
	return nil
}

// graphRoles are the app roles that graph.bicep gives.
func graphRoles(text string) []string {
	var roles []string
	for _, found := range regexp.MustCompile(`(?m)^\s*appRoleId:\s*'([0-9a-fA-F-]{36})'`).
		FindAllStringSubmatch(text, -1) {
		roles = append(roles, strings.ToLower(found[1]))
	}
	return roles
}

// SecretID is the ARM id of the secret of a Key Vault reference among the scopes of the assignments; false if the
// value is no reference.
func (d Deployment) SecretID(value string) (string, bool) {
	found := regexp.MustCompile(`^@Microsoft\.KeyVault\(SecretUri=https://([^./]+)[^/]*/secrets/([^/)]+)\)$`).
		FindStringSubmatch(value)
	if found == nil {
		return "", false
	}
	suffix := strings.ToLower("/providers/Microsoft.KeyVault/vaults/" + found[1] + "/secrets/" + found[2])
	for _, a := range d.Assignments {
		if strings.HasSuffix(strings.ToLower(a.Scope), suffix) {
			return a.Scope, true
		}
	}
	return "", true
}
