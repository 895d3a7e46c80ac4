// The app's one right in Entra: to make applications and to change those that it made (Application.ReadWrite.OwnedBy),
// and where it is asked for the registration of the app's API, by whose roles callers are known.
// Apart from main.bicep because only an Entra administrator may do it; see README.md. It makes no Azure resource.
extension microsoftGraphV1

targetScope = 'resourceGroup'

@description('Object id of the app\'s identity: the output identityPrincipalId of main.bicep.')
@minLength(36)
@maxLength(36)
param identityPrincipalId string

@description('Name of the API\'s registration. Empty: none, and the function key is the only door.')
@maxLength(120)
param apiName string = ''

// Microsoft Graph itself, the same application in every tenant.
resource microsoftGraph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource ownApplications 'Microsoft.Graph/appRoleAssignedTo@v1.0' = {
  resourceId: microsoftGraph.id
  principalId: identityPrincipalId
  appRoleId: '18a4783c-866b-4cc7-a460-3d5e5662c884' // Application.ReadWrite.OwnedBy
}

// A role is a caller's right in the API. Each includes those before it.
var callerRoles = [
  {
    id: '6f0c2f0e-4a51-4ad6-8c0f-0b0d3c1d5a01'
    value: 'Wif.Read'
    displayName: 'Read integrations'
    description: 'Look at integrations, operations and health, and judge credential files.'
  }
  {
    id: '6f0c2f0e-4a51-4ad6-8c0f-0b0d3c1d5a02'
    value: 'Wif.Operate'
    displayName: 'Operate integrations'
    description: 'Create, change, test and delete integrations.'
  }
  {
    id: '6f0c2f0e-4a51-4ad6-8c0f-0b0d3c1d5a03'
    value: 'Wif.Admin'
    displayName: 'Administer integrations'
    description: 'Everything, whoever the integration belongs to.'
  }
]

var azureCLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46' // the same in every tenant
var scopeId = '6f0c2f0e-4a51-4ad6-8c0f-0b0d3c1d5a00'

// Nobody gets a token for it without a role, and the Azure CLI may ask for one on behalf of who is signed in.
resource api 'Microsoft.Graph/applications@v1.0' = if (!empty(apiName)) {
  uniqueName: apiName
  displayName: apiName
  signInAudience: 'AzureADMyOrg'
  groupMembershipClaims: 'SecurityGroup' // groups can own integrations and be named in POLICY
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'user_impersonation'
        type: 'Admin'
        isEnabled: true
        adminConsentDisplayName: 'Call the API as the user'
        adminConsentDescription: 'Call the API with the roles of the user who is signed in.'
      }
    ]
    preAuthorizedApplications: [
      {
        appId: azureCLI
        delegatedPermissionIds: [scopeId]
      }
    ]
  }
  appRoles: [
    for role in callerRoles: union(role, {
      allowedMemberTypes: ['User', 'Application']
      isEnabled: true
    })
  ]
}

resource apiPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = if (!empty(apiName)) {
  appId: api.?appId ?? ''
  appRoleAssignmentRequired: true
}

@description('The parameter authAudience of main.bicep.')
output authAudience string = api.?appId ?? ''
