// Goal: this machine and a model's stages are measured for real, kept, and used by the planner. Method: short measurements of a tiny model in a
// cache of its own; figures are checked for sense, never for speed.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyGguf } from "../../../test/support/tiny-gguf.ts";
import type { PlanOptions } from "../../plan/plan-request.ts";
import type { Rack } from "../../rack/rack.ts";
import { checkRack } from "../../rack/rack-check.ts";
import { readRack, writeRack } from "../../rack/rack-file.ts";
import { discoverRack } from "../discover/discover-rack.ts";
import { loadCachedRack, rackFolder, saveCachedRack } from "../discover/rack-cache.ts";
import { kernelRefusal } from "../kernels/kernel-module.ts";
import { openDecoderModel } from "../model-store/open-model.ts";
import { loadCorrection, loadStageCalibrations, recordRun } from "./calibration-store.ts";
import { identityOf, type PreparePlanInput, preparePlan } from "./prepare-plan.ts";

const home = mkdtempSync(join(tmpdir(), "heddle-calibration-"));
const before = process.env["HEDDLE_HOME"];
const modelPath = writeTinyGguf(join(home, "tiny.gguf"), { layers: 2, format: "Q4_1", embeddingFormat: "Q4_1" });
const shapes = { width: 64, heads: 4, kvHeads: 2, headDim: 16, feedForward: 128, vocabulary: 320 };
/** Rounds end before it, so that what is measured does not depend on what else the machine does; the tiny model takes a fraction of a second. */
const STAGE_BUDGET_MS = 60_000;
const signal = new AbortController().signal;
let rack: Rack;
/** What discovery told of its progress. */
const shares: number[] = [];

beforeAll(async () => {
  process.env["HEDDLE_HOME"] = home;
  rack = await discoverRack({ fast: true, shapes, onProgress: ({ share }) => shares.push(share) });
}, 240_000);

afterAll(() => {
  if (before === undefined) delete process.env["HEDDLE_HOME"];
  else process.env["HEDDLE_HOME"] = before;
  rmSync(home, { recursive: true, force: true });
});

/** A plan that does not depend on what this machine is fast at: tiny models differ by less than its scatter. */
function pinned(stages: number): PlanOptions {
  const device = rack.devices[0]!.id;
  const pins = Array.from({ length: stages }, (_, stage) => ({ stage, device }));
  return { replicas: 1, stages, pins, prefillFormat: "int8-row", decodeFormat: "int4" };
}

function input(overrides: Partial<PreparePlanInput> = {}): PreparePlanInput {
  const options = { ...pinned(1), contextLimit: 256, maxSequences: 4 };
  return {
    model: openDecoderModel(modelPath),
    modelPath,
    rack,
    options,
    calibrate: true,
    stageBudgetMs: STAGE_BUDGET_MS,
    signal,
    ...overrides,
  };
}

