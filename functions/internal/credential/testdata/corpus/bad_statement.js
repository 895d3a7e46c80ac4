const credentials = {
  "clientId": "3c9d1f52-0b7e-4a61-9d2c-6e5f4b3a2a10",
  "tenantId": "8f14e45f-ceea-467f-a83b-9d2e6c1b7a55",
  "federatedTokenIssuer": "https://dataloop.ai/oauth2",
  "subject": "system:serviceaccount:dataloop:my-service",
  "audience": "api://AzureADTokenExchange"
};
