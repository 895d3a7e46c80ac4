{
  `clientId`: `3c9d1f52-0b7e-4a61-9d2c-6e5f4b3a2a10`,
  `clientSecret`: `pl4nted-word`,
  `note`: `abc8Q~pl4nted0123456789abcdefghijklmnopq`
}