describe("discovery", () => {
  it("describes a valid rack with measured devices, memory and links", () => {
    expect(checkRack(rack)).toBeUndefined();
    expect(readRack(writeRack(rack))).toEqual(rack);
    const native = rack.devices.filter((device) => device.driver === "ort");
    expect(native.length).toBeGreaterThan(0);
    for (const { calibration } of native) {
      const { kernels, products = [] } = calibration ?? {};
      const measured = kernels !== undefined && !("refused" in kernels);
      expect(measured).toBe(kernelRefusal() === undefined);
      const graphs = ["f32", "int4", "int8-row"];
      expect(new Set(products.map((row) => row.format))).toEqual(new Set(measured ? [...graphs, "block-int8"] : graphs));
      // Of steps, as many as the time was enough for, from a row alone with nothing cached on.
      if (measured) expect(kernels.attention[0]).toMatchObject({ sequences: 1, context: 0 });
      expect(calibration?.attention.length).toBeGreaterThan(0);
      expect(calibration?.products.every((row) => row.ns > 0)).toBe(true);
    }
    expect(new Set(rack.links.map((link) => link.via))).toContain("process");
  });

  it("tells progress that never goes back, of all there is to measure", () => {
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.length).toBeGreaterThan(rack.devices.length);
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
    expect(shares.at(-1)).toBeGreaterThan(0.5);
  });

  it("reads a cached rack back, and not a damaged or foreign one", () => {
    saveCachedRack(rack);
    expect(loadCachedRack(rack.fingerprint)).toEqual(rack);
    const path = join(rackFolder(rack.fingerprint), "rack.yaml");
    writeFileSync(path, writeRack({ ...rack, fingerprint: "other" }));
    expect(loadCachedRack(rack.fingerprint)).toBeUndefined();
    writeFileSync(path, "version: [");
    expect(loadCachedRack(rack.fingerprint)).toBeUndefined();
  });

  it("ends at once when it is interrupted", async () => {
    const controller = new AbortController();
    const running = discoverRack({ recalibrate: true, shapes, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
  });
});

describe("stage calibration", () => {
  it("measures the stages of a plan once, and prices the plan with them", async () => {
    const { plan, stageCalibrations } = await preparePlan(input());
    const stage = plan.replicas[0]!.stages[0]!;
    expect(stage.decodeStep.source).toContain("stage calibration");
    expect(stage.decodeStep.valueNs).toBeGreaterThan(0);
    const measured = stageCalibrations.find((one) => one.toLayer === stage.toLayer && one.threads === stage.threads)!;
    expect(measured.decode.map((row) => row.batch)).toEqual(expect.arrayContaining([1, 4]));
    expect(measured.prefill.map((row) => row.count)).toEqual(expect.arrayContaining([1, 64]));
    const reports: number[] = [];
    const again = await preparePlan(input({ onProgress: (share) => reports.push(share) }));
    expect(reports).toEqual([]);
    expect(again.plan).toEqual(plan);
  });

  it("measures the stages of a split apart", async () => {
    const { plan } = await preparePlan(input({ options: { ...pinned(2), contextLimit: 256, maxSequences: 2 } }));
    expect(plan.replicas[0]!.stages.map((stage) => stage.decodeStep.source)).toEqual(["stage calibration", "stage calibration"]);
  });

  it("measures once what two ask for at once: the second waits and takes what the first found", async () => {
    const options = { ...pinned(1), decodeFormat: "int8-row" as const, contextLimit: 256, maxSequences: 4 };
    const texts: string[] = [];
    const first = preparePlan(input({ options }));
    const second = preparePlan(input({ options, onProgress: (_, text) => texts.push(text) }));
    expect((await second).plan).toEqual((await first).plan);
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.filter((text) => !text.startsWith("waiting for process"))).toEqual([]);
  });

  it("passes over damaged calibrations", () => {
    const folder = join(rackFolder(rack.fingerprint), "stages");
    const { fingerprint } = openDecoderModel(modelPath);
    const known = loadStageCalibrations(rack.fingerprint, fingerprint).length;
    expect(known).toBeGreaterThan(0);
    writeFileSync(join(folder, readdirSync(folder)[0]!), '{"half":');
    expect(loadStageCalibrations(rack.fingerprint, fingerprint)).toHaveLength(known - 1);
    expect(loadStageCalibrations(rack.fingerprint, "other")).toEqual([]);
  });

  it("plans from tables alone where it may not measure", async () => {
    const elsewhere = { ...rack, fingerprint: "elsewhere" };
    const { plan } = await preparePlan(input({ rack: elsewhere, calibrate: false }));
    expect(plan.replicas[0]!.stages[0]!.decodeStep.source).toContain("operator tables");
  });

  it("keeps what live runs showed, and corrects the plan's figures", async () => {
    const { plan } = await preparePlan(input({ calibrate: false }));
    const identities = plan.replicas[0]!.stages.map((stage) => identityOf(input(), stage));
    expect(loadCorrection(identities)).toBeUndefined();
    const stages = Array.from({ length: 30 }, () => ({ predictedDecodeNs: 1e6, predictedPrefillNs: 0, measuredNs: 2e6 }));
    await recordRun(identities, { stages, overheads: [{ sampledRows: 1, ns: 5e5 }] });
    expect(loadCorrection(identities)?.decodeFactor).toBeCloseTo(2, 6);
    const { plan: corrected } = await preparePlan(input({ calibrate: false }));
    expect(corrected.predicted.tpot.source).toContain("1 live run");
    expect(corrected.predicted.tpot.valueNs).toBeGreaterThan(plan.predicted.tpot.valueNs);
  });
});
