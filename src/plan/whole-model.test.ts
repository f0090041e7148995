// Goal: a device that runs only whole models serves by pin, is explained where it does not serve, and is never split. Method: a synthetic rack, an
// invented measurement of the whole stage.
import { describe, expect, it } from "vitest";
import { smallSpec, syntheticDevice, syntheticRack } from "../../test/support/synthetic-rack.ts";
import { inventedCalibration } from "../../test/support/tiny-live.ts";
import { pagesFor } from "../state/block.ts";
import { checkPlan, checkPlanLayers } from "./plan-check.ts";
import { readPlan, writePlan } from "./plan-file.ts";
import { planFor } from "./plan-for.ts";
import type { PlanOptions, PlanRequest } from "./plan-request.ts";

const cpu = syntheticDevice("cpu-0-1", { threads: 2, cores: [0, 1] });
const { calibration: _none, ...llama } = syntheticDevice("llama-cpu-0-1", { driver: "llama", threads: 2, cores: [0, 1] });
const rack = syntheticRack([cpu, llama]);
const identity = { rackFingerprint: rack.fingerprint, modelFingerprint: "m", fromLayer: 0, toLayer: 30, driver: "llama", threads: 2 };
const measured = inventedCalibration({ ...identity, prefillFormat: "file", decodeFormat: "file" });
const pin = { stage: 0, device: "llama-cpu-0-1" };

function request(options: PlanOptions, overrides: Partial<PlanRequest> = {}): PlanRequest {
  const model = { name: "small", fingerprint: "m", path: "/m.gguf", spec: smallSpec, weightFormats: ["Q4_1"] as const, fileBytes: 1e8 };
  return { model, rack, stageCalibrations: [measured], options, ...overrides };
}

function refused(options: PlanOptions, overrides: Partial<PlanRequest> = {}): unknown {
  const made = planFor(request(options, overrides));
  return made.ok ? "a plan" : made.error;
}

describe("whole-model devices", () => {
  it("serve all layers by pin, with room for whole sequences and no slots", () => {
    const made = planFor(request({ pins: [pin], contextLimit: 1000 }));
    if (!made.ok) throw new TypeError(JSON.stringify(made.error));
    const { replicas, reasons, predicted } = made.value;
    expect(replicas).toHaveLength(1);
    expect(replicas[0]?.stages.map(({ device, fromLayer, toLayer, prefillFormat }) => [device, fromLayer, toLayer, prefillFormat])).toEqual(
      [["llama-cpu-0-1", 0, 30, "file"]],
    );
    expect(replicas[0]).toMatchObject({ sealedSlots: 0, workingPages: replicas[0]!.maxSequences * pagesFor(1000) });
    expect(predicted.tpot.source).toBe("stage calibration");
    expect(reasons.join("\n")).toMatch(
      /not split.*No blocks are sealed.*--pin 0=llama-cpu-0-1: over .* % (behind|ahead of) the best plan without it/s,
    );
    expect(checkPlan(made.value) ?? checkPlanLayers(made.value, 30)).toBeUndefined();
    expect(readPlan(writePlan(made.value))).toEqual(made.value);
  });

  it("are left to a pin otherwise, and the plan says what they would do", () => {
    const made = planFor(request({}));
    if (!made.ok) throw new TypeError(JSON.stringify(made.error));
    expect(made.value.replicas[0]?.stages[0]?.device).toBe("cpu-0-1");
    const said = made.value.reasons.filter((reason) => reason.startsWith("llama-cpu-0-1"));
    expect(said).toEqual([expect.stringMatching(/--pin 0=llama-cpu-0-1.*measured: first token of 512 in .* a token.*this plan/)]);
    const unknown = planFor(request({}, { stageCalibrations: [] }));
    expect(unknown.ok && unknown.value.reasons.join("\n")).toContain("the pin measures what it would do");
  });

  it("refuse to be split, doubled, given a format, or given a folder", () => {
    const whole = expect.stringContaining("llama takes all layers or none") as unknown;
    expect(refused({ pins: [{ ...pin, stage: 1 }] })).toEqual({ code: "pin-impossible", pin: "--pin 1=llama-cpu-0-1", possible: whole });
    expect(refused({ pins: [pin, { stage: 1, device: "cpu-0-1" }] })).toMatchObject({ pin: "--pin 1=cpu-0-1", possible: whole });
    expect(refused({ pins: [pin], stages: 2 })).toMatchObject({ code: "pin-impossible", pin: "--stages 2", possible: whole });
    expect(refused({ pins: [pin], replicas: 2 })).toMatchObject({ code: "pin-impossible", pin: "--replicas 2", possible: whole });
    expect(refused({ pins: [pin], decodeFormat: "int4" })).toMatchObject({ code: "pin-impossible", pin: "--decode-format int4" });
    expect(refused({ pins: [pin], policy: { kvReuse: "any" } })).toMatchObject({ code: "pin-impossible", pin: "--kv-reuse any" });
    const { fileBytes: _file, ...folder } = request({}).model;
    expect(refused({ pins: [pin] }, { model: folder })).toMatchObject({
      code: "pin-impossible",
      possible: expect.stringContaining("GGUF"),
    });
  });

  it("need room for one whole sequence, and a measurement", () => {
    expect(refused({ pins: [pin], kvMemoryBytes: 1e6 })).toMatchObject({ code: "plan-no-capacity" });
    expect(refused({ pins: [pin] }, { stageCalibrations: [] })).toMatchObject({ code: "no-basis" });
  });
});
