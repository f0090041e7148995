// Goal: prices from the tables of kernels give back the steps that were timed. Method: steps made from known parts.
import { expect, test } from "vitest";
import { smallSpec, syntheticDevice } from "../../../test/support/synthetic-rack.ts";
import { layerProducts } from "../../cost/decoder-shape.ts";
import { operatorPricer } from "../../cost/operator-cost.ts";
import { kernelProductQuestions, kernelStepQuestions } from "./calibration-shapes.ts";
import { kernelTable } from "./kernel-table.ts";

const LAYERS = 3;
const STEP_NS = 12_000;
const LAYER_NS = 900;

test("parts of timed steps add up to them again, whatever the product's share", () => {
  const products = kernelProductQuestions(smallSpec, false, 64).flatMap(({ bits, rows, n, k }) =>
    rows.map((m) => ({ format: "block-int8" as const, bits, m, n, k, ns: 300 + (bits * m * n * k) / 2_000 })),
  );
  const productsOf = (rows: number): number =>
    layerProducts(smallSpec).reduce((sum, { n, k }) => sum + 300 + (4 * rows * n * k) / 2_000, 0);
  const attentionOf = (sequences: number, context: number): number => sequences * context * 25;
  const stepOf = (layers: number, sequences: number, context: number): number =>
    STEP_NS + layers * (LAYER_NS + productsOf(sequences) + attentionOf(sequences, context));
  const steps = kernelStepQuestions(smallSpec, false).map((point) => ({ point, ns: stepOf(LAYERS, point.sequences, point.context) }));
  const kernels = kernelTable(smallSpec, products, { layers: LAYERS, steps, stepNs: STEP_NS });
  expect(kernels.layerNs).toBeCloseTo(LAYER_NS, 0);

  const { calibration } = syntheticDevice("a");
  const device = syntheticDevice("a", { calibration: { ...calibration!, products: [...calibration!.products, ...products], kernels } });
  const stage = {
    fromLayer: 0,
    toLayer: 12,
    device: "a",
    driver: "ort",
    threads: 1,
    prefillFormat: "int4",
    decodeFormat: "block-int8",
  } as const;
  const priced = operatorPricer(smallSpec, stage, { device, eightBit: { layers: 0, head: 1 } });
  if (!priced.ok) throw new TypeError(priced.error.missing);
  for (const { point } of steps) {
    const { sequences, context } = point;
    const shape = { prefill: [], decodeContexts: new Array<number>(sequences).fill(context), sampledRows: sequences };
    expect(priced.value.decode(shape).ns / stepOf(12, sequences, context), `${sequences} x ${context}`).toBeCloseTo(1, 3);
  }
  // A chunk of a prompt: passes of 64 rows, each attending to the tokens before it.
  const prompts = operatorPricer(smallSpec, { ...stage, prefillFormat: "block-int8" }, { device, eightBit: { layers: 0, head: 1 } });
  if (!prompts.ok) throw new TypeError(prompts.error.missing);
  const { prefill } = prompts.value;
  for (const [count, context] of [
    [64, 512],
    [160, 256],
    [16, 0],
  ] as const) {
    const passes = [...new Array<number>(Math.floor(count / 64)).fill(64), count % 64].filter((rows) => rows > 0);
    const work = passes.reduce((sum, rows) => sum + productsOf(rows), 0) + attentionOf(count, context + (count - 1) / 2);
    const priced = prefill({ prefill: [{ count, context }], decodeContexts: [], sampledRows: 0 });
    expect(priced.ns / (STEP_NS + 12 * (LAYER_NS + work)), `${count} after ${context}`).toBeCloseTo(1, 2);
    // Beside decoding rows, a step and the reading of weights are paid once.
    const beside = prefill({ prefill: [{ count, context }], decodeContexts: [64, 64], sampledRows: 2 });
    const once = 12 * (productsOf(2) + productsOf(count) - productsOf(count + 2));
    if (count <= 16) expect((priced.ns - beside.ns) / (STEP_NS + 12 * LAYER_NS + once)).toBeCloseTo(1, 1);
    expect(beside.ns).toBeLessThan(priced.ns);
  }
  // Between what was measured: more sequences than one, fewer than the next.
  const between = priced.value.decode({ prefill: [], decodeContexts: [600, 600, 600], sampledRows: 3 }).ns;
  expect(between / stepOf(12, 3, 600)).toBeCloseTo(1, 1);
});
