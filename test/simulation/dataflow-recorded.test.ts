// Goal: a repeated batch gives what a submitted one gives, goes where it was recorded to go, and says so when it does not. Method: a decode step of
// three stages with appended state, repeated under a virtual clock, with devices lost and slowed between repetitions.
import { describe, expect, test } from "vitest";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS } from "../../src/engine/dataflow/dataflow-config.ts";
import type { ClientEvent, DataflowRack, StageSpec, TaskSpec } from "../../src/engine/dataflow/dataflow-types.ts";
import { earliestFinish } from "../../src/policy/policies/earliest-finish.ts";
import { type DataflowMishaps, NO_MISHAPS } from "../../src/simulate/dataflow/dataflow-mishaps.ts";
import { type DataflowRunInput, runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { declaredTruth } from "../../src/simulate/dataflow/dataflow-truth.ts";

const STEPS = 40;
const STEP_GAP_NS = 2_000_000;
const LAYERS = 3;
const TOKEN = LAYERS;

const rack: DataflowRack = {
  memories: [{ host: 0 }, { host: 1 }, { host: 2 }, { host: 3 }],
  classes: [{}, {}],
  devices: [1, 2, 3].map((memory) => ({ class: memory === 3 ? 1 : 0, memory, host: memory })),
  links: [1, 2, 3].flatMap((memory) => [
    { source: 0, target: memory, latencyNs: 1_000, bytesPerSecond: 1e9, channel: memory },
    { source: memory, target: 0, latencyNs: 1_000, bytesPerSecond: 1e9, channel: memory },
  ]),
};

const stages = Array.from({ length: LAYERS }, (_, stage): StageSpec => {
  const variant = { weightBytes: 1_000, loadNs: 10_000, compileNs: 0 };
  return {
    stage,
    operator: stage,
    variants: [0, 1].map((one) => ({ class: one, priorNs: 50_000 * (1 + ((one + stage) % 2)), ...variant })),
  };
});

/** Reads the token, appends to the layer's state, hands on; the last layer makes the next token. */
const step: TaskSpec[] = Array.from({ length: LAYERS }, (_, layer) => ({
  stage: layer,
  accesses: [
    { handle: TOKEN, mode: "read" as const },
    { handle: layer, mode: "append" as const, bytes: 100 },
    { handle: TOKEN, mode: "write" as const, bytes: 64 },
  ],
}));

function script(repeated: boolean): { at: number; event: ClientEvent }[] {
  const handles = [0, 1, 2, TOKEN];
  const events: { at: number; event: ClientEvent }[] = stages.map((stage) => ({ at: 0, event: { type: "stage-declared", stage } }));
  for (const handle of handles) {
    events.push({ at: 0, event: { type: "handle-declared", handle } }, { at: 0, event: { type: "put", handle, bytes: 100 } });
  }
  for (let i = 0; i < STEPS; i++) {
    const at = i * STEP_GAP_NS;
    const first = i * LAYERS;
    if (repeated && i > 0) events.push({ at, event: { type: "repeated", template: 9, first } });
    else events.push({ at, event: { type: "submitted", first, tasks: step, ...(repeated ? { template: 9 } : {}) } });
  }
  const at = STEPS * STEP_GAP_NS;
  for (const handle of handles) {
    events.push({ at, event: { type: "fetch", fetch: handle, handle } }, { at, event: { type: "handle-released", handle } });
  }
  return events;
}

function run(repeated: boolean, given: Partial<DataflowRunInput> = {}) {
  const config = { rack, limits: DATAFLOW_LIMITS, policy: { ...DATAFLOW_POLICY_PARAMETERS, exploreSamples: 0 } };
  const truth = declaredTruth(rack);
  const outcome = runDataflow({ config, policy: earliestFinish, truth, mishaps: NO_MISHAPS, script: script(repeated), ...given });
  expect(outcome.violations).toEqual([]);
  const commands = outcome.steps.flatMap((one) => one.commands);
  const recorded = commands.filter((command) => command.type === "recorded");
  const starts = commands.filter((command) => command.type === "start");
  const reasons = recorded.map(({ active, reason }) => (active ? "active" : reason));
  return {
    ...outcome,
    reasons,
    places: starts.map(({ task, devices }) => `${task % LAYERS}@${devices.join()}`),
    counts: outcome.engine.snapshot().counts,
  };
}

describe("a repeated batch", () => {
  test("gives the same values as one that is submitted", () => {
    expect([...run(true).fetched]).toEqual([...run(false).fetched]);
  });

  test("goes where it was recorded to go, and says so", () => {
    const { reasons, places, counts } = run(true);
    expect(reasons.length).toBe(STEPS - 1);
    expect(reasons.slice(5).every((reason) => reason === "active")).toBe(true);
    expect(counts.repetitions).toBe(reasons.filter((reason) => reason === "active").length);
    const settled = places.slice(-20 * LAYERS);
    for (const [i, place] of settled.entries()) expect(place).toBe(settled[i % LAYERS]);
  });

  test("is scheduled anew when a device has left, and says why", () => {
    const { places } = run(true);
    const used = Number(places.at(-1)!.split("@")[1]);
    const losses = [{ at: 20.4 * STEP_GAP_NS, host: used + 1, backAfterNs: undefined }];
    const { reasons, fetched, counts } = run(true, { losses });
    expect(reasons).toContain("device-gone");
    expect(counts.notRecorded["device-gone"]).toBeGreaterThan(0);
    expect(reasons.at(-1)).toBe("active");
    expect([...fetched]).toEqual([...run(false).fetched]);
  });

  test("is scheduled anew when times have drifted", () => {
    const mishaps: DataflowMishaps = { ...NO_MISHAPS, slowness: (_device, now) => (now > 20 * STEP_GAP_NS ? 1.9 : 1) };
    const { reasons } = run(true, { mishaps });
    expect(reasons).toContain("times-drifted");
    expect(reasons.at(-1)).toBe("active");
  });

  test("of a name that nobody recorded is refused", () => {
    const [first] = script(true).filter(({ event }) => event.type === "repeated");
    const config = { rack, limits: DATAFLOW_LIMITS, policy: DATAFLOW_POLICY_PARAMETERS };
    const outcome = runDataflow({ config, policy: earliestFinish, truth: declaredTruth(rack), mishaps: NO_MISHAPS, script: [first!] });
    expect(outcome.violations[0]?.message).toContain("no-template");
  });
});
