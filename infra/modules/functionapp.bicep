// The Flex Consumption app: a custom handler, so the runtime is "custom"; its package lies in a container that it reads
// with its identity. Nothing may publish with a password.
param name string
param planName string
param location string

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('URL of the blob container that holds the package.')
param packageContainerUrl string
param instanceMemoryMB int
param maximumInstanceCount int

@description('All app settings, except PUBLIC_BASE_URL where it is the app\'s own host name.')
param settings object

@description('Public URL of the app. Empty: its own host name.')
param publicBaseUrl string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      runtime: { name: 'custom', version: '1.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
    }
  }

  // The settings are a resource of their own because one of them is the site's host name.
  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, {
      PUBLIC_BASE_URL: empty(publicBaseUrl) ? 'https://${app.properties.defaultHostName}' : publicBaseUrl
    })
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

output defaultHostName string = app.properties.defaultHostName
