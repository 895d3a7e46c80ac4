using 'main.bicep'

// An example: every parameter that makes a setting is given, but for ddoeIntegrationType and ddoeOptionMap, which are
// only for what cannot be discovered on the platform, and authAudience, authTenantId and queueOwner, which need a registration, and policy. README.md says which others may be left out. DDOE offers no endpoint
// for subject tokens publicly: leave ddoeSubjectTokenUrl out unless you run one.
param name = 'wif'
param dataScopes = [
  {
    subscriptionId: '22222222-2222-4222-8222-222222222222'
    resourceGroup: 'data'
  }
]
param defaultIdentity = 'application'
param identityResourceGroup = '/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/identities'
param ddoeIssuer = 'https://dataloop.ai/oauth2'
param ddoeSubjectTemplate = 'system:serviceaccount:dataloop:{service}'
param ddoeSubjectTokenUrl = 'https://gate.dataloop.ai/api/v1/subject-tokens'
param ddoeApiUrl = 'https://gate.dataloop.ai/api/v1'
param ddoeApiKey = {
  subscriptionId: '22222222-2222-4222-8222-222222222222'
  resourceGroup: 'rg-secrets'
  vaultName: 'kv-wif-example'
  secretName: 'ddoe-api-key'
}
param issuerAllowlist = ['dataloop.ai']
param storageSuffixAllowlist = ['blob.core.windows.net']
