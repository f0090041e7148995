// Goal: the planner keeps what fits whole on the best device, drops what does not help, splits when memory forces it, and explains itself.
// Method: hand-made racks whose best plan is known.
import { describe, expect, it } from "vitest";
import {
  type SyntheticSpeed,
  smallSpec,
  syntheticCalibration,
  syntheticDevice,
  syntheticRack,
  withKernels,
} from "../../test/support/synthetic-rack.ts";
import type { Device, DeviceCalibration, Rack } from "../rack/rack.ts";
import { kernelPageBytes, kernelPages } from "./kernel-stages.ts";
import type { Plan } from "./plan.ts";
import { checkPlan, checkPlanLayers } from "./plan-check.ts";
import { readPlan, writePlan } from "./plan-file.ts";
import { planFor } from "./plan-for.ts";
import type { PlanError, PlanOptions, PlanRequest } from "./plan-request.ts";

const twice: SyntheticSpeed = { flopsPerNs: { f32: 320, bf16: 320, int4: 800, "int8-row": 1400, "block-int8": 600 }, bytesPerNs: 36 };
const tenth: SyntheticSpeed = { flopsPerNs: { f32: 16, bf16: 16, int4: 2, "int8-row": 40, "block-int8": 10 }, bytesPerNs: 2 };

const both = syntheticDevice("cpu-0-1", { threads: 2, cores: [0, 1], calibration: syntheticCalibration(twice) });
const first = syntheticDevice("cpu-0", { cores: [0] });
const second = syntheticDevice("cpu-1", { cores: [1] });
const wasm = syntheticDevice("wasm-0", { driver: "ort-wasm", cores: [0], calibration: syntheticCalibration(tenth) });

function request(rack: Rack, options: PlanOptions = {}, overrides: Partial<PlanRequest["model"]> = {}): PlanRequest {
  const model = { name: "small", fingerprint: "m", path: "/m.gguf", spec: smallSpec, weightFormats: ["Q4_1"] as const, ...overrides };
  return { model, rack, stageCalibrations: [], options };
}

function plan(rack: Rack, options: PlanOptions = {}, overrides: Partial<PlanRequest["model"]> = {}): Plan {
  const made = planFor(request(rack, options, overrides));
  if (!made.ok) throw new TypeError(JSON.stringify(made.error));
  expect(checkPlan(made.value) ?? checkPlanLayers(made.value, smallSpec.layers)).toBeUndefined();
  expect(readPlan(writePlan(made.value))).toEqual(made.value);
  return made.value;
}

function refusal(rack: Rack, options: PlanOptions = {}, overrides: Partial<PlanRequest["model"]> = {}): PlanError {
  const made = planFor(request(rack, options, overrides));
  if (made.ok) throw new TypeError("there is a plan");
  return made.error;
}

/** All weights in blocks of 4 bits. */
const FOURS = { layers: 0, head: 0 };

const layout = (made: Plan): string[] =>
  made.replicas.map((replica) => replica.stages.map((stage) => `${stage.device}:${stage.fromLayer}-${stage.toLayer}`).join(" "));

