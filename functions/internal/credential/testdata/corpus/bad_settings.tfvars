client_id = "3c9d1f52-0b7e-4a61-9d2c-6e5f4b3a2a10"
tenant_id = "8f14e45f-ceea-467f-a83b-9d2e6c1b7a55"
subject   = "system:serviceaccount:dataloop:my-service"
