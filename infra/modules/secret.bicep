// Lets the platform read one secret as the app's identity, for the Key Vault reference in the settings.
// The vault must take Azure RBAC (enableRbacAuthorization), not access policies.
param vaultName string
param secretName string
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

// Key Vault Secrets User
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName

  resource secret 'secrets' existing = {
    name: secretName
  }
}

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault::secret.id, identityId, secretsUser)
  scope: vault::secret
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    description: 'The platform resolves the setting DDOE_API_KEY.'
  }
}