describe("planner", () => {
  it("keeps a small model whole on the faster device and leaves the slow one out", () => {
    const made = plan(syntheticRack([both, first, second, wasm]));
    expect(layout(made)).toEqual(["cpu-0-1:0-30"]);
    expect(made.reasons[0]).toContain("runner-up");
    expect(made.reasons.join("\n")).toMatch(/Kept whole: the best split is cpu-0 .* then cpu-0-1 .* % behind/);
    expect(made.reasons.join("\n")).toMatch(/wasm-0 is not used: the best layout with it is .*wasm-0.* % behind/);
  });

  it("states the least a token can take, and keeps to it where a token is all that counts", () => {
    const bound = (made: Plan): readonly number[] => {
      const [, takes, least, gap] =
        /takes ([\d.]+) ms; no contiguous split in the formats tried takes less than ([\d.]+) ms \(gap ([\d.]+) %/.exec(
          made.reasons.join("\n"),
        )!;
      return [Number(takes), Number(least), Number(gap)];
    };
    const [takes, least, gap] = bound(plan(syntheticRack([both, first, second, wasm])));
    expect(least).toBeLessThanOrEqual(takes!);
    expect(gap).toBeLessThan(3);
    // A device forced on the plan shows as a gap.
    expect(bound(plan(syntheticRack([both, wasm]), { pins: [{ stage: 0, device: "wasm-0" }] }))[2]).toBeGreaterThan(10);
  });

  it("uses devices in an order and number no list of sequences was made for", () => {
    // Eight devices with a memory each, none of which holds more than a fifth of the model.
    const rack = syntheticRack(
      Array.from({ length: 8 }, (_zero, at) => syntheticDevice(`npu-${at}`, { memory: `hbm-${at}`, cores: [at] })),
      45e6,
    );
    const [replica] = plan(rack, { contextLimit: 64 }).replicas;
    expect(replica!.stages.length).toBeGreaterThan(4);
    expect(new Set(replica!.stages.map(({ device }) => device)).size).toBe(replica!.stages.length);
  });

  it("chooses formats by phase: int8-row to prefill, int4 to decode", () => {
    const stage = plan(syntheticRack([first])).replicas[0]!.stages[0]!;
    expect([stage.prefillFormat, stage.decodeFormat]).toEqual(["int8-row", "int4"]);
  });

  const kerneled = (flopsPerNs: number): Device => ({ ...first, calibration: withKernels(first.calibration!, flopsPerNs) });

  it("decodes in heddle's own kernels where they are quicker, and lets prompts into them where that is asked for", () => {
    const formats = (device: Device, options: PlanOptions = {}, overrides: Partial<PlanRequest["model"]> = {}): readonly string[] => {
      const { prefillFormat, decodeFormat } = plan(syntheticRack([device]), options, { eightBit: FOURS, ...overrides }).replicas[0]!
        .stages[0]!;
      return [prefillFormat, decodeFormat];
    };
    expect(formats(kerneled(200))).toEqual(["int8-row", "block-int8"]);
    expect(formats(kerneled(10))).toEqual(["int8-row", "int4"]);
    expect(formats(kerneled(10), { decodeFormat: "block-int8" })).toEqual(["int8-row", "block-int8"]);
    expect(formats(kerneled(200), { prefillFormat: "block-int8" })).toEqual(["block-int8", "block-int8"]);
    expect(formats(kerneled(10), { prefillFormat: "block-int8" })).toEqual(["block-int8", "block-int8"]);
    // As quick as int4 with weights of 4 bits; those of 8 take half as long again.
    expect(formats(kerneled(100))).toEqual(["int8-row", "block-int8"]);
    expect(formats(kerneled(100), {}, { eightBit: { layers: 1, head: 1 } })).toEqual(["int8-row", "int4"]);
    expect(formats(kerneled(200), {}, { weightFormats: ["F16"] })).toEqual(["f32", "f32"]);
    // Fewer bytes for one stream, slower arithmetic for eight: judged by as many streams as may run.
    expect(formats(kerneled(65))).toEqual(["int8-row", "int4"]);
    expect(formats(kerneled(65), { maxSequences: 8 })).toEqual(["int8-row", "int4"]);
    expect(formats(kerneled(65), { maxSequences: 1 })).toEqual(["int8-row", "block-int8"]);
  });

  it("says why a device has no decode kernels where they are asked for", () => {
    const refused = { ...first, calibration: { ...first.calibration!, kernels: { refused: "WebAssembly without relaxed SIMD" } } };
    const error = refusal(syntheticRack([refused, wasm]), { decodeFormat: "block-int8" });
    expect(error).toMatchObject({ code: "pin-impossible", pin: "--decode-format block-int8" });
    expect(JSON.stringify(error)).toMatch(
      /cpu-0 refused: WebAssembly without relaxed SIMD; wasm-0 has none.*only devices of drivers ort and openvino/,
    );
  });

  it("refuses prompts in block-int8 with the reason: of a driver that takes none, beside another decode format, of an odd shape", () => {
    const options = { prefillFormat: "block-int8" } as const;
    const other = refusal(syntheticRack([{ ...kerneled(200), id: "wasm-0", driver: "ort-wasm" }]), options);
    expect(other).toMatchObject({ code: "pin-impossible", pin: "--prefill-format block-int8" });
    expect(JSON.stringify(other)).toContain(
      "wasm-0 refused: only devices of drivers ort and openvino take prompts in block-int8, not those of ort-wasm",
    );
    const apart = refusal(syntheticRack([kerneled(200)]), { ...options, decodeFormat: "int4" });
    expect(apart).toMatchObject({ code: "pin-impossible", pin: "--prefill-format block-int8" });
    expect(JSON.stringify(apart)).toContain("--decode-format block-int8: their rows share steps");
    const odd = refusal(syntheticRack([kerneled(200)]), options, { spec: { ...smallSpec, headDim: 66 } });
    expect(JSON.stringify(odd)).toContain("multiples of 4, and the model has head size 66");
  });

  it("names the pinned device that has not got the format asked for, though another has", () => {
    const pins = [{ stage: 0, device: "wasm-0" }];
    const error = refusal(syntheticRack([kerneled(200), wasm]), { decodeFormat: "block-int8", pins });
    expect(error).toMatchObject({ code: "pin-impossible", pin: "--decode-format block-int8 --pin 0=wasm-0" });
    expect(JSON.stringify(error)).toContain(
      "formats measured on wasm-0: f32, int4, int8-row; wasm-0 has none measured: only devices of drivers ort and openvino",
    );
  });

  it("bounds working pages by what the kernels' memory holds, and leaves them where it holds no sequence", () => {
    const rack = syntheticRack([kerneled(200)], 400e9);
    const options = { contextLimit: 8192, maxSequences: 64, kvMemoryBytes: 100e9 };
    const held = plan(rack, options, { eightBit: FOURS }).replicas[0]!;
    expect(held.stages[0]!.decodeFormat).toBe("block-int8");
    expect(held.workingPages).toBe(kernelPages(smallSpec, { ...held.stages[0]!, contextLimit: 8192, maxSequences: 64 }, FOURS));
    const { keys, values } = kernelPageBytes(smallSpec);
    expect(held.workingPages * smallSpec.layers * (keys + values)).toBeLessThan(2 ** 32);
    expect(plan(rack, { ...options, decodeFormat: "int4" }).replicas[0]!.workingPages).toBe((64 * 8192) / 64);
    const long = { ...smallSpec, contextLength: 262_144 };
    const made = plan(rack, { contextLimit: 262_144 }, { eightBit: FOURS, spec: long }).replicas[0]!;
    expect(made.stages.map(({ decodeFormat }) => decodeFormat)).toEqual(["int4"]);
  });

  it("leaves the kernels out where they do not compute the model's shape, and says so where they are asked for", () => {
    const odd = { ...smallSpec, headDim: 66 };
    expect(plan(syntheticRack([kerneled(200)]), {}, { eightBit: FOURS }).replicas[0]!.stages[0]!.decodeFormat).toBe("block-int8");
    expect(plan(syntheticRack([kerneled(200)]), {}, { eightBit: FOURS, spec: odd }).replicas[0]!.stages[0]!.decodeFormat).not.toBe(
      "block-int8",
    );
    const error = refusal(syntheticRack([kerneled(200)]), { decodeFormat: "block-int8" }, { spec: odd });
    expect(error).toMatchObject({ code: "pin-impossible", pin: "--decode-format block-int8" });
    expect(JSON.stringify(error)).toContain("multiples of 4, and the model has head size 66");
  });

  it("says that the kernels' memory is what is short", () => {
    const long = { ...smallSpec, contextLength: 262_144 };
    const error = refusal(
      syntheticRack([kerneled(200)], 400e9),
      { contextLimit: 262_144, decodeFormat: "block-int8", stages: 1 },
      { spec: long },
    );
    expect(JSON.stringify(error)).toMatch(/the 4 GiB of memory of block-int8's kernels leave room for \d+ of the 4096 pages/);
  });

  it("never lowers a model's precision by itself", () => {
    const stage = plan(syntheticRack([first]), {}, { weightFormats: ["F16", "F32"] }).replicas[0]!.stages[0]!;
    expect([stage.prefillFormat, stage.decodeFormat]).toEqual(["f32", "f32"]);
    const pinned = plan(syntheticRack([first]), { decodeFormat: "int4" }, { weightFormats: ["F16"] }).replicas[0]!.stages[0]!;
    expect([pinned.prefillFormat, pinned.decodeFormat]).toEqual(["f32", "int4"]);
  });

  it("takes bf16 where it wins and the file has no more: BF16 weights, not F16 ones", () => {
    const beside = syntheticDevice("ov-cpu-0", { driver: "openvino", calibration: withBf16(first) });
    const chosen = (weightFormat: "BF16" | "F16"): readonly string[] => {
      const stage = plan(syntheticRack([first, beside]), {}, { weightFormats: [weightFormat] }).replicas[0]!.stages[0]!;
      return [stage.device, stage.prefillFormat, stage.decodeFormat];
    };
    expect(chosen("BF16")).toEqual(["ov-cpu-0", "bf16", "bf16"]);
    expect(chosen("F16")[1]).toBe("f32");
    // A pinned format that only one of the devices has: the other is of no use, and no trouble.
    const pinned = plan(syntheticRack([first, beside]), { prefillFormat: "bf16" }).replicas[0]!.stages[0]!;
    expect([pinned.device, pinned.prefillFormat]).toEqual(["ov-cpu-0", "bf16"]);
  });

  it("makes two replicas of two cores where one device cannot use both, unless they slow each other down", () => {
    expect(layout(plan(syntheticRack([first, second])))).toEqual(["cpu-0:0-30", "cpu-1:0-30"]);
    const slowed = [first, second].map((device) => ({ ...device, calibration: { ...device.calibration!, concurrentSlowdown: 1.95 } }));
    expect(layout(plan(syntheticRack(slowed)))).toEqual(["cpu-0:0-30"]);
  });

  it("does not put two replicas on the same cores", () => {
    const alias = syntheticDevice("cpu-0-again", { cores: [0] });
    expect(plan(syntheticRack([first, alias])).replicas).toHaveLength(1);
  });

  it("splits when no memory holds the whole model", () => {
    const left = syntheticDevice("left", { memory: "dram-left" });
    const right = syntheticDevice("right", { memory: "dram-right", cores: [1] });
    const made = plan(syntheticRack([left, right], 150e6), { contextLimit: 64 });
    expect(made.replicas).toHaveLength(1);
    expect(made.replicas[0]!.stages.map((stage) => stage.device).sort()).toEqual(["left", "right"]);
  });

  it("falls back to one format where memory holds no two", () => {
    // int8-row and int4 take 207 MB with the head, int4 twice 180 MB, and KV of one page 3 MB; 191 MB are usable.
    const made = plan(syntheticRack([first], 225e6), { contextLimit: 64 });
    expect([made.replicas[0]!.stages[0]!.prefillFormat, made.replicas[0]!.stages[0]!.decodeFormat]).toEqual(["int4", "int4"]);
  });

  it("says how much is missing where nothing fits", () => {
    const error = refusal(syntheticRack([first], 50e6));
    expect(error.code).toBe("plan-no-capacity");
    expect(JSON.stringify(error)).toMatch(/needs \d+ bytes of weights/);
  });

  it("keeps KV within its memory", () => {
    const made = plan(syntheticRack([first], 2e9));
    const replica = made.replicas[0]!;
    const kv = (replica.workingPages + replica.sealedSlots) * replica.pageBytes;
    expect(kv).toBeLessThan(0.25 * 2e9);
    expect(replica.pageBytes).toBe(30 * 2 * 3 * 64 * 4 * 64);
    const asked = plan(syntheticRack([first], 2e9), { kvMemoryBytes: 300e6 }).replicas[0]!;
    expect((asked.workingPages + asked.sealedSlots) * asked.pageBytes).toBeLessThanOrEqual(300e6);
    expect((asked.workingPages + asked.sealedSlots + 1) * asked.pageBytes).toBeGreaterThan(300e6);
  });
});

describe("pins", () => {
  const rack = syntheticRack([both, first, second, wasm]);

  it("keeps pinned counts, devices, formats and limits", () => {
    expect(layout(plan(rack, { replicas: 2 }))).toHaveLength(2);
    expect(plan(rack, { stages: 3 }).replicas.every((replica) => replica.stages.length === 3)).toBe(true);
    const pinned = plan(rack, { pins: [{ stage: 1, device: "cpu-1" }] });
    expect(pinned.replicas[0]!.stages[1]!.device).toBe("cpu-1");
    expect(plan(rack, { pins: [{ replica: 1, stage: 0, device: "wasm-0" }] }).replicas[1]!.stages[0]!.device).toBe("wasm-0");
    const limited = plan(rack, { maxSequences: 3, contextLimit: 500, prefillFormat: "f32" }).replicas[0]!;
    expect([limited.maxSequences, limited.contextLimit, limited.stages[0]!.prefillFormat]).toEqual([3, 500, "f32"]);
    expect(plan(rack, { policy: { queueLimit: 5 } }).policy.queueLimit).toBe(5);
  });

  it("splits evenly over a device used twice", () => {
    expect(layout(plan(syntheticRack([first]), { stages: 2 }))).toHaveLength(1);
    const stages = plan(syntheticRack([first]), { stages: 2 }).replicas[0]!.stages;
    expect(stages.map((stage) => stage.device)).toEqual(["cpu-0", "cpu-0"]);
    expect(Math.abs(stages[0]!.toLayer - 17)).toBeLessThanOrEqual(5);
  });

  it("says what each pin cost", () => {
    const reasons = plan(rack, { pins: [{ stage: 0, device: "wasm-0" }], maxSequences: 4 }).reasons;
    const cost = reasons.find((reason) => reason.startsWith("--pin 0=wasm-0"));
    expect(cost).toMatch(/costs \d/);
    expect(plan(rack, { pins: [{ stage: 0, device: "cpu-0-1" }] }).reasons.join()).toContain("--pin 0=cpu-0-1 costs nothing");
  });

  const cases: readonly [PlanOptions, string, string][] = [
    [{ pins: [{ stage: 0, device: "gpu-7" }] }, "--pin 0=gpu-7", "cpu-0-1, cpu-0, cpu-1, wasm-0"],
    [{ stages: 31 }, "--stages 31", "1 to 30"],
    [{ stages: 2, pins: [{ stage: 2, device: "cpu-0" }] }, "--pin 2=cpu-0", "stages 0 to 1"],
    [{ replicas: 1, pins: [{ replica: 1, stage: 0, device: "cpu-0" }] }, "--pin 1.0=cpu-0", "replicas 0 to 0"],
    [{ replicas: 0 }, "--replicas 0", "1 to 64"],
    [{ contextLimit: 10_000 }, "--context 10000", "2 to 8192"],
    [
      {
        pins: [
          { stage: 0, device: "cpu-0" },
          { stage: 0, device: "cpu-1" },
        ],
      },
      "--pin 0=cpu-0",
      "cpu-1 too",
    ],
  ];
  it.each(cases)("refuses %j", (options, pin, possible) => {
    const error = refusal(rack, options);
    expect(error).toMatchObject({ code: "pin-impossible", pin });
    expect(JSON.stringify(error)).toContain(possible);
  });

  it("refuses a format no device was measured in", () => {
    const calibration = { ...first.calibration!, products: first.calibration!.products.filter((row) => row.format !== "int4") };
    expect(refusal(syntheticRack([{ ...first, calibration }]), { decodeFormat: "int4" })).toMatchObject({
      code: "pin-impossible",
      possible: "formats measured on this rack: f32, int8-row",
    });
  });

  it("tells a pin that does not fit from a model that does not", () => {
    expect(refusal(syntheticRack([first, second], 300e6), { replicas: 2, contextLimit: 1024 })).toMatchObject({ code: "pin-impossible" });
    expect(refusal(syntheticRack([first, second], 50e6), { replicas: 2 })).toMatchObject({ code: "plan-no-capacity" });
  });
});

describe("bases", () => {
  it("cannot plan without calibrations, and says which device lacks one", () => {
    const { calibration: _calibration, ...bare } = second;
    expect(refusal(syntheticRack([bare]))).toMatchObject({ code: "no-basis" });
    expect(plan(syntheticRack([first, bare])).reasons.join()).toContain("cpu-1 is left out");
  });

  it("shows what live runs taught in the figures, not in the choice", () => {
    const correction = {
      decodeFactor: 2,
      prefillFactor: 2,
      mixedFactor: 1,
      overheadNs: 1e6,
      overheadPerSampleNs: 0,
      systematic: 0.05,
      noise: 0.02,
      freedom: 4,
      lasting: { share: 0.4, kept: 0.9 },
      observations: 99,
      runs: 3,
      seen: [],
    };
    const rack = syntheticRack([both, first]);
    const plain = plan(rack);
    // Without live runs an iteration is assumed to take two messages of 50 µs beside its stages.
    const assumed = 100_000;
    const made = planFor({ ...request(rack), correctionOf: () => correction });
    if (!made.ok) throw new TypeError("no plan");
    expect(layout(made.value)).toEqual(layout(plain));
    expect(made.value.predicted.tpot.valueNs).toBeCloseTo(2 * (plain.predicted.tpot.valueNs - assumed) + 1e6, -2);
    expect(made.value.predicted.tpot.source).toContain("3 live runs");
  });
});

/** The device's tables with bf16 products beside: a quarter of the time of f32. */
function withBf16({ calibration }: Device): DeviceCalibration {
  const { products } = calibration!;
  const added = products.filter(({ format }) => format === "f32").map((row) => ({ ...row, format: "bf16" as const, ns: row.ns / 4 }));
  return { ...calibration!, products: [...products, ...added] };
}
