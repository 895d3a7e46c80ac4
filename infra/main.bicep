// The app on Azure Functions Flex Consumption, with one user-assigned identity and no key anywhere.
// Rights in Entra are apart, in graph.bicep, for an Entra administrator; with managed identities there are none.
targetScope = 'resourceGroup'

@description('Short name of this deployment, part of every resource name: lower-case letters, digits, and hyphens between them.')
@minLength(3)
@maxLength(12)
param name string

@description('Region of all resources; must offer Flex Consumption.')
param location string = resourceGroup().location

@description('A resource group with storage accounts of customers.')
type dataScope = {
  subscriptionId: string
  resourceGroup: string
}

@description('Resource groups in whose storage accounts the app may grant access. Deploy again after a change.')
param dataScopes dataScope[]

@description('''Identity of an integration whose spec names none (setting DEFAULT_IDENTITY): application needs graph.bicep,
managedIdentity needs identityResourceGroup.''')
@allowed(['application', 'managedIdentity'])
param defaultIdentity string = 'application'

@description('''Resource id of the group where the app makes managed identities (setting IDENTITY_RESOURCE_GROUP): one that
holds nothing else, never the app's own. Empty: no managed identities.''')
param identityResourceGroup string = ''

@description('Issuer of the platform\'s OIDC tokens, byte for byte as in their claim iss (setting DDOE_ISSUER). Empty: every spec must name its own.')
param ddoeIssuer string = ''

@description('How a service name becomes a subject (setting DDOE_SUBJECT_TEMPLATE). Empty: the app\'s own default.')
param ddoeSubjectTemplate string = ''

@description('Where a subject token may be asked for (setting DDOE_SUBJECT_TOKEN_URL); needs ddoeApiKey. Empty: access is tested only with tokens given in a request.')
param ddoeSubjectTokenUrl string = ''

@description('The platform\'s API (setting DDOE_API_URL); needs ddoeApiKey. Empty: the steps on the platform\'s side are left to a person.')
param ddoeApiUrl string = ''

@description('Type of the platform\'s integration (setting DDOE_INTEGRATION_TYPE).')
param ddoeIntegrationType string = ''

@description('Option names of the platform\'s integration and where each value comes from (setting DDOE_OPTION_MAP).')
param ddoeOptionMap object = {}

@description('A secret in a key vault that takes Azure RBAC.')
type secretReference = {
  subscriptionId: string
  resourceGroup: string
  vaultName: string
  secretName: string
}

@description('The platform\'s API key (setting DDOE_API_KEY), as a Key Vault reference. Null: no key.')
param ddoeApiKey secretReference?

@description('''Audience of the callers' access tokens (setting AUTH_AUDIENCE): client id of the API's registration, or its application
id URI for tokens of version 1. Empty: the function key is the only door.''')
param authAudience string = ''

@description('Tenant whose tokens are taken (setting AUTH_TENANT_ID); needs authAudience. Empty: the app\'s own.')
param authTenantId string = ''

@description('How long an operation is kept after its end (setting OPERATION_RETENTION), a Go duration.')
param operationRetention string = '2160h'
@description('Whose integrations messages make and may touch (setting QUEUE_OWNER): object id of a user, group or service principal. Empty: queue.')
param queueOwner string = ''

@description('Origins whose pages may call the API from a browser (setting CORS_ORIGINS), such as https://portal.example.com.')
param corsOrigins string[] = []

@description('Requests a second that one instance takes of one caller (setting RATE_LIMIT); twice as many at once.')
@minValue(1)
@maxValue(100000)
param rateLimit int = 20

@description('''What callers may ask for (setting POLICY): a list of {callers, issuers, subjects, storage, access}.
Empty: the issuer ddoeIssuer, the subjects of ddoeSubjectTemplate, the storage of dataScopes, for all callers.''')
param policy object[] = []

@description('Hosts of issuers that the app may contact for a customer\'s value (setting ISSUER_ALLOWLIST).')
param issuerAllowlist string[] = []

@description('Domains of storage endpoints that the app may contact for a customer\'s value (setting STORAGE_SUFFIX_ALLOWLIST).')
param storageSuffixAllowlist string[] = []

@description('Public URL of the app, where a gateway or a custom domain stands before it (setting PUBLIC_BASE_URL). Empty: the app\'s own host name.')
param publicBaseUrl string = ''

