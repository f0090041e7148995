// Goal: whole layers and models on devices left out. Method: made-up machines whose engines differ by a factor; the public tables where they are there.
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { measuredPhases, SHARED_DATA } from "../../../../scripts/measured-operators.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { physicsModel } from "../../operator/physics/physics-model.ts";
import { type PhaseSet, type PhaseTime, phaseTransferAccuracy } from "./phase-transfer.ts";
import { layerQueries, type TimedDecoder } from "./served-layer.ts";

const DECODER: TimedDecoder = {
  name: "small",
  layers: 2,
  width: 4096,
  inner: 11_008,
  inputProducts: 2,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  type: "f16",
};

/** A machine whose engine takes `factor` times what the operators take, and 40 µs a layer. */
function machine(id: string, factor: number): PhaseSet {
  const sheet = deviceSheet(id);
  const model = physicsModel(sheet);
  const times: PhaseTime[] = [];
  for (const size of [1, 2, 4, 8, 16, 32, 64, 128]) {
    for (const at of [
      { phase: "prompt", batch: 1, tokens: 32 * size, context: 0 },
      { phase: "token", batch: size, tokens: 1, context: 1000 },
    ] as const) {
      let ns = 0;
      for (const query of layerQueries(DECODER, at, 1)) {
        const price = model.price(query);
        if (price.ok) ns += price.value.ns;
      }
      times.push({ at, decoder: DECODER, shards: 1, layers: 2, ns: 2 * (factor * ns + 40_000) });
    }
  }
  return { dataSet: "made up", engine: "none", sheet, times, excluded: {} };
}

describe("transfer of phases", () => {
  it("tells an engine's share from other devices, and an odd one from three of its times", () => {
    const rows = phaseTransferAccuracy([
      machine("a100-sxm", 1.3),
      machine("l4", 1.3),
      machine("t4", 1.3),
      machine("rtx-4090", 1.3),
      machine("h100-sxm", 2.6),
    ]);
    const of = (device: string, protocol: string) =>
      rows.filter((row) => row.device.includes(device) && row.protocol.includes(protocol)).map(({ medianError }) => medianError);
    for (const error of of("T4", "other devices")) expect(error).toBeLessThan(0.15);
    for (const error of of("H100", "other devices")) expect(error).toBeGreaterThan(0.3);
    for (const error of of("H100", "not counted")) expect(error).toBeLessThan(0.2);
    expect(rows[0]!.points).toBe(5);
  });

  it("splits heads and the inner width over shards", () => {
    const [qkv, , out, up, down] = layerQueries(DECODER, { phase: "token", batch: 3, tokens: 1, context: 9 }, 4);
    expect(qkv).toMatchObject({ m: 3, n: (8 + 4) * 128, k: 4096 });
    expect(out).toMatchObject({ n: 4096, k: 1024 });
    expect(up).toMatchObject({ n: 5504 });
    expect(down).toMatchObject({ k: 2752 });
  });
});

describe.skipIf(!existsSync(SHARED_DATA))("transfer of phases on public tables", () => {
  it("keeps 20 % in the median with three times a model, on six machines", () => {
    const rows = phaseTransferAccuracy(measuredPhases());
    const probed = rows.filter(({ protocol }) => protocol.includes("not counted"));
    expect(probed).toHaveLength(12);
    for (const row of probed) expect(row.medianError, `${row.family} ${row.device}`).toBeLessThan(0.2);
  });
});
