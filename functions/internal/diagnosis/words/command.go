package words

// CreateCredential and ChangeCredential write the federated credential under the app's name. Create is for where that
// was seen to be missing, change for where it was seen to be another: create refuses a name that is taken.
const (
	CreateCredential = "az ad app federated-credential create --id {clientId} --parameters {credential}"
	ChangeCredential = "az ad app federated-credential update --id {clientId} " +
		"--federated-credential-id {credentialName} --parameters {credentialChange}"
	DeleteCredential = "az ad app federated-credential delete --id {clientId} " +
		"--federated-credential-id {credentialName}"

	ListCredentials    = "az ad app federated-credential list --id {clientId}"
	CompareCredentials = ListCredentials + " --query " + // a table shows no lists
		`"[].{name:name,issuer:issuer,subject:subject,audiences:join(' ',audiences)}" -o table`
	ShowApplication   = "az ad app show --id {clientId}"
	ChangeApplication = "az ad app update --id {clientId} --sign-in-audience AzureADMyOrg"
	EnableApplication = "az ad app update --id {clientId} --set isDisabled=false && " + enablePrincipal
)
