package diagnosis

// settingEntries are what keeps the app from starting. Nobody gets an answer then: they are read in the log.
func settingEntries() []Entry {
	return []Entry{{
		Code: CodeKeyVaultReferenceUnresolved, Title: "A Key Vault reference is not resolved", Who: WhoOperator,
		Cause: "The platform started the app with a Key Vault reference in the place of its secret.",
		Steps: []string{
			"Ask for the reference's status, which names the reason.",
			"Give the app's identity Key Vault Secrets User on the secret, and have the vault take Azure RBAC.",
			"Check that vault and secret exist, that the secret is enabled, and that the vault's network " +
				"lets the app in.",
			"Then send a POST to the same address with /refresh after appsettings: by itself the platform " +
				"looks once a day.",
		},
		Command: `az rest --method get --uri "$(az resource list --name {site} --resource-type Microsoft.Web/sites ` +
			`--query [0].id --output tsv)/config/configreferences/appsettings?api-version=2024-11-01"`,
	}}
}
