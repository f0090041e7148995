// Goal: a program in virtual time takes what can be worked out by hand, and what was measured changes it. Method: a chain and a fork on two devices.
import { describe, expect, test } from "vitest";
import type { DataflowRack, StageSpec } from "../../engine/dataflow/dataflow-types.ts";
import { simulateDataflow } from "./simulate-dataflow.ts";

const rack: DataflowRack = {
  memories: [{ host: 0 }, { host: 1 }, { host: 2 }],
  classes: [{}, {}],
  devices: [
    { class: 0, memory: 1, host: 1 },
    { class: 1, memory: 2, host: 2 },
  ],
  links: [1, 2].flatMap((memory) => [
    { source: 0, target: memory, latencyNs: 100, bytesPerSecond: 1e9, channel: memory },
    { source: memory, target: 0, latencyNs: 100, bytesPerSecond: 1e9, channel: memory },
  ]),
};
const variant = { weightBytes: 10, loadNs: 500, compileNs: 1_000 };
const fast: StageSpec = { stage: 0, operator: 0, variants: [{ ...variant, class: 0, priorNs: 10_000 }] };
const either: StageSpec = {
  stage: 1,
  operator: 1,
  variants: [
    { ...variant, class: 0, priorNs: 10_000 },
    { ...variant, class: 1, priorNs: 12_000 },
  ],
};

describe("simulateDataflow", () => {
  test("a chain on one device: one load, a transfer beside it, runs, and the way home", () => {
    const result = simulateDataflow(rack, {
      stages: [fast],
      handles: [{ handle: 0, bytes: 1_000 }],
      tasks: [0, 1, 2].map(() => ({
        stage: 0,
        accesses: [
          { handle: 0, mode: "read" as const },
          { handle: 0, mode: "write" as const, bytes: 2 },
        ],
      })),
      fetched: [0],
    });
    if (!result.ok) return expect.unreachable();
    const { makespanNs, timeline } = result.value;
    const home = timeline.filter(({ what }) => what === "transfer").at(-1)!;
    expect(home.endNs - home.startNs).toBeLessThanOrEqual(102);
    expect(makespanNs).toBe(1_500 + 3 * 10_000 + (home.endNs - home.startNs));
    expect(timeline.map(({ what }) => what).sort()).toEqual(["load", "run", "run", "run", "transfer", "transfer"]);
  });

  test("independent tasks use both devices", () => {
    const tasks = [0, 1].map((handle) => ({ stage: 1, accesses: [{ handle, mode: "write" as const, bytes: 8 }] }));
    const result = simulateDataflow(rack, { stages: [either], handles: [{ handle: 0 }, { handle: 1 }], tasks });
    expect(result.ok && result.value.makespanNs).toBe(1_500 + 12_000);
  });

  test("a refusal is the answer", () => {
    const result = simulateDataflow(rack, { stages: [], handles: [], tasks: [{ stage: 3, accesses: [] }] });
    expect(result).toEqual({ ok: false, error: { code: "unknown-stage", task: 0, stage: 3 } });
  });
});
