/**
 * Goal: an engine's constants reach iterations of the devices and formats they are for, and its intervals widen where nothing was measured.
 * Method: the fitted constants themselves against plain operators.
 */
import { expect, it } from "vitest";
import { PLAIN_ROOFLINE } from "../../../../test/support/plain-roofline.ts";
import { must } from "../../../base/assert.ts";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { type Formats, ONE_DEVICE } from "../cut.ts";
import { NO_OVERHEADS } from "../engine-overheads.ts";
import { emptyBatch } from "../iteration-cost.ts";
import { type IterationInput, iterationCostOf } from "../iteration-cost-of.ts";
import { frontTimeNs } from "./engine-constants.ts";
import { type EngineName, engineOverheads, engineSpread } from "./engine-of.ts";
import { FITTED_ENGINES } from "./fitted-engines.ts";

const EIGHT: Formats = { weights: "f8e4m3", kv: "f8e4m3" };

it("heddle adds nothing, every other engine something", () => {
  const sheet = deviceSheet("h100-sxm");
  expect(engineOverheads("heddle", sheet, EIGHT)).toBe(NO_OVERHEADS);
  for (const engine of ["vllm", "sglang", "trtllm"] as const) {
    expect(engineOverheads(engine, sheet, EIGHT)).toEqual(FITTED_ENGINES[engine].overheads);
    const { frontNs, frontClientNs, frontMixtureNs, frontOtherNs } = FITTED_ENGINES[engine];
    const front = (of: { readonly mixture: boolean; readonly direct?: boolean }): number =>
      frontTimeNs(FITTED_ENGINES[engine], { clients: 9, ...of });
    const direct = frontNs + 9 * frontClientNs;
    expect(front({ mixture: false })).toBe(direct);
    expect(front({ mixture: true })).toBe(direct + frontMixtureNs);
    expect(front({ mixture: false, direct: false })).toBe(direct + frontOtherNs);
  }
});

it("8-bit products and experts on Blackwell have a factor of their own; 4-bit ones and other families have not", () => {
  const { overheads, blackwellEight } = FITTED_ENGINES.trtllm;
  const of = (device: string, formats: Formats) => engineOverheads("trtllm", deviceSheet(device), formats);
  expect(of("gb200", EIGHT).computeFactor).toBeCloseTo(overheads.computeFactor * blackwellEight, 12);
  expect(of("b200-sxm", { ...EIGHT, experts: "f4e2m1" }).expertFactor).toBe(overheads.expertFactor);
  expect(of("h200-sxm", EIGHT).computeFactor).toBe(overheads.computeFactor);
});

it("factors on operators stay with the families they were fitted on", () => {
  const { overheads } = FITTED_ENGINES.vllm;
  const elsewhere = engineOverheads("vllm", deviceSheet("rtx-4090"), EIGHT);
  const factors = { attentionFactor: 1, expertFactor: 1, computeFactor: 1, exchangeFactor: 1 };
  expect(elsewhere).toEqual({ ...overheads, ...factors });
  expect(overheads).not.toMatchObject(factors);
});

it("an iteration with an engine is not one of operators alone, and its interval is that of served models", () => {
  const input: IterationInput = {
    architecture: must(knownArchitecture("Llama-3.1-8B"), "it"),
    sheet: deviceSheet("h100-sxm"),
    parallel: ONE_DEVICE,
    precision: EIGHT,
    operators: PLAIN_ROOFLINE,
  };
  const shape = { ...emptyBatch(), decodes: 8, decodeContext: 8000, decodeContextMax: 1000 };
  const ns = (engine?: EngineName): number => {
    const made = iterationCostOf({ ...input, ...(engine && { engine }) });
    return made.ok ? made.value.iterationNs(shape) : Number.NaN;
  };
  expect(ns("heddle")).toBe(ns());
  expect(ns("vllm")).not.toBe(ns());
  const made = iterationCostOf({ ...input, engine: "vllm" });
  expect(made.ok && made.value.spread).toBe(engineSpread({ engine: "vllm", sheet: input.sheet, mixture: false }, 0));
  const of = (device: string) => ({ engine: "vllm", sheet: deviceSheet(device), mixture: false }) as const;
  expect(engineSpread(of("mi300x"), 0.5)).toBeGreaterThan(engineSpread(of("h100-sxm"), 0.5));
});
