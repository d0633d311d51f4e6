// A SCIM server of better-auth and its SCIM plugin, with an SQLite database in memory.
// Usage: better-auth.mjs PORT [REQUESTS SECONDS], with the token in SCIM_TOKEN. It answers on 127.0.0.1 only, base
// path /api/auth/scim/v2. REQUESTS in SECONDS switch its rate limit on: 429 with X-Retry-After only, and a text body.
// It deviates: a filter is a single `eq`, and email addresses come back in lower case.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { scim } from "@better-auth/scim";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const [port, requests, seconds] = process.argv.slice(2);
const credentials = [{ type: "bearer", id: "first", token: process.env.SCIM_TOKEN }];
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: randomBytes(32).toString("hex"),
  database: new DatabaseSync(":memory:"),
  rateLimit: requests ? { enabled: true, max: Number(requests), window: Number(seconds) } : { enabled: false },
  advanced: { ipAddress: { ipAddressHeaders: ["x-test-address"] } },
  telemetry: { enabled: false },
  plugins: [scim({ connections: [{ id: "tests", credentials }] })],
};
await (await getMigrations(options)).runMigrations();
const handle = toNodeHandler(betterAuth(options));
createServer((request, response) => {
  request.headers["x-test-address"] = "192.0.2.1"; // its rate limit counts by address
  return handle(request, response);
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
