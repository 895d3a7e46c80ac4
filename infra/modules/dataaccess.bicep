// What the app may do in this resource group: look at storage accounts, and grant and revoke the two roles of a spec, to
// service principals other than itself. Writing looks at the request, deleting at what is there, so the condition has
// two clauses. A condition counts for a custom role, too.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-faq and
// https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes.
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

// Storage Blob Data Reader, Storage Blob Data Contributor
var grantable = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1, ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var assignments = 'Microsoft.Authorization/roleAssignments'
var granting = '((!(ActionMatches{\'${assignments}/write\'})) OR (@Request[${assignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Request[${assignments}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {\'ServicePrincipal\'} AND @Request[${assignments}:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${principalId}}))'
var revoking = '((!(ActionMatches{\'${assignments}/delete\'})) OR (@Resource[${assignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Resource[${assignments}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {\'ServicePrincipal\'} AND @Resource[${assignments}:PrincipalId] ForAnyOfAllValues:GuidNotEquals {${principalId}}))'

// The built-in Role Based Access Control Administrator would bring */read: every setting of everything in the group.
resource delegate 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, 'delegate blob access')
  properties: {
    roleName: 'Blob Access Delegate of ${last(split(identityId, '/'))} ${uniqueString(resourceGroup().id, identityId)}' // unique in the tenant
    type: 'customRole'
    description: 'Reads storage accounts and their containers; reads, writes and deletes role assignments.'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          '${assignments}/read'
          '${assignments}/write'
          '${assignments}/delete'
          'Microsoft.Storage/storageAccounts/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/read' // a plan tells of a container that is not there
        ]
      }
    ]
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, delegate.name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: delegate.id
    conditionVersion: '2.0'
    condition: '${granting} AND ${revoking}'
    description: 'reconcile grants and revokes Storage Blob Data Reader and Contributor of the service principals that it makes; inspect, checkhealth and checknow look for drift.'
  }
}
