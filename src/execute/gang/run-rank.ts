import { must } from "../../base/assert.ts";
import { type HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { GangProgram, GangStep } from "../../graph/program/gang-program.ts";
import type { RunPart } from "../device/device-driver.ts";
import type { Seat, SeatCallOptions, SeatStage, SlotId, SlotInfo, StopSignal } from "../seat/seat-types.ts";

/** One step of one member, for timelines: what it was, how long it took on the worker, and what the time went to. */
export interface GangRow {
  readonly seat: string;
  readonly kind: "run" | "collective";
  readonly name: string;
  /** From its inputs being there to its end; of a collective the wait for other members is part of it. Units: ns, on the worker's clock. */
  readonly ns: Nanoseconds;
  /** When the caller had word of its end, on the caller's clock. */
  readonly endNs: Nanoseconds;
  readonly parts: readonly RunPart[];
  /** Sent and received. */
  readonly movedBytes: number;
}

/** What a member runs its program with. */
export interface RankRun {
  readonly seat: Seat;
  readonly program: GangProgram;
  /** By name of segment. */
  readonly stages: ReadonlyMap<string, SeatStage>;
  readonly members: readonly string[];
  /** Number of the first collective of this run; all members count alike. */
  readonly firstCall: number;
  readonly given: Readonly<Record<string, SlotId>>;
  readonly wanted: Readonly<Record<string, SlotId>>;
  readonly nextSlot: () => SlotId;
  readonly now: () => Nanoseconds;
  /** Takes back what has not begun, and collectives that wait for other members. */
  readonly signal?: StopSignal;
}

/** What a member's steps came to. */
export interface RankResult {
  readonly ok: true;
  readonly rows: readonly GangRow[];
  /** Of what was wanted, by name. */
  readonly made: Readonly<Record<string, SlotInfo>>;
}

/** The first of a member's steps that failed, in its own order. */
export interface RankFailure {
  readonly ok: false;
  readonly error: HeddleError;
  /** Twice the collectives before it, and one more where it is a collective: comparable among members, which have the same collectives. */
  readonly at: number;
}

/** Gives out all steps of one member; resolves when all have ended. */
export async function runRank(run: RankRun): Promise<RankResult | RankFailure> {
  const { seat, program, given, wanted, nextSlot } = run;
  const slots = new Map<string, SlotId>(Object.entries(given));
  const lastReader = lastReads(program);
  const rows: Promise<GangRow>[] = [];
  const made: Record<string, SlotInfo> = {};
  const passing: SlotId[] = [];
  let call = run.firstCall;
  const slotFor = (name: string): SlotId => {
    const slot = wanted[name] ?? nextSlot();
    slots.set(name, slot);
    return slot;
  };
  for (const [index, step] of program.steps.entries()) {
    rows.push(
      step.type === "segment"
        ? runSegment(run, step, { slots, slotFor, made })
        : runExchange(run, step, { slots, slotFor, made, call: call++ }),
    );
    for (const name of lastReader.get(index) ?? []) {
      const slot = must(slots.get(name), "a value that was read");
      if (given[name] === undefined && wanted[name] === undefined) passing.push(slot);
    }
    // What was asked before still finds them.
    if (passing.length > 0) seat.free(passing.splice(0));
  }
  const ended = await Promise.allSettled(rows);
  const failed = ended.findIndex((one) => one.status === "rejected");
  if (failed !== -1) return failureOf(program, failed, (ended[failed] as PromiseRejectedResult).reason);
  const wantedMade = Object.fromEntries(Object.entries(made).filter(([name]) => wanted[name] !== undefined));
  return { ok: true, rows: ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])), made: wantedMade };
}

function failureOf({ steps }: GangProgram, step: number, thrown: unknown): RankFailure {
  const before = steps.slice(0, step).filter(({ type }) => type === "collective").length;
  return { ok: false, error: toHeddleError(thrown), at: 2 * before + (steps[step]!.type === "collective" ? 1 : 0) };
}

function callOptions({ signal }: RankRun): SeatCallOptions {
  return signal === undefined ? {} : { signal };
}

interface StepSlots {
  readonly slots: ReadonlyMap<string, SlotId>;
  readonly slotFor: (name: string) => SlotId;
  readonly made: Record<string, SlotInfo>;
}

async function runSegment(
  run: RankRun,
  step: Extract<GangStep, { type: "segment" }>,
  { slots, slotFor, made }: StepSlots,
): Promise<GangRow> {
  const { seat, stages, now } = run;
  const stage = must(stages.get(step.name), "the segment was loaded");
  const inputs = Object.fromEntries(step.inputs.map((name) => [name, must(slots.get(name), "a value that was written")]));
  const outputs = Object.fromEntries(step.outputs.map((name) => [name, slotFor(name)]));
  const { busyNs, parts, outputs: infos } = await stage.run(inputs, outputs, callOptions(run));
  Object.assign(made, infos);
  return { seat: seat.id, kind: "run", name: step.name, ns: busyNs, endNs: now(), parts, movedBytes: 0 };
}

async function runExchange(
  run: RankRun,
  step: Extract<GangStep, { type: "collective" }>,
  { slots, slotFor, made, call }: StepSlots & { readonly call: number },
): Promise<GangRow> {
  const { seat, members, now } = run;
  const input = must(slots.get(step.input), "a value that was written");
  const { collective, name } = step;
  const { movedBytes, movedNs, ...info } = await seat.collective(
    { call, members, collective, input, output: slotFor(step.output) },
    callOptions(run),
  );
  made[step.output] = info;
  return { seat: seat.id, kind: "collective", name, ns: movedNs, endNs: now(), parts: [{ what: "transfer", ns: movedNs }], movedBytes };
}

/** For each step the values that no later step reads. */
function lastReads({ steps }: GangProgram): ReadonlyMap<number, readonly string[]> {
  const last = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    for (const name of step.type === "segment" ? [...step.inputs, ...step.outputs] : [step.input, step.output]) last.set(name, index);
  }
  const reads = new Map<number, string[]>();
  for (const [name, index] of last) reads.set(index, [...(reads.get(index) ?? []), name]);
  return reads;
}
