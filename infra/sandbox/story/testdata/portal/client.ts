// A portal's whole flow, with the types that are made from the API document.
import type { components, paths } from "./api.js"

type Schemas = components["schemas"]
declare const process: { argv: string[] }
const [, , api, account] = process.argv as [string, string, string, string]
let requests = 0

async function ask<T>(method: string, path: string, body?: unknown): Promise<{ status: number; headers: Headers; body: T }> {
  requests++
  const headers: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" }
  const answer = await fetch(path.startsWith("http") ? path : api + path,
    { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T }
}

async function ended(location: string | null): Promise<Schemas["Operation"]> {
  for (;;) {
    const { body } = await ask<Schemas["Operation"]>("GET", location + "?wait=20s")
    if (body.status === "Succeeded" || body.status === "Failed" || body.status === "Canceled") return body
  }
}

function expect(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}

const spec: paths["/integrations/{id}"]["put"]["requestBody"]["content"]["application/json"] = {
  serviceName: "my-service", tags: { team: "vision" },
  storage: [{ resourceId: account, container: "images", access: "readWrite" }],
}
const created = await ask<Schemas["Document"]>("PUT", "/integrations/from-a-portal", spec)
expect(created.status === 201, "created")
const made = await ended(created.headers.get("Operation-Location"))
expect(made.status === "Succeeded", JSON.stringify(made.error))
const file = await ask<Schemas["File"]>("GET", "/integrations/from-a-portal/credentials")
expect(file.body.subject.endsWith(":my-service"), "credentials")
const flow = requests
const test = await ask<Schemas["Report"]>("POST", "/integrations/from-a-portal/access-tests", { mode: "roundtrip" })
expect(test.status === 200 && test.body.verdict === "pass", JSON.stringify(test.body))
const list = await ask<Schemas["Page"]>("GET", "/integrations?tag=team:vision")
expect(list.body.value.length === 1, "list")
const trail = await ask<Schemas["ListPage"]>("GET", "/integrations/from-a-portal/operations")
const first = trail.body.value.at(-1)
expect(first?.id === made.id, "operations")
const refused = await ask<Schemas["Problem"]>("POST", `/operations/${made.id}/cancel`)
expect(refused.status === 409 && refused.body.code === "operation-not-cancelable", "cancel")
const deleted = await ask<Schemas["Operation"]>("DELETE", "/integrations/from-a-portal")
expect((await ended(deleted.headers.get("Operation-Location"))).status === "Succeeded", "deleted")
console.log(JSON.stringify({ flow, requests }))
