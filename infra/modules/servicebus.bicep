// The namespace without keys. Standard, because Basic has neither sessions nor topics.
// Sessions and duplicate detection cannot be changed after an entity exists.
param name string
param location string
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

// Azure Service Bus Data Receiver, Azure Service Bus Data Sender
var receiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
var sender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  sku: { name: 'Standard' }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }

  // One session for each integration: two commands for one integration never run at once. The host renews the lock
  // while a function runs, so a minute is what a crash costs until the command is delivered again.
  resource commands 'queues' = {
    name: 'wif-commands'
    properties: {
      requiresSession: true
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT10M'
      lockDuration: 'PT1M'
      maxDeliveryCount: 10
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
    }
  }

  // One message for each check that is due; its MessageId holds the integration and the time slot, so a sweep that is
  // repeated within a day asks once. A check that nobody made for six hours is worth nothing any more and expires.
  resource health 'queues' = {
    name: 'wif-health'
    properties: {
      requiresSession: false
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'P1D'
      lockDuration: 'PT1M'
      maxDeliveryCount: 5
      defaultMessageTimeToLive: 'PT6H'
      deadLetteringOnMessageExpiration: false
    }
  }

  // Subscribers add their own subscriptions; what none takes is gone, what one does not read expires.
  resource events 'topics' = {
    name: 'wif-events'
    properties: {
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT10M'
      defaultMessageTimeToLive: 'P14D'
    }
  }
}

// Reading how long the queues are is a right of the control plane that no data role but Owner has. Without it the scale
// controller guesses from a few messages that it peeks at, and ten scheduled ones hide a new command.
// Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger, "Scaling permissions".
resource readForScaling 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(namespace.id, identityId, 'read for scaling')
  properties: {
    roleName: 'Service Bus Scale Reader of ${name}' // unique in the tenant
    type: 'customRole'
    description: 'Reads a Service Bus namespace and its queues, topics and subscriptions; no messages.'
    assignableScopes: [resourceGroup().id]
    permissions: [{ actions: ['Microsoft.ServiceBus/namespaces/*/read'] }]
  }
}

resource scale 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace.id, identityId, readForScaling.name)
  scope: namespace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: readForScaling.id
    description: 'The scale controller reads the queue lengths for reconcile, deadletter and checkhealth.'
  }
}

resource receiveCommands 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::commands.id, identityId, receiver)
  scope: namespace::commands
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', receiver)
    description: 'The host receives for reconcile and, from the dead-letter queue, for deadletter.'
  }
}

resource sendCommands 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::commands.id, identityId, sender)
  scope: namespace::commands
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
    description: 'connect, disconnect, testaccess and checknow send commands; reconcile schedules retries and verifications.'
  }
}

resource receiveHealth 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::health.id, identityId, receiver)
  scope: namespace::health
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', receiver)
    description: 'The host receives for checkhealth.'
  }
}

resource sendHealth 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::health.id, identityId, sender)
  scope: namespace::health
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
    description: 'sweep asks for checks; checkhealth, checknow, testaccess, inspect and reconcile for further ones.'
  }
}

resource sendEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::events.id, identityId, sender)
  scope: namespace::events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
    description: 'reconcile, checkhealth, checknow, testaccess and sweep publish what has changed.'
  }
}

// serviceBusEndpoint is https://<namespace>.<domain of the cloud>:443/
output fullyQualifiedNamespace string = split(split(namespace.properties.serviceBusEndpoint, '//')[1], ':')[0]
