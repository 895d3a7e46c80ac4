// The app's one right in Entra: to make applications and to change those that it made (Application.ReadWrite.OwnedBy).
// Apart from main.bicep because only an Entra administrator may grant it; see README.md. It makes no Azure resource.
extension microsoftGraphV1

targetScope = 'resourceGroup'

@description('Object id of the app\'s identity: the output identityPrincipalId of main.bicep.')
@minLength(36)
@maxLength(36)
param identityPrincipalId string

// Microsoft Graph itself, the same application in every tenant.
resource microsoftGraph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource ownApplications 'Microsoft.Graph/appRoleAssignedTo@v1.0' = {
  resourceId: microsoftGraph.id
  principalId: identityPrincipalId
  appRoleId: '18a4783c-866b-4cc7-a460-3d5e5662c884' // Application.ReadWrite.OwnedBy
}
