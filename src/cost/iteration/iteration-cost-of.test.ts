/**
 * Goal: an iteration is the sum of its operators, cut as stated, for every model and cut; what cannot be priced or cut is an error.
 * Method: a device whose times are computed by hand; properties over models and cuts; one planted change of each rule is caught by a figure.
 */
import { describe, expect, it, test } from "vitest";
import { BYTES_PER_NS, FLOPS_PER_NS, LINK_BYTES_PER_NS, PLAIN_ROOFLINE } from "../../../test/support/plain-roofline.ts";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { ASSUMED_POWER, powerShare } from "../energy/board-power.ts";
import { collectiveModel } from "../network/collectives/collective-model.ts";
import { sheetNetwork } from "../network/sheet-network.ts";
import { physicsModel } from "../operator/physics/physics-model.ts";
import { type Cut, devicesOf, ONE_DEVICE } from "./cut.ts";
import { type EngineOverheads, NO_OVERHEADS } from "./engine-overheads.ts";
import { type BatchShape, emptyBatch } from "./iteration-cost.ts";
import { type ExplainedCost, type IterationInput, iterationCostOf } from "./iteration-cost-of.ts";

const SHEET = deviceSheet("h100-sxm");

function costOf(model: string, cut: Partial<Cut> = {}, changes: Partial<IterationInput> = {}): ExplainedCost {
  const made = iterationCostOf({
    architecture: must(knownArchitecture(model), model),
    sheet: SHEET,
    parallel: { ...ONE_DEVICE, ...cut },
    precision: { weights: "bf16", kv: "bf16" },
    operators: PLAIN_ROOFLINE,
    ...changes,
  });
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

/** `count` sequences that decode after `context` tokens each. */
function decoding(count: number, context: number): BatchShape {
  return { ...emptyBatch(), decodes: count, decodeContext: count * context, decodeContextMax: context };
}

/** `count` prompts of `tokens` new tokens after `context` cached ones. */
function prompting(count: number, tokens: number, context = 0): BatchShape {
  return {
    ...emptyBatch(),
    prefills: count,
    prefillTokens: count * tokens,
    prefillContext: count * tokens * context,
    prefillSquares: count * tokens * tokens,
  };
}

/** Weight elements of a layer of Llama-3.1-8B, and its head's. */
const LAYER = 4096 * (4096 + 2 * 1024) + 4096 * 4096 + 3 * 4096 * 14336;
const HEAD = 4096 * 128256;
/** Bytes of the streams of a token in a layer: two norms, heads' copies, activation. */
const STREAM = 2 * 4096 * 2 * 4 + 6144 * 2 * 4 + 3 * 14336 * 2;

describe("by hand", () => {
  test("Llama-3.1-8B decodes: weights, cache and streams at the memory's rate", () => {
    const weights = (32 * LAYER + HEAD) * 2;
    const cache = 32 * 4 * 1024 * 8 * 128 * 2 * 2;
    const streams = 4 * (32 * STREAM + 128256 * 2 * 4);
    const ns = costOf("Llama-3.1-8B").iterationNs(decoding(4, 1024));
    expect(ns).toBe(Math.round((weights + cache + streams) / BYTES_PER_NS));
  });

  test("Llama-3.1-8B takes a prompt of 1,024 tokens: arithmetic of weights and pairs, streams; one row at the head", () => {
    const flops = 32 * (2 * 1024 * LAYER + 4 * 32 * 128 * 1024 * 512.5);
    const bytes = 1024 * 32 * STREAM + 128256 * 2 * 4 + HEAD * 2;
    const ns = costOf("Llama-3.1-8B").iterationNs(prompting(1, 1024));
    expect(ns).toBe(Math.round(flops / FLOPS_PER_NS + bytes / BYTES_PER_NS));
  });

  test("four tensor ranks: a quarter of weights and cache, and two sums a layer over links; KV heads are repeated beyond their number", () => {
    const parts = new Map(
      costOf("Llama-3.1-8B", { tensor: 4 })
        .parts(decoding(4, 1024))
        .map(({ name, ns }) => [name, ns]),
    );
    expect(parts.get("attention")).toBeCloseTo((32 * 4 * 1024 * 2 * 128 * 2 * 2) / BYTES_PER_NS, 0);
    const sums = (2 * 32 + 1) * 4 * 4096 * 2 + 4 * 128256 * 2;
    expect(parts.get("tensor exchange")).toBeCloseTo(sums / LINK_BYTES_PER_NS, 0);
    const wide = new Map(
      costOf("Llama-3.1-8B", { tensor: 16 })
        .parts(decoding(4, 1024))
        .map(({ name, ns }) => [name, ns]),
    );
    expect(wide.get("attention")).toBeCloseTo((32 * 4 * 1024 * 1 * 128 * 2 * 2) / BYTES_PER_NS, 0);
  });

  test("windows bound what attention reads", () => {
    const attention = (model: string, context: number): number =>
      must(
        costOf(model)
          .parts(decoding(1, context))
          .find(({ name }) => name === "attention"),
        "attention",
      ).ns;
    // gpt-oss: every other layer sees 128 tokens.
    expect(attention("gpt-oss-120b", 4096)).toBeCloseTo((18 * (4096 + 128) * 8 * 64 * 4) / BYTES_PER_NS, 0);
  });

  test("8-bit weights halve what weights take; the head stays in 16 bits", () => {
    const ns = costOf("Llama-3.1-8B", {}, { precision: { weights: "f8e4m3", kv: "bf16" } }).iterationNs(decoding(4, 1024));
    expect(costOf("Llama-3.1-8B").iterationNs(decoding(4, 1024)) - ns).toBe(Math.round((32 * LAYER) / BYTES_PER_NS));
  });

  test("drafted tokens multiply rows, not the cache that is read; drafting adds its share", () => {
    const speculation = { draftTokens: 3, draftCost: 0.1 };
    const rows = (model: string): number => costOf(model, {}, { speculation }).iterationNs(decoding(4, 1024));
    const streams = 3 * 4 * (32 * STREAM + 128256 * 2 * 4);
    const plain = costOf("Llama-3.1-8B").iterationNs(decoding(4, 1024)) + streams / BYTES_PER_NS;
    expect(rows("Llama-3.1-8B") / (1.1 * plain)).toBeCloseTo(1, 6);
  });
});

describe("energy", () => {
  const REAL = { operators: physicsModel(SHEET) };
  const REAL_NETWORK = { ...REAL, network: collectiveModel(must(sheetNetwork(SHEET, "nccl"), "links of the H100")) };
  const watts = must(SHEET.powerWatts, "power of the H100").value;
  const joules = (cost: ExplainedCost, shape: BatchShape): number =>
    must(cost.iterationJoules, "a price of energy")(shape, cost.iterationNs(shape));
  const share = (cost: ExplainedCost, shape: BatchShape): number =>
    joules(cost, shape) / cost.devices / watts / (cost.iterationNs(shape) / 1e9);

  test("boards draw by what they read and compute over the time it takes: a decode step by hand", () => {
    const plain = costOf("Llama-3.1-8B", {}, REAL);
    const shape = decoding(4, 1024);
    const bytes = (32 * LAYER + HEAD) * 2 + 32 * 4 * 1024 * 8 * 128 * 2 * 2 + 4 * (32 * STREAM + 128256 * 2 * 4);
    const ops = 4 * 2 * (32 * LAYER + HEAD);
    const memory = bytes / plain.iterationNs(shape) / (SHEET.memory.bandwidthBytesPerSecond.value / 1e9);
    const compute = ops / plain.iterationNs(shape) / (must(SHEET.peaks.bf16, "peak").value / 1e9);
    expect(share(plain, shape) / powerShare(ASSUMED_POWER, { memory, compute })).toBeCloseTo(1, 2);
    // The same work in more time takes less power and more energy.
    const slow = costOf("Llama-3.1-8B", {}, { ...REAL, overheads: { ...NO_OVERHEADS, stepNs: 2e7 } });
    expect(share(slow, shape)).toBeLessThan(0.6 * share(plain, shape));
    expect(joules(slow, shape)).toBeGreaterThan(joules(plain, shape));
  });

  test("prompts draw more than decoding, never more than the board's figure; stages that wait draw less", () => {
    const plain = costOf("Llama-3.1-8B", {}, REAL);
    expect(share(plain, prompting(1, 8192))).toBeGreaterThan(share(plain, decoding(1, 100)));
    expect(share(plain, prompting(8, 8192))).toBeLessThanOrEqual(1);
    const staged = costOf("Llama-3.1-8B", { pipeline: 4 }, REAL_NETWORK);
    expect(share(staged, decoding(1, 1000))).toBeLessThan(0.6 * share(staged, decoding(64, 1000)));
    const { powerWatts: _left, ...silent } = SHEET;
    expect(costOf("Llama-3.1-8B", {}, { ...REAL, sheet: silent }).iterationJoules).toBeUndefined();
  });

  test("is sure to 8 % on the chip that was measured, to 30 % elsewhere", () => {
    expect(costOf("Llama-3.1-8B", {}, REAL).joulesSpread).toBe(0.3);
    expect(costOf("Llama-3.1-8B", {}, { ...REAL, sheet: deviceSheet("a100-sxm") }).joulesSpread).toBe(0.08);
  });
});

describe("engines", () => {
  const shape = { ...decoding(4, 1024), prefills: 1, prefillTokens: 8, prefillSquares: 64 };
  const withOverheads = (changes: Partial<EngineOverheads>, of: BatchShape): number =>
    costOf("Llama-3.1-8B", { tensor: 2 }, { overheads: { ...NO_OVERHEADS, ...changes } }).iterationNs(of);
  const parts = new Map(
    costOf("Llama-3.1-8B", { tensor: 2 })
      .parts(decoding(4, 1024))
      .map(({ name, ns }) => [name, ns]),
  );
  const base = withOverheads({}, decoding(4, 1024));

  it.each([
    ["stepNs", 5000, 5000],
    ["sequenceNs", 100, 400],
    ["layerNs", 10, 320],
    ["exchangeFactor", 3, 2 * must(parts.get("tensor exchange"), "exchange")],
    ["attentionFactor", 3, 2 * must(parts.get("attention"), "attention")],
    // Per layer six products and streams and attention, two norms; head and sampling once are not launches of layers.
    ["kernelNs", 1, 32 * 9],
  ] as const)("%s adds to every iteration", (field, value, more) => {
    expect(withOverheads({ [field]: value }, decoding(4, 1024)) - base).toBeCloseTo(more, -1);
  });

  it("launches taken off leave a share of the operators", () => {
    const least = withOverheads({ kernelNs: -1e9 }, decoding(4, 1024));
    expect(least).toBeGreaterThan(0.3 * (base - must(parts.get("tensor exchange"), "exchange")));
    expect(least).toBeLessThan(base);
  });

  it("an iteration with prompts takes at least what its launches take, one that only decodes does not", () => {
    expect(withOverheads({ eagerLayerNs: 1e9 }, shape)).toBe(32e9);
    expect(withOverheads({ eagerLayerNs: 1e9 }, decoding(4, 1024))).toBe(base);
    const explained = costOf("Llama-3.1-8B", { tensor: 2 }, { overheads: { ...NO_OVERHEADS, eagerLayerNs: 1e9 } }).parts(shape);
    expect(explained.reduce((sum, { ns }) => sum + ns, 0)).toBeCloseTo(32e9, -1);
  });
});

describe("mixtures", () => {
  const parts = (cut: Partial<Cut>, shape: BatchShape): Map<string, number> =>
    new Map(
      costOf("Qwen3-30B-A3B", cut)
        .parts(shape)
        .map(({ name, ns }) => [name, ns]),
    );

  it("a token visits its experts, many tokens all of them; expert ranks hold a part of them", () => {
    const expert = (3 * 2048 * 768 * 2) / BYTES_PER_NS;
    expect(parts({}, decoding(1, 10)).get("experts")).toBeCloseTo(48 * 8 * expert, -1);
    // At random 64 tokens of 8 experts each miss (1 - 8/128)^64 of them.
    const touched = 128 * (1 - (15 / 16) ** 64);
    expect(parts({}, decoding(64, 10)).get("experts")! / (48 * touched * expert)).toBeCloseTo(1, 6);
    expect(parts({ tensor: 4, expert: 4 }, decoding(64, 10)).get("experts")! / (12 * touched * expert)).toBeCloseTo(1, 6);
    expect(parts({}, decoding(4096, 10)).get("experts")! / (48 * 128 * expert)).toBeCloseTo(1, 6);
  });

  it("tensor ranks that share experts sum, data ranks send tokens to experts and back", () => {
    expect(parts({ tensor: 4, expert: 4 }, decoding(64, 10)).has("expert exchange")).toBe(false);
    const moved = parts({ data: 4, expert: 4 }, decoding(64, 10));
    expect(moved.has("tensor exchange")).toBe(false);
    // 16 tokens a rank to 4 ranks of experts, there and back in 16 bits: the same bytes as gathering all 64.
    expect(moved.get("expert exchange")).toBeCloseTo((48 * 2 * 64 * 2048 * 2) / LINK_BYTES_PER_NS, -1);
  });

  it("attention's data ranks share sequences, and wait for the one that has the prompt", () => {
    const cost = costOf("Qwen3-30B-A3B", { data: 4, expert: 4 });
    const attention = (shape: BatchShape): number =>
      must(
        cost.parts(shape).find(({ name }) => name === "attention"),
        "attention",
      ).ns;
    expect(attention(decoding(64, 1000))).toBeCloseTo(attention(decoding(16, 1000)) * 4, -1);
    expect(attention(prompting(4, 1000))).toBeCloseTo(attention(prompting(1, 1000)), -1);
  });
});

describe("pipelines", () => {
  it("stages each do a share of the layers for a share of the batch: one sequence is no quicker, many are cheaper a device", () => {
    const one = costOf("Llama-3.1-8B").iterationNs(decoding(1, 1024));
    const staged = costOf("Llama-3.1-8B", { pipeline: 4 });
    expect(staged.iterationNs(decoding(1, 1024))).toBeGreaterThanOrEqual(one);
    const message = (64 / 4) * 4096 * 2;
    const quarter = costOf("Llama-3.1-8B").iterationNs(decoding(16, 1024));
    const headTimes = 3 * ((HEAD * 2 + 16 * 128256 * 2 * 4) / BYTES_PER_NS);
    expect(staged.iterationNs(decoding(64, 1024))).toBeCloseTo(quarter + headTimes + 4 * message, -1);
  });

  it("layers that do not divide wait for the fullest stage", () => {
    const shape = decoding(1, 1024);
    const layers = (pipeline: number): number =>
      must(
        costOf("Llama-3.1-8B", { pipeline })
          .parts(shape)
          .find(({ name }) => name === "feed-forward"),
        "it",
      ).ns;
    expect(layers(3) / layers(1)).toBeCloseTo(33 / 32, 9);
  });
});

describe("properties", () => {
  const cuts: readonly [string, Partial<Cut>][] = [
    ["Llama-3.1-8B", {}],
    ["Llama-3.1-70B", { tensor: 8 }],
    ["Llama-3.1-70B", { tensor: 4, pipeline: 4, context: 2 }],
    ["DeepSeek-V3", { tensor: 8, expert: 8 }],
    ["DeepSeek-V3", { data: 32, expert: 32 }],
    ["Qwen3.5-397B-A17B", { tensor: 8 }],
    ["gpt-oss-120b", { tensor: 2, data: 2, expert: 4 }],
  ];
  it.each(cuts)("%s, %o: whole, positive, rising in every field; parts sum to it", (model, cut) => {
    const cost = costOf(model, cut);
    expect(cost.devices).toBe(devicesOf({ ...ONE_DEVICE, ...cut }));
    expect(cost.iterationNs(emptyBatch())).toBe(0);
    const base = { ...decoding(37, 900), ...prompting(2, 500, 100), decodes: 37, decodeContext: 33300, decodeContextMax: 900 };
    const ns = cost.iterationNs(base);
    expect(Number.isInteger(ns) && ns > 0).toBe(true);
    const sum = cost.parts(base).reduce((all, part) => all + part.ns, 0);
    expect(sum / ns).toBeCloseTo(1, 6);
    for (const field of ["prefillContext", "decodeContext"] as const) {
      expect(cost.iterationNs({ ...base, [field]: base[field] * 2 }), field).toBeGreaterThanOrEqual(ns);
    }
    expect(cost.iterationNs({ ...base, decodes: 74, decodeContext: 66600 })).toBeGreaterThanOrEqual(ns);
    expect(
      cost.iterationNs({ ...base, prefills: 4, prefillTokens: 2000, prefillContext: 200000, prefillSquares: 1000000 }),
    ).toBeGreaterThanOrEqual(ns);
  });

  it("tables are exact at their nodes and within 1.5 % between them", () => {
    const cost = costOf("Llama-3.1-8B");
    const flops = (tokens: number): number => 32 * (2 * tokens * LAYER + 4 * 32 * 128 * tokens * ((tokens + 1) / 2));
    const at = (tokens: number): number => flops(tokens) / FLOPS_PER_NS + (tokens * 32 * STREAM + 128256 * 2 * 4 + HEAD * 2) / BYTES_PER_NS;
    for (const tokens of [1024, 1280, 8192]) expect(cost.iterationNs(prompting(1, tokens)) / at(tokens)).toBeCloseTo(1, 6);
    for (const tokens of [1111, 3001, 7000]) expect(Math.abs(cost.iterationNs(prompting(1, tokens)) / at(tokens) - 1)).toBeLessThan(0.015);
  });
});

describe("what cannot be", () => {
  const fault = (model: string, cut: Partial<Cut>): string => {
    const made = iterationCostOf({
      architecture: must(knownArchitecture(model), model),
      sheet: SHEET,
      parallel: { ...ONE_DEVICE, ...cut },
      precision: { weights: "bf16", kv: "bf16" },
      operators: PLAIN_ROOFLINE,
    });
    return made.ok ? "" : JSON.stringify(made.error);
  };
  it.each([
    ["Llama-3.1-8B", { tensor: 3 }, "32 heads over 3 tensor ranks"],
    ["Llama-3.1-8B", { expert: 2, tensor: 2 }, "without experts"],
    ["Qwen3-30B-A3B", { tensor: 2, expert: 4 }, "group of tensor x data = 2"],
    ["Llama-3.1-8B", { pipeline: 33 }, "33 pipeline stages for 32 layers"],
    ["Llama-3.1-8B", { tensor: 0 }, "tensor is 0"],
    ["Llama-3.1-8B", { data: 1.5 }, "data is 1.5"],
  ] as const)("%s cut %o: %s", (model, cut, text) => expect(fault(model, cut)).toContain(text));

  it("an operator without a price leaves the whole without one, and is named", () => {
    const made = iterationCostOf({
      architecture: must(knownArchitecture("DeepSeek-V3"), "it"),
      sheet: SHEET,
      parallel: ONE_DEVICE,
      precision: { weights: "bf16", kv: "bf16" },
      operators: {
        source: "no experts",
        price: (query) =>
          query.op === "experts" ? { ok: false, error: { code: "no-basis", missing: "grouped products" } } : PLAIN_ROOFLINE.price(query),
      },
    });
    expect(made).toEqual({ ok: false, error: { code: "no-basis", missing: "experts: grouped products" } });
  });
});
