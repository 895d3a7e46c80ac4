// Logs and metrics, written and read with Entra identities alone: neither instrumentation key nor workspace key counts.
param workspaceName string
param componentName string
param location string
param principalId string

@description('Resource id of the identity: the names of role assignments are made from it, as it is known beforehand.')
param identityId string

@description('Most that is taken in a day, in GB. Beyond it the day\'s telemetry is dropped.')
param dailyQuotaGb int

// Monitoring Metrics Publisher
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: workspaceName
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, identityId, metricsPublisher)
  scope: component
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
    description: 'The Functions host writes its telemetry, the app\'s log lines among it.'
  }
}

output connectionString string = component.properties.ConnectionString
