import { must } from "../../base/assert.ts";
import { toHeddleError } from "../../base/heddle-error.ts";
import type { Graph, OperatorId } from "../../graph/ir/graph.ts";
import { isWholeModel } from "../../plan/whole-model.ts";
import type { Device, Rack } from "../../rack/rack.ts";
import { createSeats } from "../seat/create-seats.ts";
import type { ProgramSource, Seats } from "../seat/seat-types.ts";
import type { ProbeProgram } from "./probe-program.ts";

/** What a device says of a model. */
export type DeviceSupport =
  | {
      readonly device: string;
      readonly driver: string;
      readonly state: "asked";
      readonly operators: number;
      readonly refused: readonly RefusedOperators[];
    }
  /** Its driver takes the whole model or none. */
  | { readonly device: string; readonly driver: string; readonly state: "whole"; readonly refused: string | undefined }
  /** It could not be asked; `detail` says what to install. */
  | { readonly device: string; readonly driver: string; readonly state: "missing"; readonly detail: string };

/** Operators of one type that a device refuses for one reason. */
export interface RefusedOperators {
  /** With its domain where that is not ONNX's own. */
  readonly type: string;
  readonly count: number;
  /** The first of them. */
  readonly example: string;
  readonly reason: string;
}

/** Why a device refuses operators of the probe's graph; it accepts the others. */
export type Refusals = ReadonlyMap<OperatorId, string>;

interface Asked {
  readonly source: ProgramSource;
  readonly operators: readonly OperatorId[];
}

export interface SupportOptions {
  /** Operators to ask about; all where absent. */
  readonly operators?: readonly OperatorId[];
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * Asks the drivers of a rack's devices about a model, each in a process of its own; devices alike but for cores and threads are asked once.
 *
 * Errors: none of a single device: what cannot be asked is reported; the signal's reason when it is aborted.
 */
export async function modelSupport(rack: Rack, probe: ProbeProgram, options: SupportOptions): Promise<readonly DeviceSupport[]> {
  const answers = await refusalsOf(rack.devices, probe, options);
  const whole = await wholeRefusal(rack.devices.find(isWholeModel), probe, options);
  return rack.devices.map((device): DeviceSupport => {
    const { id, driver } = device;
    const base = { device: id, driver };
    if (isWholeModel(device)) return { ...base, state: "whole", refused: whole };
    const answer = answers.get(id);
    if (answer === undefined || "missing" in answer) return { ...base, state: "missing", detail: answer?.missing ?? "not asked" };
    const operators = probe.graph.operators.reduce((sum, { name }) => sum + probe.times(name), 0);
    return { ...base, state: "asked", operators, refused: grouped(probe, answer.refusals) };
  });
}

/** Why a device that takes whole models does not take this one; found by loading it. */
async function wholeRefusal(device: Device | undefined, { whole }: ProbeProgram, options: SupportOptions): Promise<string | undefined> {
  if (device === undefined) return undefined;
  if (whole === undefined) return "it reads GGUF files only";
  const seats = createSeats({ cacheFolder: options.cacheFolder });
  try {
    const seat = await seats.open({ device, memoryBytes: PROBE_BYTES });
    await seat.load({ program: whole, operators: [0] }, options.signal === undefined ? {} : { signal: options.signal });
    return undefined;
  } catch (thrown) {
    const { detail, message } = toHeddleError(thrown);
    return detail ?? message;
  } finally {
    await seats.close();
  }
}

/** What a device said, or why it could not be asked. */
export type Answer = { readonly refusals: Refusals } | { readonly missing: string };

/** What each of the devices answers, by its id; none of those that take whole models. */
export async function refusalsOf(
  devices: readonly Device[],
  { source, graph }: Pick<ProbeProgram, "source" | "graph">,
  { cacheFolder, signal, operators = graph.operators.map((_operator, id) => id) }: SupportOptions,
): Promise<ReadonlyMap<string, Answer>> {
  const seats = createSeats({ cacheFolder });
  const asked = new Map<string, Promise<Answer>>();
  const answers = new Map<string, Answer>();
  try {
    for (const device of devices.filter((one) => !isWholeModel(one))) {
      signal?.throwIfAborted();
      const kind = JSON.stringify([device.driver, device.target, device.host, device.address]);
      const answer = asked.get(kind) ?? ask(seats, device, { source, operators });
      asked.set(kind, answer);
      answers.set(device.id, await answer);
    }
    return answers;
  } finally {
    await seats.close();
  }
}

/** Memory for the single operators that are tried. Units: bytes. */
const PROBE_BYTES = 2 ** 33;

async function ask(seats: Seats, device: Device, { source, operators }: Asked): Promise<Answer> {
  try {
    const seat = await seats.open({ device, memoryBytes: PROBE_BYTES });
    try {
      const supports = await seat.supports(source, operators);
      const refusals = new Map<OperatorId, string>();
      for (const [index, support] of supports.entries()) if (!support.ok) refusals.set(operators[index]!, support.reason);
      return { refusals };
    } finally {
      // What it said counts, however its process ends.
      await seat.close().catch(() => undefined);
    }
  } catch (thrown) {
    const { detail, message } = toHeddleError(thrown);
    return { missing: detail ?? message };
  }
}

function grouped({ graph, times }: ProbeProgram, refusals: Refusals): readonly RefusedOperators[] {
  const groups = new Map<string, { type: string; count: number; example: string; reason: string }>();
  for (const [id, reason] of refusals) {
    const operator = must(graph.operators[id], "an operator that was asked about");
    const type = operatorType(graph, id);
    const key = `${type}\n${reason}`;
    const known = groups.get(key) ?? { type, count: 0, example: operator.name, reason };
    known.count += times(operator.name);
    groups.set(key, known);
  }
  return [...groups.values()];
}

/** `MatMul`, `com.microsoft.MatMulNBits`. */
export function operatorType({ operators }: Graph, id: OperatorId): string {
  const { domain, type } = must(operators[id], "an operator of the graph");
  return domain === "onnx" ? type : `${domain}.${type}`;
}
