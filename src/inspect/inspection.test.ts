/**
 * Goal: operations and bytes of a model follow from its shape, every operator has a rule, and parts sum up to the whole.
 * Method: formulas by hand for a Llama and a mixture; all published models at several sizes.
 */
import { describe, expect, it, test } from "vitest";
import { PUBLISHED } from "../../test/support/published-models.ts";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../graph/architecture/config/read-architecture.ts";
import { type Inspection, type InspectOptions, inspect } from "./inspection.ts";
import { workOf } from "./operator-work.ts";

const SIZES = { type: "bf16", kvType: "bf16", batch: 1, prompt: undefined, context: undefined } as const;

function inspected(name: string, options: Partial<InspectOptions> = {}): Inspection {
  return inspect(architectureOf(PUBLISHED.find((model) => model.name === name)!.config), { name, ...SIZES, ...options });
}

describe.each(PUBLISHED)("$name", ({ name, config }) => {
  const architecture = architectureOf(config);

  it("has a rule for every operator, drafting ones included", () => {
    const graph = graphOf(architecture, { name, type: "bf16", kvType: "bf16", mtp: true });
    expect(graph.operators.filter((operator) => workOf(graph, operator) === undefined).map(({ type }) => type)).toEqual([]);
  });

  it("counts every parameter in one part, and nothing negative", () => {
    const found = inspect(architecture, { name, ...SIZES });
    expect(found.groups.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(found.parameters.total);
    for (const { figures, operators } of found.groups) {
      for (const figure of [...figures, ...operators.flatMap((operator) => operator.figures)]) {
        for (const value of [figure.flops, figure.weightBytes, figure.stateBytes, figure.activationBytes])
          expect(value).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

test("Llama-3.1-8B: 2 operations a weight and token, and those of attention", () => {
  const layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336;
  const head = 4096 * 128256;
  const [prefill, decode] = inspected("Llama-3.1-8B", { batch: 3, prompt: 100, context: 1000 }).phases;
  const perPair = 4 * 32 * 128;
  expect(prefill?.total.flops).toBe(3 * (32 * (2 * 100 * layer + perPair * 5050) + 2 * head));
  expect(decode?.total.flops).toBe(3 * (32 * (2 * layer + perPair * 1000) + 2 * head));
});

test("Llama-3.1-8B: a decode step reads all weights but the table, and what is kept of each sequence", () => {
  const decode = inspected("Llama-3.1-8B", { batch: 3, context: 1000 }).phases[1]!.total;
  const norms = 65 * 4096;
  expect(decode.weightBytes).toBe(2 * (32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + 4096 * 128256 + norms + 3 * 4096));
  expect(decode.stateBytes).toBe(3 * 1000 * 131072);
});

test("a mixture reads the experts that tokens visit: one token its own, many nearly all", () => {
  const expertBytes = 32 * 3 * 4096 * 14336 * 2;
  const readBy = (batch: number): number => {
    const group = inspected("Mixtral-8x7B", { batch }).groups.find(({ scope }) => scope === "layers.*.experts")!;
    return (group.figures[1]!.weightBytes - 32 * 2 * (8 * 4096 + 4096)) / expertBytes;
  };
  expect(readBy(1)).toBeCloseTo(2, 9);
  expect(readBy(2)).toBeCloseTo(8 * (1 - 0.75 ** 2), 9);
  expect(readBy(100)).toBeCloseTo(8, 6);
});

test("latent attention takes the cheaper of its two forms", () => {
  const flopsOf = (phase: number, options: Partial<InspectOptions>): number => {
    const group = inspected("DeepSeek-V3", options).groups.find(({ scope }) => scope === "layers.*.attention")!;
    return group.operators.find(({ type }) => type === "LatentAttention")!.figures[phase]!.flops;
  };
  const expansion = 128 * 512 * 256;
  expect(flopsOf(0, { prompt: 512 })).toBe(2 * (512 * expansion + ((512 * 513) / 2) * 128 * 320));
  expect(flopsOf(1, { context: 4096 })).toBe(2 * (expansion + 4096 * 128 * (576 + 512)));
});

test("an indexer scores all tokens, and attention meets those it chooses", () => {
  const attention = (options: Partial<InspectOptions>) =>
    inspected("GLM-5", options).groups.find(({ scope }) => scope === "layers.*.attention")!.operators;
  const figureOf = (operators: ReturnType<typeof attention>, type: string, phase: number) =>
    operators.find((operator) => operator.type === type)!.figures[phase]!;
  const triangle = (n: number): number => (n * (n + 1)) / 2;
  const long = attention({ prompt: 5000, context: 9000 });
  const short = attention({ context: 1000 });
  // 64 heads; plain 192, rotated 64, value 256; 32 index heads of 128 with one weight each.
  expect(figureOf(long, "ChooseTokens", 0).flops).toBe(2 * triangle(5000) * 32 * 129);
  expect(figureOf(long, "ChooseTokens", 1).flops).toBe(2 * 9000 * 32 * 129);
  const expansion = 64 * 512 * (192 + 256);
  const pairs = triangle(2048) + (5000 - 2048) * 2048;
  expect(figureOf(long, "LatentAttention", 0).flops).toBe(2 * (5000 * expansion + pairs * 64 * (192 + 64 + 256)));
  expect(figureOf(long, "LatentAttention", 1).flops).toBe(2 * (expansion + 2048 * 64 * (576 + 512)));
  // A decode step reads the chosen tokens and appends its own; below the choice it reads all.
  expect(figureOf(long, "LatentAttention", 1).stateBytes).toBe((2048 + 1) * 576 * 2);
  expect(figureOf(short, "LatentAttention", 1).stateBytes).toBe(1000 * 576 * 2);
  expect(figureOf(long, "ChooseTokens", 1).stateBytes).toBe(9000 * 132);
});

test("an indexer's weights: 62 of them and their block scales are what DeepSeek-V3.2-Exp has more than V3", () => {
  const layers = (name: string) => inspected(name).groups.find(({ scope }) => scope === "layers.*.attention")!.parameters / 61;
  const own = 1536 * 64 * 128 + 7168 * 128 + 7168 * 64 + 2 * 128;
  expect(layers("DeepSeek-V3.2") - layers("DeepSeek-V3")).toBe(own);
  // Elements of the safetensors on the Hugging Face Hub: 685,396,921,376 and 684,531,386,000, one drafting layer included; one scale for 128 x 128.
  expect(62 * (own + 64 * 12 + 56)).toBe(685_396_921_376 - 684_531_386_000);
});

test("layers that share a choice have no indexer and keep no keys of one", () => {
  const types = Array.from({ length: 78 }, (_unused, index) => (index < 3 || index % 4 === 2 ? "full" : "shared"));
  const config = { ...PUBLISHED.find(({ name }) => name === "GLM-5")!.config, indexer_types: types };
  const groups = inspect(architectureOf(config), { name: "GLM-5.2", ...SIZES }).groups.filter(
    ({ scope }) => scope === "layers.*.attention",
  );
  const own = groups.find(({ operators }) => operators.some(({ type }) => type === "ChooseTokens"))!;
  const shared = groups.find((group) => group !== own)!;
  expect([groups.length, own.count, shared.count]).toEqual([2, 21, 57]);
  expect(own.parameters / 21 - shared.parameters / 57).toBe(2048 * 32 * 128 + 6144 * 128 + 6144 * 32 + 2 * 128);
});

test("an encoder runs in the prefill and not in a decode step", () => {
  const groups = inspected("Gemma-3-27B").groups.filter(({ scope }) => scope.startsWith("vision."));
  expect(groups.length).toBeGreaterThan(3);
  for (const { figures } of groups) {
    expect(figures[0]!.bytes).toBeGreaterThan(0);
    expect(figures[1]!.bytes).toBe(0);
  }
});

test("ViT-B/16: products of 196 patches, then of 197 positions that all see each other", () => {
  const [run] = inspected("ViT-B/16", { batch: 5 }).phases;
  const layer = 197 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 197 * 197 * 768;
  expect(run!.total.flops).toBe(5 * 2 * (196 * 768 * 768 + 12 * layer));
});

test("a prompt longer than the model takes is refused", () => {
  expect(() => inspected("BERT-base-uncased", { prompt: 513 })).toThrow(expect.objectContaining({ code: "usage" }));
});

test("layers that differ stand apart, equal ones together", () => {
  const scopes = inspected("DeepSeek-V3").groups.map(({ scope, indices }) => [scope, indices.length]);
  expect(scopes).toEqual([
    ["embedding", 1],
    ["layers.*.attention", 61],
    ["layers.*.feed-forward", 3],
    ["layers.*.experts", 58],
    ["layers.*.experts.shared", 58],
    ["head", 1],
  ]);
  const attention = inspected("Gemma-3-27B").groups.filter(({ scope }) => scope === "layers.*.attention");
  expect(attention.map(({ count }) => count)).toEqual([52, 10]);
});