@description('Memory of one instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('Most instances at once of each function group; there are five.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 2

@description('Redundancy of the state account; Standard_LRS where the region has no zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param stateAccountSku string = 'Standard_ZRS'

@description('Most telemetry in a day, in GB; -1 is no limit.')
param dailyQuotaGb int = 1

// What every resource takes as a part of its name. Upper case is refused because Azure takes WIF and wif for one name,
// while uniqueString does not. The identity's name is made from it, and everything else waits for the identity: a bad
// name stops the deployment before anything is made.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
var nameCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789-'
var foreign = filter(range(0, length(name)), i => !contains(nameCharacters, substring(name, i, 1)))
var shortName = empty(foreign) && !startsWith(name, '-') && !endsWith(name, '-')
  ? name
  : fail('name must be lower-case letters, digits, and hyphens between them')

// The parts of /subscriptions/{id}/resourceGroups/{name}. What they do not make up again has another form: a slash at the
// end would make the app's own group look like another one.
var identityGroup = {
  subscriptionId: split(identityResourceGroup, '/')[?2] ?? ''
  name: split(identityResourceGroup, '/')[?4] ?? ''
}
var identityGroupId = '/subscriptions/${identityGroup.subscriptionId}/resourceGroups/${identityGroup.name}'
var isGroupId = !empty(identityGroup.name) && toLower(identityResourceGroup) == toLower(identityGroupId)

// Who may write credentials of the app's own identity could become the app: never in its own group. Azure tells no group
// from another by case.
var identityName = !empty(identityResourceGroup) && !isGroupId
  ? fail('identityResourceGroup must be the id of a resource group: /subscriptions/{id}/resourceGroups/{name}')
  : toLower(identityResourceGroup) == toLower(resourceGroup().id)
      ? fail('identityResourceGroup must not be the group that the app is deployed to')
      : defaultIdentity == 'managedIdentity' && empty(identityResourceGroup)
          ? fail('defaultIdentity managedIdentity needs identityResourceGroup')
          : 'id-${shortName}'

// Storage account names are global, at most 24 characters, letters and digits only.
var suffix = uniqueString(resourceGroup().id, shortName)
var compact = replace(shortName, '-', '')
var hostAccountName = take('${compact}h${suffix}', 24)
var identityId = resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', identityName)
var cloudNames = {
  AzureCloud: 'public'
  AzureUSGovernment: 'usgov'
  AzureChinaCloud: 'china'
}

module identity 'modules/identity.bicep' = {
  params: {
    name: identityName
    location: location
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    hostAccountName: hostAccountName
    stateAccountName: take('${compact}s${suffix}', 24)
    stateAccountSku: stateAccountSku
    location: location
    principalId: identity.outputs.principalId
    identityId: identityId
  }
}

module serviceBus 'modules/servicebus.bicep' = {
  params: {
    name: 'sb-${shortName}-${suffix}'
    location: location
    principalId: identity.outputs.principalId
    identityId: identityId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: 'log-${shortName}'
    componentName: 'appi-${shortName}'
    location: location
    dailyQuotaGb: dailyQuotaGb
    principalId: identity.outputs.principalId
    identityId: identityId
  }
}

module dataAccess 'modules/dataaccess.bicep' = [
  for s in dataScopes: {
    scope: resourceGroup(s.subscriptionId, s.resourceGroup)
    params: {
      principalId: identity.outputs.principalId
      identityId: identityId
    }
  }
]

// A list of one or none: Azure looks at the scope of a module even where its condition is false.
// Source: https://github.com/Azure/bicep/issues/11463.
module identityAccess 'modules/identityaccess.bicep' = [
  for g in (empty(identityResourceGroup) ? [] : [identityGroup]): {
    scope: resourceGroup(g.subscriptionId, g.name)
    params: {
      principalId: identity.outputs.principalId
      identityId: identityId
    }
  }
]

module apiKey 'modules/secret.bicep' = if (ddoeApiKey != null) {
  scope: resourceGroup(ddoeApiKey!.subscriptionId, ddoeApiKey!.resourceGroup)
  params: {
    vaultName: ddoeApiKey!.vaultName
    secretName: ddoeApiKey!.secretName
    principalId: identity.outputs.principalId
    identityId: identityId
  }
}

// What the Functions host reads: its own storage, the triggers' connection, telemetry. With the URI alone the host can
// fail to make its client early in the start; the URI stays for clouds with another domain.
// Source: azure-functions-host issues 11787, 11782, 11636.
var hostSettings = {
  AzureWebJobsStorage__accountName: hostAccountName
  AzureWebJobsStorage__blobServiceUri: storage.outputs.hostBlobEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  ServiceBusConnection__fullyQualifiedNamespace: serviceBus.outputs.fullyQualifiedNamespace
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identity.outputs.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
}

// What the app reads, besides the triggers' connection and PUBLIC_BASE_URL. The platform does not tell an app on Flex
// Consumption its own group, where no identity is made: a spec may name any.
// Source: https://github.com/Azure/Azure-Functions/issues/2593.
var dataScopeIds = [for s in dataScopes: '/subscriptions/${s.subscriptionId}/resourceGroups/${s.resourceGroup}']

var appSettings = {
  AZURE_CLIENT_ID: identity.outputs.clientId
  AZURE_CLOUD: cloudNames[environment().name]
  STATE_STORAGE_URL: storage.outputs.stateBlobEndpoint
  OWN_RESOURCE_GROUP: resourceGroup().id
  OPERATION_RETENTION: operationRetention
  RATE_LIMIT: string(rateLimit)
  OWN_STORAGE_ACCOUNTS: hostAccountName
  DATA_SCOPES: join(dataScopeIds, ',')
}

// Left out where the parameter is empty, so that the app's own default or "off" counts.
var optionalSettings = union(
  empty(ddoeIssuer) ? {} : { DDOE_ISSUER: ddoeIssuer },
  empty(ddoeSubjectTemplate) ? {} : { DDOE_SUBJECT_TEMPLATE: ddoeSubjectTemplate },
  empty(ddoeSubjectTokenUrl)
    ? {}
    : {
        DDOE_SUBJECT_TOKEN_URL: ddoeApiKey == null ? fail('ddoeSubjectTokenUrl needs ddoeApiKey') : ddoeSubjectTokenUrl
      },
  empty(ddoeApiUrl)
    ? {}
    : {
        DDOE_API_URL: ddoeApiKey == null ? fail('ddoeApiUrl needs ddoeApiKey') : ddoeApiUrl
      },
  empty(ddoeIntegrationType) ? {} : { DDOE_INTEGRATION_TYPE: ddoeIntegrationType },
  empty(ddoeOptionMap) ? {} : { DDOE_OPTION_MAP: string(ddoeOptionMap) },
  ddoeApiKey == null
    ? {}
    : {
        DDOE_API_KEY: '@Microsoft.KeyVault(SecretUri=https://${ddoeApiKey!.vaultName}${environment().suffixes.keyvaultDns}/secrets/${ddoeApiKey!.secretName})'
      },
  empty(identityResourceGroup)
    ? {}
    : {
        DEFAULT_IDENTITY: defaultIdentity
        IDENTITY_RESOURCE_GROUP: identityResourceGroup
      },
  empty(authAudience) ? {} : { AUTH_AUDIENCE: authAudience },
  empty(authTenantId)
    ? {}
    : { AUTH_TENANT_ID: empty(authAudience) ? fail('authTenantId needs authAudience') : authTenantId },
  empty(policy) ? {} : { POLICY: string(policy) },
  empty(queueOwner) ? {} : { QUEUE_OWNER: queueOwner },
  empty(corsOrigins) ? {} : { CORS_ORIGINS: join(corsOrigins, ',') },
  empty(issuerAllowlist) ? {} : { ISSUER_ALLOWLIST: join(issuerAllowlist, ',') },
  empty(storageSuffixAllowlist) ? {} : { STORAGE_SUFFIX_ALLOWLIST: join(storageSuffixAllowlist, ',') }
)

// Everything that the app starts with is there before it: the rights too, else the first start fails.
module app 'modules/functionapp.bicep' = {
  params: {
    name: 'func-${shortName}-${suffix}'
    planName: 'plan-${shortName}'
    location: location
    identityId: identityId
    packageContainerUrl: storage.outputs.packageContainerUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    settings: union(hostSettings, appSettings, optionalSettings)
    publicBaseUrl: publicBaseUrl
  }
  dependsOn: [dataAccess, identityAccess, apiKey]
}

@description('Name of the function app, for the upload of the package.')
output functionAppName string = 'func-${shortName}-${suffix}'

@description('Public URL of the API, without a slash at the end.')
output apiUrl string = empty(publicBaseUrl) ? 'https://${app.outputs.defaultHostName}/api' : '${publicBaseUrl}/api'

@description('Object id of the identity, for graph.bicep where that is deployed.')
output identityPrincipalId string = identity.outputs.principalId
