// Goal: plan files round-trip, and every mistake is one coded error naming the field. Method: one good plan, altered place by place.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import type { Plan } from "./plan.ts";
import { PLAN_TEXT_MAX, readPlan, writePlan } from "./plan-file.ts";

const estimate = { valueNs: 10, lowNs: 8, highNs: 12, basis: "measured", source: "table" } as const;
const stage = {
  fromLayer: 0,
  toLayer: 20,
  device: "cpu-0-1",
  driver: "ort",
  threads: 2,
  prefillFormat: "int8-row",
  decodeFormat: "int4",
  decodeStep: estimate,
  prefill512: estimate,
  why: "fastest",
} as const;
const replica = {
  id: 0,
  stages: [stage, { ...stage, fromLayer: 20, toLayer: 30 }],
  workingPages: 64,
  sealedSlots: 8,
  pageBytes: 2_949_120,
  maxSequences: 4,
  contextLimit: 1024,
} as const;
const plan: Plan = {
  version: 1,
  model: { name: "m", fingerprint: "f", path: "/m.gguf" },
  rackFingerprint: "r",
  replicas: [replica, { ...replica, id: 1, stages: [{ ...stage, toLayer: 30 }] }],
  policy: { maxChunkTokens: 256, maxStepStretch: 2, queueLimit: 32, kvReuse: "strict", prefixCache: true, hostTimeoutNs: 1e9 },
  predicted: { ttft512: estimate, tpot: estimate, tokensPerSecond8: 100 },
  reasons: ["because"],
};

function failure(text: string, layers?: number): HeddleError {
  try {
    readPlan(text, layers === undefined ? {} : { layers });
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown;
    throw thrown;
  }
  throw new HeddleError("internal", { detail: "the plan was read" });
}

/** A copy of the plan with the value at `path` replaced, or removed where `value` is undefined. */
function altered(path: readonly (string | number)[], value: unknown): string {
  const copy = JSON.parse(JSON.stringify(plan)) as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  at[path.at(-1)!] = value;
  return JSON.stringify(copy);
}

describe("plan file", () => {
  it("reads what it wrote", () => {
    expect(readPlan(writePlan(plan), { layers: 30 })).toEqual(plan);
  });

  const cases: readonly [string, readonly (string | number)[], unknown][] = [
    ["version", ["version"], 2],
    ["replicas[0].stages", ["replicas", 0, "stages"], []],
    ["replicas[0].stages[0].fromLayer", ["replicas", 0, "stages", 0, "fromLayer"], 1],
    ["replicas[0].stages[1].fromLayer", ["replicas", 0, "stages", 1, "fromLayer"], 19],
    ["replicas[0].stages[1].toLayer", ["replicas", 0, "stages", 1, "toLayer"], 20],
    ["replicas[1].stages[0].toLayer", ["replicas", 1, "stages", 0, "toLayer"], 29],
    ["replicas[1].id", ["replicas", 1, "id"], 0],
    ["replicas[0].stages[0].device", ["replicas", 0, "stages", 0, "device"], ""],
    ["replicas[0].stages[0].prefillFormat", ["replicas", 0, "stages", 0, "prefillFormat"], "int2"],
    ["replicas[0].stages[1].prefillFormat", ["replicas", 0, "stages", 1, "prefillFormat"], "block-int8"],
    ["replicas[0].stages[0].decodeStep.lowNs", ["replicas", 0, "stages", 0, "decodeStep", "lowNs"], 11],
    ["replicas[0].workingPages", ["replicas", 0, "workingPages"], 15],
    ["predicted.tpot.highNs", ["predicted", "tpot", "highNs"], 9],
    ["policy.kvReuse", ["policy", "kvReuse"], "never"],
    ["policy.hostTimeoutNs", ["policy", "hostTimeoutNs"], undefined],
    ["colour", ["colour"], "red"],
    ["model.path", ["model", "path"], 7],
  ];
  it.each(cases)("names %s", (field, path, value) => {
    const error = failure(altered(path, value));
    expect([error.code, error.where]).toEqual(["plan-invalid", field]);
  });

  it("takes block-int8 to decode, of the driver that has it alone", () => {
    const path = ["replicas", 0, "stages", 0];
    const decode = altered([...path, "decodeFormat"], "block-int8");
    expect(readPlan(decode).replicas[0]!.stages[0]!.decodeFormat).toBe("block-int8");
    const error = failure(decode.replace('"driver":"ort"', '"driver":"ort-wasm"'));
    expect([error.code, error.where]).toEqual(["plan-invalid", "replicas[0].stages[0].decodeFormat"]);
    expect(error.detail).toContain("only devices of drivers ort and openvino");
  });

  it("takes prompts in block-int8 beside decode steps in it, of the driver whose kernels take them", () => {
    const both = ["prefillFormat", "decodeFormat"].reduce(
      (text, field) => text.replace(new RegExp(`"${field}":"[^"]+"`, "g"), `"${field}":"block-int8"`),
      JSON.stringify(JSON.parse(writePlan(plan))),
    );
    expect(readPlan(both).replicas[0]!.stages[0]!.prefillFormat).toBe("block-int8");
    expect(readPlan(both.replaceAll('"driver":"ort"', '"driver":"openvino"')).replicas[0]!.stages[0]!.driver).toBe("openvino");
    const error = failure(both.replace('"decodeFormat":"block-int8"', '"decodeFormat":"f32"'));
    expect([error.code, error.where]).toEqual(["plan-invalid", "replicas[0].stages[0].prefillFormat"]);
    expect(error.detail).toContain("rows of decode steps in block-int8, not in f32");
  });

  it("names the stage that ends before the model does", () => {
    expect(failure(writePlan(plan), 32).where).toBe("replicas[0].stages[1].toLayer");
  });

  it.each([
    ["nothing", ""],
    ["half a file", writePlan(plan).slice(0, 300)],
    ["a bare value", "null"],
    ["deep brackets", "[".repeat(100_000)],
    ["too long a text", " ".repeat(PLAN_TEXT_MAX + 1)],
  ])("refuses %s", (_name, text) => {
    expect(failure(text).code).toBe("plan-invalid");
  });
});
