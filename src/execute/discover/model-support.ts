import { toHeddleError } from "../../base/heddle-error.ts";
import type { Graph } from "../../graph/ir/graph.ts";
import { isWholeModel } from "../../plan/whole-model.ts";
import type { Device, Rack } from "../../rack/rack.ts";
import type { Support } from "../device/device-driver.ts";
import { createSeats } from "../seat/create-seats.ts";
import type { Seats } from "../seat/seat-types.ts";
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

/** For every operator of the probe's graph why a device refuses it; `undefined` where it accepts. */
export type Refusals = readonly (string | undefined)[];

export interface SupportOptions {
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
  return rack.devices.map((device): DeviceSupport => {
    const { id, driver } = device;
    const base = { device: id, driver };
    if (isWholeModel(device))
      return { ...base, state: "whole", refused: probe.gguf === undefined ? "it reads GGUF files only" : undefined };
    const answer = answers.get(id);
    if (answer === undefined || "missing" in answer) return { ...base, state: "missing", detail: answer?.missing ?? "not asked" };
    const operators = probe.graph.operators.reduce((sum, { name }) => sum + probe.times(name), 0);
    return { ...base, state: "asked", operators, refused: grouped(probe, answer.refusals) };
  });
}

type Answer = { readonly refusals: Refusals } | { readonly missing: string };

/** What each of the devices answers, by its id; none of those that take whole models. */
export async function refusalsOf(
  devices: readonly Device[],
  { source, graph }: Pick<ProbeProgram, "source" | "graph">,
  { cacheFolder, signal }: SupportOptions,
): Promise<ReadonlyMap<string, Answer>> {
  const seats = createSeats({ cacheFolder });
  const asked = new Map<string, Promise<Answer>>();
  const answers = new Map<string, Answer>();
  try {
    for (const device of devices.filter((one) => !isWholeModel(one))) {
      signal?.throwIfAborted();
      const kind = JSON.stringify([device.driver, device.target, device.host, device.address]);
      const answer = asked.get(kind) ?? ask(seats, device, { source, graph });
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

async function ask(seats: Seats, device: Device, { source, graph }: Pick<ProbeProgram, "source" | "graph">): Promise<Answer> {
  try {
    const seat = await seats.open({ device, memoryBytes: PROBE_BYTES });
    try {
      const supports = await seat.supports(
        source,
        graph.operators.map((_operator, id) => id),
      );
      return { refusals: supports.map(reasonOf) };
    } finally {
      await seat.close();
    }
  } catch (thrown) {
    const { detail, message } = toHeddleError(thrown);
    return { missing: detail ?? message };
  }
}

function reasonOf(support: Support): string | undefined {
  return support.ok ? undefined : support.reason;
}

function grouped({ graph, times }: ProbeProgram, refusals: Refusals): readonly RefusedOperators[] {
  const groups = new Map<string, { type: string; count: number; example: string; reason: string }>();
  for (const [id, reason] of refusals.entries()) {
    const operator = graph.operators[id];
    if (reason === undefined || operator === undefined) continue;
    const type = operatorType(graph, id);
    const key = `${type}\n${reason}`;
    const known = groups.get(key) ?? { type, count: 0, example: operator.name, reason };
    known.count += times(operator.name);
    groups.set(key, known);
  }
  return [...groups.values()];
}

/** `MatMul`, `com.microsoft.MatMulNBits`. */
export function operatorType({ operators }: Graph, id: number): string {
  const operator = operators[id];
  if (operator === undefined) return "";
  const { domain, type } = operator;
  return domain === "onnx" ? type : `${domain}.${type}`;
}
