import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { DataflowConfig } from "../../engine/dataflow/dataflow-config.ts";
import { createDataflowEngine } from "../../engine/dataflow/dataflow-engine.ts";
import type { DataflowState } from "../../engine/dataflow/dataflow-state.ts";
import type { DataflowEvent, HandleId, StageSpec } from "../../engine/dataflow/dataflow-types.ts";
import { type Learned, learnedFrom, startingState } from "../../engine/dataflow/learned-state.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import { type AnswerTimes, answerTimes } from "./answer-times.ts";
import { NO_MISHAPS } from "./dataflow-mishaps.ts";
import { runDataflow } from "./dataflow-run.ts";
import type { DataflowTruth } from "./dataflow-truth.ts";
import { predictedTruth } from "./predicted-truth.ts";
import { handlesOf, type RecordedStep, recordedClients } from "./recorded-clients.ts";
import type { TimelineRow } from "./timeline.ts";

/** A run of a rack, as its ledger holds it. */
export interface RecordedRack {
  readonly config: DataflowConfig;
  readonly policy: DataflowPolicy;
  readonly events: readonly { readonly at: Nanoseconds; readonly event: DataflowEvent }[];
}

export interface Forecast {
  /** From the first event to the last answer to the client. */
  readonly recordedNs: Nanoseconds;
  readonly forecastNs: Nanoseconds;
  readonly timeline: readonly TimelineRow[];
  /** What the engine had measured before. */
  readonly learned: Learned;
}

/** Events [first, end) of a run; to its end where that is absent. */
export interface RecordedPart {
  readonly first: number;
  readonly end?: number;
}

export interface ForecastOptions {
  /** What the policy knows; what was learned before the part when absent. */
  readonly known?: Learned;
  /** What things really take; what was learned before the part when absent. */
  readonly truth?: Learned;
}

/** Why a part of a recorded run cannot be told apart from what came before. */
export type ForecastRefusal =
  | { readonly code: "tasks-under-way"; readonly pending: number }
  | { readonly code: "earlier-handle"; readonly handle: HandleId };

/**
 * What a part of a recorded run takes in virtual time, by the same engine and policy.
 *
 * Model: clients do what they did, each time as long after the last answer they had been given (a value, the end of a task) as it was then; so a loop
 * that waits for its results is one here too. Stages that had been loaded before are loaded at once the first time. Runs and transfers take what had
 * been learned of them, and each its way to the device and back (`answer-times.ts`).
 * Errors: `tasks-under-way` where the part does not begin with an idle engine; `earlier-handle` where it names a handle from before.
 */
export function forecastRun(
  run: RecordedRack,
  { first, end = run.events.length }: RecordedPart,
  options: ForecastOptions = {},
): Result<Forecast, ForecastRefusal> {
  const { config, policy, events } = run;
  const engine = createDataflowEngine(config, policy);
  const before = events.slice(0, first).map(({ at, event }): RecordedStep => ({ at, event, commands: engine.step(event, at) }));
  const state = engine.snapshot() as DataflowState;
  if (state.pending > 0) return err({ code: "tasks-under-way", pending: state.pending });
  const learned = learnedFrom(state);
  const part = events.slice(first, end).map(({ at, event }): RecordedStep => ({ at, event, commands: engine.step(event, at) }));
  const stranger = earlierHandle(part);
  if (stranger !== undefined) return err({ code: "earlier-handle", handle: stranger });

  const begin = part[0]?.at ?? 0;
  const { clients, stages, lastAnswer } = recordedClients(part);
  const declared = before.flatMap(({ event }) => (event.type === "stage-declared" ? [event.stage] : []));
  const from = startingState(config, options.known ?? learned);
  const truth = truthOf(options.truth ?? learned, {
    declared,
    loads: loadTimes([...before, ...part]),
    answers: answerTimes(before, config.rack),
  });
  const outcome = runDataflow({
    config,
    policy,
    truth,
    mishaps: NO_MISHAPS,
    script: [
      ...declared.map((stage) => ({ at: 0, event: { type: "stage-declared", stage: readyAtOnce(config, stage) } as const })),
      ...stages.map((event) => ({ at: 0, event })),
    ],
    clients,
    from,
    endsOpen: true,
  });
  const [violation] = outcome.violations;
  assert(violation === undefined, "a forecast breaks no promise", { check: violation?.check, message: violation?.message });
  return ok({ recordedNs: lastAnswer - begin, forecastNs: outcome.lastAnswerNs, timeline: outcome.timeline, learned });
}

function earlierHandle(part: readonly RecordedStep[]): HandleId | undefined {
  const own = new Set<HandleId>();
  for (const { event } of part) {
    if (event.type === "handle-declared") own.add(event.handle);
    // What was made before may be released at any time.
    const stranger = event.type === "handle-released" ? undefined : handlesOf(event).find((handle) => !own.has(handle));
    if (stranger !== undefined) return stranger;
  }
  return undefined;
}

/** Loaded before; a class with few places for stages pays for changing them all the same. */
function readyAtOnce({ rack }: DataflowConfig, stage: StageSpec): StageSpec {
  const variants = stage.variants.map((variant) => {
    const { residentMax, residentBytesMax } = rack.classes[variant.class]!;
    return residentMax === undefined && residentBytesMax === undefined ? { ...variant, loadNs: 0, compileNs: 0 } : variant;
  });
  return { ...stage, variants };
}

/** Mean time of the loads of a stage's variant, by both, without the first on each device, which compiles. */
function loadTimes(steps: readonly RecordedStep[]): ReadonlyMap<string, Nanoseconds> {
  const loads = new Map<number, { readonly key: string; readonly isFirst: boolean }>();
  const seen = new Set<string>();
  const sums = new Map<string, { ns: number; count: number }>();
  for (const { event, commands } of steps) {
    if (event.type === "load-finished") {
      const load = loads.get(event.load);
      if (load !== undefined && !load.isFirst) {
        const sum = sums.get(load.key) ?? { ns: 0, count: 0 };
        sums.set(load.key, { ns: sum.ns + event.durationNs, count: sum.count + 1 });
      }
    }
    for (const command of commands) {
      if (command.type !== "load") continue;
      const key = `${command.stage}.${command.variant}`;
      const at = `${key}@${command.device}`;
      loads.set(command.load, { key, isFirst: !seen.has(at) });
      seen.add(at);
    }
  }
  return new Map([...sums].map(([key, { ns, count }]) => [key, ns / count]));
}

function truthOf(
  learned: Learned,
  given: { readonly declared: readonly StageSpec[]; readonly loads: ReadonlyMap<string, Nanoseconds>; readonly answers: AnswerTimes },
): DataflowTruth {
  const before = new Set(given.declared.map(({ stage }) => stage));
  const predicted = predictedTruth(structuredClone(learned));
  return {
    ...predicted,
    runAnswerNs: given.answers.run,
    transferAnswerNs: given.answers.transfer,
    loadNs: (stage, variant, isFirst) => {
      if (isFirst && before.has(stage.stage)) return 0;
      return Math.round(given.loads.get(`${stage.stage}.${variant}`) ?? predicted.loadNs(stage, variant, isFirst));
    },
  };
}
