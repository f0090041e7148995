import type { Device } from "../rack/rack.ts";
import { slowdowns } from "./contention.ts";
import { type DeviceClass, deviceClasses, deviceSequences, usableDevices } from "./device-classes.ts";
import { type DraftContext, draftContext, usableMemory } from "./draft-context.ts";
import { checkPins, pinnedDevice } from "./pins.ts";
import type { PlanOptions, PlanRequest } from "./plan-request.ts";
import { type Drafter, makeDrafter, type ReplicaDraft } from "./replica-draft.ts";
import { type FleetScore, scoreFleet } from "./score.ts";

/** A whole plan under consideration. */
export interface FleetDraft {
  readonly replicas: readonly ReplicaDraft[];
  readonly slowdowns: readonly number[];
  readonly score: FleetScore;
}

/** Most stages and replicas tried where no pin asks for more. */
const STAGES_TRIED = 4;
const REPLICAS_TRIED = 8;
/** Partial plans kept after each replica, and device sequences tried for each: bounds on moves, not on time. */
const BEAM = 12;
const SEQUENCES_MAX = 2000;

/**
 * Plans worth comparing, best first: replicas are added one by one to the best partial plans, each on the best of all device sequences that keep the
 * pins and fit. Deterministic; ties keep the order of the rack.
 *
 * Complexity: at most replicas x BEAM x SEQUENCES_MAX drafts; drafts of equal sequences are made once.
 */
export function searchFleets(context: DraftContext, usable: readonly Device[]): readonly FleetDraft[] {
  const freeBytes = usableMemory(context.request);
  const options = context.request.options ?? {};
  const classes = deviceClasses(usable);
  const replicasMost = options.replicas ?? replicasMax(options, usable);
  const { draft } = makeDrafter(context);
  const found: FleetDraft[] = [];
  let best = Infinity;
  let beam: readonly (readonly ReplicaDraft[])[] = [[]];
  for (let replica = 0; replica < replicasMost && beam.length > 0; replica++) {
    const extended = beam.flatMap((chosen) => extendFleet({ classes, usable, options, replica, chosen, freeBytes, draft }));
    const scored = distinct(extended.map(scoreDraft)).sort((a, b) => a.score.score - b.score.score);
    const better = (scored[0]?.score.score ?? Infinity) < best;
    best = Math.min(best, scored[0]?.score.score ?? Infinity);
    if (replica + 1 >= (options.replicas ?? replicasMin(options))) found.push(...scored.slice(0, BEAM));
    // A further replica that does not pay will not pay with yet another beside it.
    if (options.replicas === undefined && replica >= replicasMin(options) && !better) break;
    beam = scored.slice(0, BEAM).map((fleet) => fleet.replicas);
  }
  return found.sort((a, b) => a.score.score - b.score.score);
}

/** The best plan these options allow, unpriced by KV; `undefined` where there is none. */
export function bestFleet(request: PlanRequest): FleetDraft | undefined {
  const { usable } = usableDevices(request.rack);
  if (usable.length === 0 || checkPins(request, usable) !== undefined) return undefined;
  return searchFleets(draftContext(request), usable)[0];
}

interface Extension {
  readonly classes: readonly DeviceClass[];
  readonly usable: readonly Device[];
  readonly options: PlanOptions;
  readonly replica: number;
  readonly chosen: readonly ReplicaDraft[];
  readonly freeBytes: ReadonlyMap<string, number>;
  readonly draft: Drafter["draft"];
}

function extendFleet(extension: Extension): readonly (readonly ReplicaDraft[])[] {
  const { classes, options, replica, chosen, draft } = extension;
  const left = new Map(extension.freeBytes);
  for (const { weightBytes } of chosen) {
    for (const [memory, bytes] of weightBytes) left.set(memory, (left.get(memory) ?? 0) - bytes);
  }
  const taken = chosen.flatMap((one) => one.devices);
  const fleets: ReplicaDraft[][] = [];
  for (const length of stageCounts(options, replica)) {
    const question = { length, taken, repeat: options.stages !== undefined, limit: SEQUENCES_MAX };
    for (const sequence of deviceSequences(classes, question)) {
      const made = draft(pinnedSequence(extension, sequence), left);
      if (made !== undefined) fleets.push([...chosen, made]);
    }
  }
  return fleets;
}

/** A sequence with its pinned places filled by the pinned devices. */
function pinnedSequence({ options, replica, usable }: Extension, sequence: readonly Device[]): readonly Device[] {
  return sequence.map((device, stage) => {
    const pinned = pinnedDevice(options.pins ?? [], replica, stage);
    return usable.find((one) => one.id === pinned) ?? device;
  });
}

function stageCounts(options: PlanOptions, replica: number): readonly number[] {
  if (options.stages !== undefined) return [options.stages];
  const pinned = (options.pins ?? []).filter((pin) => pin.replica === undefined || pin.replica === replica);
  const least = pinned.reduce((most, pin) => Math.max(most, pin.stage + 1), 1);
  const most = Math.max(least, STAGES_TRIED);
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

function replicasMin(options: PlanOptions): number {
  return (options.pins ?? []).reduce((most, pin) => Math.max(most, (pin.replica ?? 0) + 1), 1);
}

function replicasMax(options: PlanOptions, usable: readonly Device[]): number {
  return Math.max(replicasMin(options), Math.min(REPLICAS_TRIED, usable.length));
}

function scoreDraft(replicas: readonly ReplicaDraft[]): FleetDraft {
  const factors = slowdowns(replicas.map((replica) => replica.devices));
  const score = scoreFleet(
    replicas.map(({ prediction, stages }, index) => ({ prediction, slowdown: factors[index]!, stages: stages.length })),
  );
  return { replicas, slowdowns: factors, score };
}

function distinct(fleets: readonly FleetDraft[]): FleetDraft[] {
  const seen = new Set<string>();
  return fleets.filter((fleet) => {
    const key = fleet.replicas.map(layoutText).join(" + ");
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A replica in a few words: `cpu-0-1: layers 0-30`. */
export function layoutText({ stages }: ReplicaDraft): string {
  return stages.map((stage) => `${stage.device} (layers ${stage.fromLayer}-${stage.toLayer})`).join(" then ");
}
