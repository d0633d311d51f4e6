// A SCIM server of better-auth and its SCIM plugin, with an SQLite database in memory.
// Usage: better-auth.mjs PORT TOKEN [REQUESTS SECONDS]. It answers on 127.0.0.1 only, base path /api/auth/scim/v2.
// REQUESTS in SECONDS switch its rate limit on: a real 429, with X-Retry-After only and a text body.
// Its deviations: filters are a single `eq`, email addresses come back in lower case.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { scim } from "@better-auth/scim";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const [port, token, requests, seconds] = process.argv.slice(2);
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: randomBytes(32).toString("hex"),
  database: new DatabaseSync(":memory:"),
  rateLimit: requests ? { enabled: true, max: Number(requests), window: Number(seconds) } : { enabled: false },
  advanced: { ipAddress: { ipAddressHeaders: ["x-test-address"], disableIpTracking: false } },
  telemetry: { enabled: false },
  plugins: [scim({ connections: [{ id: "tests", credentials: [{ type: "bearer", id: "first", token }] }] })],
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
const handle = toNodeHandler(betterAuth(options));
const server = createServer((request, response) => {
  request.headers["x-test-address"] = "192.0.2.1";
  return handle(request, response);
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
