// Goal: a part of a recorded run is forecast as it happened where nothing changed. Method: clients in closed loops on a virtual rack whose times are not
// its priors; what comes first teaches the engine, what follows is forecast, with what was learned, with nothing, and for parts that cannot be told apart.
import { describe, expect, it } from "vitest";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS, type DataflowConfig } from "../../engine/dataflow/dataflow-config.ts";
import type { DataflowRack, StageSpec } from "../../engine/dataflow/dataflow-types.ts";
import { startingState } from "../../engine/dataflow/learned-state.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { NO_MISHAPS } from "./dataflow-mishaps.ts";
import { runDataflow } from "./dataflow-run.ts";
import { declaredTruth } from "./dataflow-truth.ts";
import { forecastRun, type RecordedRack } from "./forecast-run.ts";
import type { ScriptedCall } from "./scripted-client.ts";

const rack: DataflowRack = {
  memories: [{ host: 0 }, { host: 1 }, { host: 2 }],
  classes: [{}, {}],
  devices: [
    { class: 0, memory: 1, host: 1 },
    { class: 1, memory: 2, host: 2 },
  ],
  links: [0, 1, 2].flatMap((source) => [0, 1, 2].filter((target) => target !== source).map((target) => link(source, target))),
};
const stage: StageSpec = {
  stage: 0,
  operator: 0,
  variants: [0, 1].map((device) => ({ class: device, priorNs: 4e6 + device * 1e6, weightBytes: 1000, loadNs: 3e6, compileNs: 1e6 })),
};
const config: DataflowConfig = { rack, limits: DATAFLOW_LIMITS, policy: DATAFLOW_POLICY_PARAMETERS };
const CLIENTS = 3;
const TURNS = 12;
/** The devices than their figures. */
const SLOWER = 1.6;

function link(source: number, target: number): DataflowRack["links"][number] {
  return { source, target, latencyNs: 20_000, bytesPerSecond: 1e9, channel: source * 3 + target };
}

/** A client that asks for a value, looks at it for a while, and asks for the next, which is made from it. */
function loop(client: number): ScriptedCall[] {
  return Array.from({ length: TURNS }, (_turn, turn) => {
    const handle = client * TURNS + turn;
    const at = turn === 0 ? { gapNs: client * 100_000 } : { gapNs: 700_000, after: { type: "deliver", of: handle - 1 } as const };
    const made = { handle, mode: "write", bytes: 5000 } as const;
    const accesses = turn === 0 ? [made] : [{ handle: handle - 1, mode: "read" } as const, made];
    return [
      { ...at, event: { type: "handle-declared", handle } },
      { ...at, event: { type: "submitted", first: handle, tasks: [{ stage: 0, accesses }] } },
      { ...at, event: { type: "fetch", fetch: handle, handle } },
      ...(turn === 0 ? [] : [{ ...at, event: { type: "handle-released", handle: handle - 1 } } as const]),
      ...(turn < TURNS - 1 ? [] : [{ ...at, event: { type: "handle-released", handle } } as const]),
    ] satisfies ScriptedCall[];
  }).flat();
}

function recorded(): RecordedRack {
  const told = declaredTruth(rack);
  const { steps, violations } = runDataflow({
    config,
    policy: earliestFinish,
    truth: { ...told, runNs: (run) => Math.ceil(SLOWER * told.runNs(run)) },
    mishaps: NO_MISHAPS,
    script: [{ at: 0, event: { type: "stage-declared", stage } }],
    clients: Array.from({ length: CLIENTS }, (_client, client) => loop(client)),
  });
  expect(violations).toEqual([]);
  return { config, policy: earliestFinish, events: steps.map(({ event, now }) => ({ at: now, event })) };
}

/** Where the calls of every client's turn begin; the engine may be busy with others then. */
function turnOf({ events }: RecordedRack, handle: number): number {
  return events.findIndex(({ event }) => event.type === "handle-declared" && event.handle === handle);
}

describe("a forecast of a recorded run", () => {
  const whole = recorded();

  it("of all of it, by what its end knows, takes what it took but for its first loads and tries", () => {
    const { learned } = forecast(whole, { first: whole.events.length });
    const { recordedNs, forecastNs } = forecast(whole, { first: 0 }, { known: learned, truth: learned });
    expect(forecastNs / recordedNs).toBeGreaterThan(0.85);
    expect(forecastNs / recordedNs).toBeLessThan(1.02);
  });

  it("by the rack's figures alone is off by what its devices are off", () => {
    const figures = startingState(config);
    const { recordedNs, forecastNs } = forecast(whole, { first: 0 }, { known: figures, truth: figures });
    expect(forecastNs / recordedNs).toBeLessThan(0.8);
  });

  it("is refused where tasks are under way, and where it names a handle from before", () => {
    const busy = forecastRun(whole, { first: turnOf(whole, 5) });
    expect(busy).toMatchObject({ ok: false, error: { code: "tasks-under-way" } });
    const late = whole.events.findIndex(({ event }) => event.type === "submitted");
    expect(forecastRun(whole, { first: late })).toMatchObject({ ok: false, error: { code: "earlier-handle", handle: 0 } });
  });
});

function forecast(...given: Parameters<typeof forecastRun>) {
  const result = forecastRun(...given);
  if (!result.ok) throw new RangeError(JSON.stringify(result.error));
  return result.value;
}
