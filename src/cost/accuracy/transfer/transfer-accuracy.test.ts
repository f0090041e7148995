// Goal: devices that no constant was fitted on are predicted from their sheets and a few measurements. Method: small made-up sets; the public tables
// where they are there (a part of them: `npm run bench -- transfer` runs all).
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { measuredSets, SHARED_DATA } from "../../../../scripts/measured-operators.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { deviceFigures } from "../../operator/physics/device-figures.ts";
import { HOPPER } from "../../operator/physics/families/hopper.ts";
import type { MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";
import { operatorNs } from "../../operator/physics/operator-time.ts";
import type { DeviceSet } from "./device-set.ts";
import { transferAccuracy } from "./transfer-accuracy.ts";

/** Products of a device whose kernels are those of Hopper, `slower` times slower. */
function madeUp(id: string, slower: number): DeviceSet {
  const sheet = deviceSheet(id);
  const rows: MeasuredTime[] = [];
  for (const m of [1, 16, 64, 256, 1024, 4096]) {
    for (const n of [128, 1024, 4096, 8192]) {
      for (const k of [128, 2048, 8192]) {
        const query = { op: "product", m, n, k, type: "bf16" } as const;
        rows.push({ query, ns: slower * operatorNs(deviceFigures(sheet), HOPPER, query) });
      }
    }
  }
  return { dataSet: "made up", engine: "none", sheet, rows };
}

describe("transfer", () => {
  const options = { slots: ["product half"], evaluations: 150 } as const;

  it("leaves each device out in turn, and scores no row that it measured", () => {
    const rows = transferAccuracy([madeUp("a100-sxm", 1), madeUp("h100-sxm", 1), madeUp("b200-sxm", 1)], options);
    expect(rows.map(({ points }) => points)).toEqual([66, 66, 66, 66, 66, 66]);
    for (const row of rows) expect(row.medianError).toBeLessThan(0.1);
  });

  it("sees a device unlike the others from its sheet alone, and meets it once it is measured", () => {
    const rows = transferAccuracy([madeUp("a100-sxm", 1), madeUp("h100-sxm", 2), madeUp("b200-sxm", 1)], options);
    const odd = rows.filter(({ device }) => device.includes("H100"));
    expect(odd[0]!.medianError).toBeGreaterThan(0.35);
    expect(odd[1]!.medianError).toBeLessThan(odd[0]!.medianError / 1.5);
  });

  it("fits nothing on rows that are known to be faulty, and scores them under a name of their own", () => {
    const faulty: DeviceSet = { ...madeUp("h100-sxm", 5), faulty: ["product half"] };
    const rows = transferAccuracy([madeUp("a100-sxm", 1), faulty, madeUp("b200-sxm", 1)], options);
    const sound = "product half";
    expect(rows.map(({ family }) => family)).toEqual([sound, sound, `${sound} (faulty table)`, `${sound} (faulty table)`, sound, sound]);
    expect(rows[0]!.medianError).toBeLessThan(0.1);
  });
});

describe.skipIf(!existsSync(SHARED_DATA))("transfer on public tables", () => {
  it("keeps 20 % in the median with six measurements for products of six devices", async () => {
    const slots = ["product half"] as const;
    const rows = transferAccuracy(await measuredSets(100, slots), { slots, evaluations: 120 });
    const probed = rows.filter(({ protocol }) => protocol.includes("microbenchmarks"));
    expect(new Set(probed.map(({ device }) => device)).size).toBe(6);
    for (const row of probed) expect(row.medianError, `${row.family} ${row.device}`).toBeLessThan(0.2);
  }, 60_000);
});
