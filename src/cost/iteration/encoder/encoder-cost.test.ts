/**
 * Goal: encoding an image costs what its products and attention do, however ranks share it, and each rule of that is seen.
 * Method: a device whose times are computed by hand; figures of published encoders.
 */
import { describe, expect, it, test } from "vitest";
import { BYTES_PER_NS, FLOPS_PER_NS, PLAIN_ROOFLINE } from "../../../../test/support/plain-roofline.ts";
import { PUBLISHED } from "../../../../test/support/published-models.ts";
import { must } from "../../../base/assert.ts";
import type { SequenceModel } from "../../../graph/architecture/architecture.ts";
import { architectureOf } from "../../../graph/architecture/config/read-architecture.ts";
import { imageWork } from "../../../graph/architecture/image-rule.ts";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { type Cut, ONE_DEVICE } from "../cut.ts";
import { emptyBatch, type VisionShape } from "../iteration-cost.ts";
import { iterationCostOf } from "../iteration-cost-of.ts";
import { type EncoderCost, type EncoderInput, encoderCostOf } from "./encoder-cost.ts";
import { encoderModel, encoderParameters } from "./encoder-model.ts";
import { encodeOnlyCost, withEncoder } from "./with-encoder.ts";

const SHEET = deviceSheet("h100-sxm");

