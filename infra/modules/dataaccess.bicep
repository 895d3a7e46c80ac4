// What the app may grant, on the storage of this resource group: the two roles of a spec, to service principals, and
// nothing else. Writing looks at the request, deleting at what is there, so the condition has two clauses.
// The role's */read lets the app see the account and the assignments that exist.
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

// Role Based Access Control Administrator
var rbacAdministrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
// Storage Blob Data Reader, Storage Blob Data Contributor
var grantable = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1, ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var assignments = 'Microsoft.Authorization/roleAssignments'
var granting = '((!(ActionMatches{\'${assignments}/write\'})) OR (@Request[${assignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Request[${assignments}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {\'ServicePrincipal\'}))'
var revoking = '((!(ActionMatches{\'${assignments}/delete\'})) OR (@Resource[${assignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Resource[${assignments}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {\'ServicePrincipal\'}))'

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, rbacAdministrator)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', rbacAdministrator)
    conditionVersion: '2.0'
    condition: '${granting} AND ${revoking}'
    description: 'reconcile grants and revokes Storage Blob Data Reader and Contributor of the service principals that it makes; inspect and checkhealth look for drift.'
  }
}
