// The app's only identity. Every right in the other modules and in graph.bicep is granted to it.
param name string
param location string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
}

output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
