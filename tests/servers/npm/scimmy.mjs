// A SCIM server of scimmy and scimmy-routers over express, with users and groups in memory.
// Usage: scimmy.mjs PORT, with the token in SCIM_TOKEN. It answers on 127.0.0.1 only, base path /scim.
// It deviates: lists ignore startIndex and count (always page 1), If-Match is ignored, duplicate members are kept.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const expected = `Bearer ${process.env.SCIM_TOKEN}`;

function declare(Resource, unique) {
  const kept = new Map();
  const find = (id) => {
    if (!kept.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    return kept.get(id);
  };
  return SCIMMY.Resources.declare(Resource, {
    ingress(resource, instance) {
      const old = resource.id ? find(resource.id) : { id: randomUUID(), meta: { created: new Date() } };
      const data = { ...JSON.parse(JSON.stringify(instance)), id: old.id };
      const same = (other) => String(other[unique]).toLowerCase() === String(data[unique]).toLowerCase();
      if ([...kept.values()].some((other) => other.id !== data.id && same(other))) {
        throw new SCIMMY.Types.Error(409, "uniqueness", `${unique} is taken`);
      }
      data.meta = { created: old.meta.created, lastModified: new Date() };
      kept.set(data.id, data);
      return data;
    },
    egress: (resource) => (resource.id ? find(resource.id) : [...kept.values()]),
    degress: (resource) => void (find(resource.id) && kept.delete(resource.id)),
  });
}

declare(SCIMMY.Resources.User, "userName");
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
declare(SCIMMY.Resources.Group, "displayName");

const app = express();
app.use("/scim", new SCIMMYRouters({
  type: "bearer",
  handler: (request) => {
    if (request.header("Authorization") !== expected) throw new Error("wrong token");
    return "tests";
  },
}));
app.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
