import type { Constraint } from "../partition/constraints.ts";
import { globMatches } from "../partition/glob.ts";
import type { PartitionProblem } from "../partition/problem.ts";
import type { DeviceSet } from "./device-sets.ts";
import { constraintText } from "./placement-report.ts";

/** What pins are held against before any search. */
export interface PinQuestion {
  /** Name and type of every operator. */
  readonly operators: readonly { readonly name: string; readonly type: string }[];
  /** Constraints with devices by their ids. */
  readonly constraints: readonly Constraint[];
  /** Sets of devices with the problem on each. */
  readonly tasks: readonly { readonly set: DeviceSet; readonly problem: PartitionProblem }[];
  /** Why a device's driver refuses an operator, by device and name of operator; nothing of drivers that are not here. */
  readonly refusals: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface ImpossiblePin {
  readonly pin: string;
  readonly operator: string;
  readonly why: string;
  /** Devices that could run it. */
  readonly could: readonly string[];
}

/** The first pin that puts an operator where it cannot run: its driver refuses it, there is no peak for its type, or it finds no room. */
export function impossiblePin(question: PinQuestion): ImpossiblePin | undefined {
  for (const constraint of question.constraints) {
    if (constraint.kind !== "pin") continue;
    const found = refusedOperator(question, constraint) ?? withoutRoom(question, constraint);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Pin = Extract<Constraint, { kind: "pin" }>;

function refusedOperator(question: PinQuestion, pin: Pin): ImpossiblePin | undefined {
  for (const [index, operator] of question.operators.entries()) {
    if (!globMatches(pin.pattern, operator.name)) continue;
    const why = refusal(question, pin.to, index);
    if (why === undefined) continue;
    return {
      pin: constraintText(pin),
      operator: textOf(operator),
      why,
      could: devicesThat(question, (id) => !refusal(question, id, index)),
    };
  }
  return undefined;
}

/** Why a device cannot run an operator, memory apart. */
function refusal({ operators, refusals, tasks }: PinQuestion, device: string, index: number): string | undefined {
  const refused = refusals.get(device)?.get(operators[index]!.name);
  if (refused !== undefined) return refused;
  const place = placeOf(tasks, device);
  return place !== undefined && place.problem.nodes[index]!.times[place.type] === Infinity
    ? `${device} has no peak for its type`
    : undefined;
}

function withoutRoom(question: PinQuestion, pin: Pin): ImpossiblePin | undefined {
  const place = placeOf(question.tasks, pin.to);
  if (place === undefined) return undefined;
  const { nodes } = place.problem;
  const pinned = question.operators.flatMap(({ name }, index) => (globMatches(pin.pattern, name) ? [index] : []));
  const bytes = pinned.reduce((sum, index) => sum + nodes[index]!.bytes, 0);
  const roomOf = (id: string): number => placeOf(question.tasks, id)?.memoryBytes ?? 0;
  if (bytes <= roomOf(pin.to)) return undefined;
  const largest = pinned.reduce((most, index) => (nodes[index]!.bytes > nodes[most]!.bytes ? index : most));
  const fits = (id: string): boolean => bytes <= roomOf(id) && pinned.every((index) => refusal(question, id, index) === undefined);
  const more = pinned.length === 1 ? "" : ` and ${pinned.length - 1} more`;
  return {
    pin: constraintText(pin),
    operator: `${textOf(question.operators[largest]!)}${more}`,
    why: `${bytes} bytes, of which ${pin.to} has room for ${Math.floor(roomOf(pin.to))}`,
    could: devicesThat(question, fits),
  };
}

interface Place {
  readonly problem: PartitionProblem;
  readonly type: number;
  readonly memoryBytes: number;
}

/** The set in which a device has most room, and its type there. */
function placeOf(tasks: PinQuestion["tasks"], device: string): Place | undefined {
  const places = tasks.flatMap(({ set, problem }): readonly Place[] => {
    const type = set.types.findIndex(({ ids }) => ids.includes(device));
    return type < 0 ? [] : [{ problem, type, memoryBytes: set.types[type]!.memoryBytes }];
  });
  return places.reduce<Place | undefined>(
    (best, one) => (best === undefined || one.memoryBytes > best.memoryBytes ? one : best),
    undefined,
  );
}

function devicesThat({ tasks }: PinQuestion, could: (id: string) => boolean): readonly string[] {
  return [...new Set(tasks.flatMap(({ set }) => set.ids))].filter(could);
}

function textOf({ name, type }: PinQuestion["operators"][number]): string {
  return `${name} (${type})`;
}
