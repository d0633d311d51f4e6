// A SCIM server of scimmy and scimmy-routers over express, with users and groups in memory.
// Usage: scimmy.mjs PORT TOKEN. It answers on 127.0.0.1 only, base path /scim.
// Its deviations: GET of a list ignores startIndex and count, If-Match is ignored, duplicate members are kept.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, token] = process.argv.slice(2);

function store() {
  const kept = new Map();
  const find = (id) => {
    if (!kept.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    return kept.get(id);
  };
  return {
    ingress(resource, instance, unique) {
      const { id, filter, ...rest } = JSON.parse(JSON.stringify(resource));
      const old = resource.id ? find(resource.id) : { id: randomUUID(), meta: { created: new Date() } };
      const data = { ...JSON.parse(JSON.stringify(instance)), id: old.id };
      for (const other of kept.values()) {
        if (other.id !== old.id && String(other[unique]).toLowerCase() === String(data[unique]).toLowerCase()) {
          throw new SCIMMY.Types.Error(409, "uniqueness", `${unique} is taken`);
        }
      }
      data.meta = { created: old.meta?.created ?? new Date(), lastModified: new Date() };
      kept.set(data.id, data);
      return data;
    },
    egress: (resource) => (resource.id ? find(resource.id) : [...kept.values()]),
    degress: (resource) => {
      find(resource.id);
      kept.delete(resource.id);
    },
  };
}

const users = store();
const groups = store();
SCIMMY.Resources.declare(SCIMMY.Resources.User, {
  ingress: (resource, instance) => users.ingress(resource, instance, "userName"),
  egress: users.egress,
  degress: users.degress,
});
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.declare(SCIMMY.Resources.Group, {
  ingress: (resource, instance) => groups.ingress(resource, instance, "displayName"),
  egress: groups.egress,
  degress: groups.degress,
});

const app = express();
app.use("/scim", new SCIMMYRouters({
  type: "bearer",
  handler: (request) => {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("wrong token");
    return "tests";
  },
}));
app.listen(Number(port), "127.0.0.1", () => console.log("listening"));
