package words

import "strings"

// Upkeep is how identities of a kind are looked after: by whom, and by which commands. Each kind states its own.
type Upkeep int

// InDirectory is by the administrators of the tenant's directory; InResourceGroup by the operator, who has given the
// service a resource group for them.
const (
	InDirectory Upkeep = iota
	InResourceGroup
)

// The commands about a managed identity and its federated credentials, with the values of Context.IdentityID.
const (
	ShowIdentity = "az identity show --ids {identityId}"

	enablePrincipal  = "az ad sp update --id {clientId} --set accountEnabled=true"
	onIdentity       = " --identity-name {identity} --resource-group {identityGroup} --subscription {subscriptionId}"
	ListOnIdentity   = "az identity federated-credential list" + onIdentity
	valuesOnIdentity = " --name {credentialName} --issuer {issuer} --subject {subject} --audiences {audience}"
	createOnIdentity = "az identity federated-credential create" + onIdentity + valuesOnIdentity
	deleteOnIdentity = "az identity federated-credential delete" + onIdentity + " --name {credentialName} --yes"
	changeOnIdentity = "az identity federated-credential update" + onIdentity + valuesOnIdentity
)

// suited is the command, or the step, that does, where the identity is kept, what the given one does for an
// application; empty where there is nothing to do. Enterprise applications have the same commands for both.
func (c Context) suited(command string) string {
	if suited, differs := inResourceGroup[command]; differs && c.Upkeep == InResourceGroup {
		return suited
	}
	return command
}

var inResourceGroup = map[string]string{CreateCredential: createOnIdentity, ChangeCredential: changeOnIdentity,
	DeleteCredential: deleteOnIdentity, ListCredentials: ListOnIdentity, CompareCredentials: ListOnIdentity,
	ShowApplication: ShowIdentity, ChangeApplication: "", EnableApplication: enablePrincipal, Renewed: Told}

// person puts somebody in the place of WhoIdentityAdmin.
func (c Context) person(who Who) Who {
	if who != WhoIdentityAdmin {
		return who
	}
	if c.Upkeep == InDirectory {
		return WhoEntraAdmin
	}
	return WhoOperator
}

// Managed is the entry with the command for a managed identity, empty where that is the same one.
func (e Entry) Managed() Entry {
	suited := Context{Upkeep: InResourceGroup}.suited(e.Command)
	if suited == e.Command {
		suited = ""
	}
	e.Command = suited
	return e
}

// identityValues are the values of placeholders about the identity.
func (c Context) identityValues() map[string]string {
	values := map[string]string{"identityId": c.IdentityID, "identity": "", "identityGroup": "", "subscriptionId": ""}
	if parts := strings.Split(c.IdentityID, "/"); len(parts) == 9 {
		values["identity"], values["identityGroup"], values["subscriptionId"] = parts[8], parts[4], parts[2]
	}
	return values
}

// Renewed and Told are the step after the repair of an application and of a managed identity that were deleted.
const Renewed = "If the application was made anew, with another client id, upload the new azure_credentials.json to " +
	"the platform where its side was made by hand."
const Told = "Then upload the new azure_credentials.json to the platform where its side was made by hand: " +
	"there is no recycle bin for managed identities, and one that is made anew has another client id."
