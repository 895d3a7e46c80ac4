using 'graph.bicep'

// An example: put the output identityPrincipalId of main.bicep here.
param identityPrincipalId = '00000000-0000-0000-0000-000000000003'