function costOf(model: string, cut: Partial<Cut> = {}, changes: Partial<EncoderInput> = {}): EncoderCost {
  const made = encoderCostOf({
    architecture: must(knownArchitecture(model), model),
    sheet: SHEET,
    parallel: { ...ONE_DEVICE, ...cut },
    operators: PLAIN_ROOFLINE,
    encoderParallel: "weights",
    ...changes,
  });
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

function imagesOf(model: string, count: number, width: number, height: number): VisionShape {
  const { patches, tokens } = imageWork(knownArchitecture(model)!.images!, width, height);
  return { images: count, patches: count * patches, patchSquares: count * patches * patches, tokens: count * tokens };
}

describe("by hand, an image of 1120 x 1120 (6,400 patches, 1,600 tokens)", () => {
  const patches = 6400;
  const tokens = 1600;
  const shape = imagesOf("Qwen2.5-VL-7B", 1, 1120, 1120);
  const layer = 1280 * (3 * 1280 + 1280 + 3 * 3420);
  const products = (2 * (patches * (32 * layer + 1280 * 1176) + tokens * (5120 * 5120 + 5120 * 3584))) / FLOPS_PER_NS;
  // Heads of 80 are computed as 96; 4 layers see all patches, 28 those of their square of 8 x 8.
  const attention = (4 * 16 * 96 * patches * (4 * patches + 28 * 64)) / FLOPS_PER_NS;
  const streams = (patches * 32 * (2 * 1280 * 2 * 4 + 3840 * 2 * 4 + 3 * 3420 * 2)) / BYTES_PER_NS;

  it("is its products, attention and streams", () => {
    expect(shape).toEqual({ images: 1, patches, patchSquares: patches * patches, tokens });
    expect(costOf("Qwen2.5-VL-7B").encodeNs(shape) / (products + attention + streams)).toBeCloseTo(1, 2);
  });

  it("takes twice as long for two, attention not across them", () => {
    const cost = costOf("Qwen2.5-VL-7B");
    expect(cost.encodeNs(imagesOf("Qwen2.5-VL-7B", 2, 1120, 1120)) / cost.encodeNs(shape)).toBeCloseTo(2, 2);
    const joined = { ...imagesOf("Qwen2.5-VL-7B", 2, 1120, 1120), patchSquares: 4 * patches * patches };
    const across = (4 * 16 * 96 * 4 * 2 * patches * patches) / FLOPS_PER_NS;
    expect((cost.encodeNs(joined) - cost.encodeNs(imagesOf("Qwen2.5-VL-7B", 2, 1120, 1120))) / across).toBeCloseTo(1, 1);
  });

  it("is shared by tensor ranks that sum, two times a layer and once behind", () => {
    const shared = costOf("Qwen2.5-VL-7B", { tensor: 4 }).encodeNs(shape);
    const sums = 64 * patches * 1280 * 2 + tokens * 3584 * 2;
    const whole = (patches * (32 * 2 * 1280 * 2 * 4)) / BYTES_PER_NS + (2 * patches * 1280 * 1176) / FLOPS_PER_NS;
    const divided = products + attention + streams - whole;
    expect(shared / (whole + divided / 4 + sums)).toBeCloseTo(1, 2);
  });

  it("is not shared by ranks that deal images, which gather them", () => {
    const dealt = costOf("Qwen2.5-VL-7B", { tensor: 4 }, { encoderParallel: "data" });
    const one = costOf("Qwen2.5-VL-7B").encodeNs(shape);
    expect(dealt.encodeNs(shape) - one).toBeCloseTo(tokens * 3584 * 2, -3);
    const four = dealt.encodeNs(imagesOf("Qwen2.5-VL-7B", 4, 1120, 1120));
    expect((four - 4 * tokens * 3584 * 2) / one).toBeCloseTo(1, 2);
    const five = dealt.encodeNs(imagesOf("Qwen2.5-VL-7B", 5, 1120, 1120));
    expect((five - 5 * tokens * 3584 * 2) / one).toBeCloseTo(2, 2);
  });
});

describe("by hand, tiles of 448 x 448 (1,025 patches, 256 tokens each)", () => {
  const layer = 1024 * (3 * 1024 + 1024 + 2 * 4096);
  const products = (2 * (1025 * 24 * layer + 1025 * 1024 * 588 + 256 * (4096 * 3584 + 3584 * 3584))) / FLOPS_PER_NS;
  const attention = (24 * 4 * 16 * 64 * 1025 * 1025) / FLOPS_PER_NS;
  // Positions are learned, so nothing is rotated.
  const streams = (1025 * 24 * (2 * 1024 * 2 * 4 + 2 * 4096 * 2)) / BYTES_PER_NS;
  const of = (count: number, width: number, height: number): VisionShape => imagesOf("InternVL3-8B", count, width, height);

  it("is products, attention and streams of a tile, and thirteen times that of thirteen", () => {
    const cost = costOf("InternVL3-8B");
    expect(cost.encodeNs(of(1, 448, 448)) / (products + attention + streams)).toBeCloseTo(1, 2);
    expect(cost.encodeNs(of(1, 5376, 448)) / (13 * (products + attention + streams))).toBeCloseTo(1, 2);
  });

  it("deals the tiles of one image to ranks", () => {
    const dealt = costOf("InternVL3-8B", { tensor: 4 }, { encoderParallel: "data" });
    const gather = 13 * 256 * 3584 * 2;
    // The fullest of four has 4 of 13.
    expect((dealt.encodeNs(of(1, 5376, 448)) - gather) / (4 * (products + attention + streams))).toBeCloseTo(1, 2);
    // Replicas of data parallelism have whole requests: one has all tiles of one image.
    const apart = costOf("InternVL3-8B", { data: 4 });
    expect(apart.encodeNs(of(1, 5376, 448)) / costOf("InternVL3-8B").encodeNs(of(1, 5376, 448))).toBeCloseTo(1, 6);
  });
});

describe("by hand, four tiles together (4 x 1,608 positions, 6,404 handed on)", () => {
  const given = 4 * 1608;
  const layer = 1280 * (4 * 1280 + 2 * 5120);
  const products = (2 * (given * (40 * layer + 1280 * 588) + 6404 * 7680 * 4096)) / FLOPS_PER_NS;
  // Heads of 80 are computed as 96, over the tiles that an image does not fill as well.
  const attention = (40 * 4 * 16 * 96 * given * given) / FLOPS_PER_NS;
  const streams = (given * 40 * (2 * 1280 * 2 * 4 + 2 * 5120 * 2)) / BYTES_PER_NS;

  it("takes as long whatever the image's size", () => {
    const cost = costOf("Llama-3.2-11B-Vision");
    const shape = imagesOf("Llama-3.2-11B-Vision", 1, 100, 80);
    expect(shape).toEqual({ images: 1, patches: given, patchSquares: given * given, tokens: 6404 });
    expect(shape).toEqual(imagesOf("Llama-3.2-11B-Vision", 1, 4000, 3000));
    expect(cost.encodeNs(shape) / (products + attention + streams)).toBeCloseTo(1, 2);
    expect(cost.tokenBytes).toBe(2 * 4096);
  });

  it("comes before layers whose iterations are not priced, by name", () => {
    const architecture = knownArchitecture("Llama-3.2-11B-Vision")!;
    const common = { architecture, sheet: SHEET, parallel: ONE_DEVICE, operators: PLAIN_ROOFLINE } as const;
    expect(iterationCostOf({ ...common, precision: { weights: "bf16", kv: "bf16" } })).toMatchObject({
      error: {
        code: "no-basis",
        missing: expect.stringMatching(/^iterations of mllama: 8 of its 40 layers attend to an encoder's output/),
      },
    });
  });
});

test("Llama 4 reads tiles of 576 patches and a class vector, in 16 and one of the whole at most", () => {
  const { config } = PUBLISHED.find(({ name }) => name === "Llama-4-Scout")!;
  const made = encoderModel(architectureOf(config) as SequenceModel);
  if (!made.ok) expect.unreachable(made.error.code);
  expect(made.value.tokensMax).toBe(17 * 144);
  expect(made.value.blocks.find(({ block }) => block.kind === "attention")!.block).toMatchObject({ reach: { kind: "chunk", tokens: 577 } });
  const layer = 4 * 1408 * 1408 + 2 * 1408 * 5632;
  expect(encoderParameters(made.value)).toBe(34 * layer + 588 * 1408 + 5632 * 4096 + 4096 * 4096 + 4096 * 5120);
});

test("weights are those of the published tensors but for norms, biases and positions", () => {
  const bytes = (model: string, tensor = 1): number => costOf(model, { tensor }).weightBytes;
  expect(bytes("Qwen2.5-VL-7B") / 2 / 676_550_144).toBeCloseTo(1, 2);
  expect(bytes("Qwen3-VL-4B") / 2 / 415_347_712).toBeCloseTo(0.994, 2);
  expect(bytes("InternVL3-8B") / 2 / (304_012_288 + 27_540_480)).toBeCloseTo(0.996, 3);
  expect(bytes("Qwen2.5-VL-7B", 2)).toBe(bytes("Qwen2.5-VL-7B") / 2);
  expect(costOf("Qwen2.5-VL-7B", { tensor: 2 }, { encoderParallel: "data" }).weightBytes).toBe(bytes("Qwen2.5-VL-7B"));
});

test("what is handed on of a token: the decoder's width, four times where three layers are tapped", () => {
  expect(costOf("Qwen2.5-VL-7B").tokenBytes).toBe(2 * 3584);
  expect(costOf("Qwen3-VL-4B").tokenBytes).toBe(2 * 4 * 2560);
  expect(costOf("Gemma-3-27B").tokenBytes).toBe(2 * 5376);
});

test("an iteration with images takes the time of both and the energy of both; without images nothing changes", () => {
  const architecture = knownArchitecture("Qwen3-VL-8B")!;
  const common = { architecture, sheet: SHEET, parallel: ONE_DEVICE, operators: PLAIN_ROOFLINE } as const;
  const plain = iterationCostOf({ ...common, precision: { weights: "bf16", kv: "bf16" } });
  const encoder = costOf("Qwen3-VL-8B");
  if (!plain.ok) expect.unreachable(plain.error.code);
  const both = withEncoder(plain.value, encoder);
  const decoding = { ...emptyBatch(), decodes: 4, decodeContext: 4096, decodeContextMax: 1024 };
  const vision = imagesOf("Qwen3-VL-8B", 3, 640, 480);
  expect(both.iterationNs(decoding)).toBe(plain.value.iterationNs(decoding));
  const ns = both.iterationNs({ ...decoding, vision });
  expect(ns).toBe(plain.value.iterationNs(decoding) + encoder.encodeNs(vision));
  const encoding = encoder.encodeNs(vision);
  const joules = plain.value.iterationJoules!(decoding, ns - encoding) + (encoding / 1e9) * encoder.encodeWatts!(vision, encoding);
  expect(both.iterationJoules!({ ...decoding, vision }, ns)).toBeCloseTo(joules, 6);
  expect(both.parts({ ...decoding, vision }).find(({ name }) => name === "encoder")?.ns).toBe(encoding);
  const alone = encodeOnlyCost(encoder, { sheet: SHEET, engine: "heddle" });
  expect(alone.iterationNs({ ...emptyBatch(), vision })).toBe(encoding);
  expect(alone.iterationNs(emptyBatch())).toBe(0);
  expect(encodeOnlyCost(encoder, { sheet: SHEET, engine: "vllm" }).iterationNs({ ...emptyBatch(), vision })).toBeGreaterThan(encoding);
});

test("what has no price is said: text alone, and ranks that do not divide the encoder", () => {
  const attempt = (model: string, tensor: number) =>
    encoderCostOf({
      architecture: knownArchitecture(model)!,
      sheet: SHEET,
      parallel: { ...ONE_DEVICE, tensor },
      operators: PLAIN_ROOFLINE,
      encoderParallel: "weights",
    });
  expect(attempt("Llama-3.1-8B", 1)).toMatchObject({ ok: false, error: { code: "no-basis" } });
  expect(attempt("Qwen2.5-VL-72B", 32)).toMatchObject({ ok: false, error: { code: "cut-invalid" } });
});
