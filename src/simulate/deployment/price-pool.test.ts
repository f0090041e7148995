// Goal: a pool has a price wherever its devices' figures suffice. Method: a device whose sheet does not say how many a machine has, alone and on a fabric.
import { expect, it } from "vitest";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { pricePool } from "./price-pool.ts";

it("needs no number of devices a machine of one that serves alone", () => {
  const sheet = deviceSheet("rtx-4090");
  expect(sheet.perNode).toBeUndefined();
  const text = { version: 1, model: "Llama-3.1-8B", pools: [{ device: sheet.id }] };
  const pool = readDeployment(JSON.stringify(text)).deployment.pools[0]!;
  const priced = pricePool(pool, 0, { architecture: must(knownArchitecture("Llama-3.1-8B"), "known"), sheet });
  expect(priced.ok).toBe(true);
});
