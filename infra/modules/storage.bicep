// Two accounts without keys: one for the Functions host (leases, timers, function keys, the package), one for the
// app's state. They are apart so that the host's right over its account says nothing about the state.
param hostAccountName string
param stateAccountName string
param stateAccountSku string
param location string
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

// Storage Blob Data Owner, Storage Blob Data Contributor
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: hostAccountName
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: 'packages'
      properties: { publicAccess: 'None' }
    }
  }
}

resource stateAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: stateAccountName
  location: location
  kind: 'StorageV2'
  sku: { name: stateAccountSku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      // A document deleted or overwritten by mistake can be had back for a week.
      deleteRetentionPolicy: { enabled: true, days: 7 }
      containerDeleteRetentionPolicy: { enabled: true, days: 7 }
    }

    resource state 'containers' = {
      name: 'wif-state'
      properties: { publicAccess: 'None' }
    }
  }
}

resource ownHostAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostAccount.id, identityId, blobDataOwner)
  scope: hostAccount
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
    description: 'The Functions host keeps its leases, timers, function keys and the package here.'
  }
}

resource writeState 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(stateAccount::blobs::state.id, identityId, blobDataContributor)
  scope: stateAccount::blobs::state
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    description: 'All functions keep integrations and operations here.'
  }
}

output hostBlobEndpoint string = hostAccount.properties.primaryEndpoints.blob
output packageContainerUrl string = '${hostAccount.properties.primaryEndpoints.blob}${hostAccount::blobs::packages.name}'
output stateBlobEndpoint string = stateAccount.properties.primaryEndpoints.blob
