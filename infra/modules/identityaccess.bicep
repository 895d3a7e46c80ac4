// What the app may do in this resource group: make user-assigned identities, let subjects in as them by federated
// identity credentials, and delete both. It may not assign an identity to a resource (assign/action): nothing ever runs
// as one of them. The built-in Managed Identity Contributor would bring revoking tokens and deploying templates, too.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/identity.
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

var identities = 'Microsoft.ManagedIdentity/userAssignedIdentities'

resource contributor 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, 'make integrations\' identities')
  properties: {
    roleName: 'Integration Identity Contributor of ${last(split(identityId, '/'))} ${uniqueString(resourceGroup().id, identityId)}' // unique in the tenant
    type: 'customRole'
    description: 'Reads, writes and deletes user-assigned identities and their federated identity credentials.'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          '${identities}/read'
          '${identities}/write'
          '${identities}/delete'
          '${identities}/federatedIdentityCredentials/read'
          '${identities}/federatedIdentityCredentials/write'
          '${identities}/federatedIdentityCredentials/delete'
        ]
      }
    ]
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, contributor.name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: contributor.id
    description: 'reconcile makes and deletes identities and their credentials; inspect, checkhealth and checknow look for drift.'
  }
}
