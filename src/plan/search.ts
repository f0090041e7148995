import type { Device } from "../rack/rack.ts";
import { slowdowns } from "./contention.ts";
import { deviceClasses, usableDevices } from "./device-classes.ts";
import { type DraftContext, draftContext, usableMemory } from "./draft-context.ts";
import { type ReplicaDrafter, replicaDrafter } from "./draft-replicas.ts";
import { checkPins } from "./pins.ts";
import type { PlanOptions, PlanRequest } from "./plan-request.ts";
import type { ReplicaDraft } from "./replica-draft.ts";
import { type FleetScore, scoreFleet } from "./score.ts";

/** A whole plan under consideration. */
export interface FleetDraft {
  readonly replicas: readonly ReplicaDraft[];
  readonly slowdowns: readonly number[];
  readonly score: FleetScore;
}

/** Most replicas tried where no pin asks for more. */
const REPLICAS_TRIED = 8;
/** Partial plans kept after each replica: a bound on moves, not on time. */
const BEAM = 12;

/**
 * Plans worth comparing, best first: replicas are added one by one to the best partial plans, each the best contiguous split over some combination of
 * the devices left that keeps the pins and fits. Deterministic; ties keep the order of the rack.
 *
 * Complexity: at most replicas x BEAM dynamic programmes over the layers; those of equal devices and memories are solved once.
 */
export function searchFleets(context: DraftContext, usable: readonly Device[]): readonly FleetDraft[] {
  const freeBytes = usableMemory(context.request);
  const options = context.request.options ?? {};
  const pinned = (options.pins ?? []).map(({ device }) => device);
  const classes = deviceClasses(context.request.rack, usable, pinned);
  const drafter = replicaDrafter(context, classes);
  const replicasMost = options.replicas ?? replicasMax(options, usable);
  const found: FleetDraft[] = [];
  let best = Infinity;
  let beam: readonly (readonly ReplicaDraft[])[] = [[]];
  for (let replica = 0; replica < replicasMost && beam.length > 0; replica++) {
    const extended = beam.flatMap((chosen) => extendFleet(drafter, { replica, chosen, freeBytes }));
    const scored = distinct(extended.map((fleet) => scoreDraft(fleet, context.streams))).sort((a, b) => a.score.score - b.score.score);
    const better = (scored[0]?.score.score ?? Infinity) < best;
    best = Math.min(best, scored[0]?.score.score ?? Infinity);
    if (replica + 1 >= (options.replicas ?? replicasMin(options))) found.push(...scored);
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

/** The partial fleet with each replica that may be added to it. */
function extendFleet(
  drafter: ReplicaDrafter,
  { replica, chosen, freeBytes }: { readonly replica: number; readonly chosen: readonly ReplicaDraft[]; readonly freeBytes: FreeBytes },
): readonly (readonly ReplicaDraft[])[] {
  const left = new Map(freeBytes);
  for (const { weightBytes } of chosen) {
    for (const [memory, bytes] of weightBytes) left.set(memory, (left.get(memory) ?? 0) - bytes);
  }
  const taken = chosen.flatMap((one) => one.devices);
  return drafter({ replica, taken, freeBytes: left }).map((draft) => [...chosen, draft]);
}

type FreeBytes = ReadonlyMap<string, number>;

function replicasMin(options: PlanOptions): number {
  return (options.pins ?? []).reduce((most, pin) => Math.max(most, (pin.replica ?? 0) + 1), 1);
}

function replicasMax(options: PlanOptions, usable: readonly Device[]): number {
  return Math.max(replicasMin(options), Math.min(REPLICAS_TRIED, usable.length));
}

function scoreDraft(replicas: readonly ReplicaDraft[], streams: number): FleetDraft {
  const factors = slowdowns(replicas.map((replica) => replica.devices));
  const score = scoreFleet(
    replicas.map(({ prediction, stages }, index) => ({ prediction, slowdown: factors[index]!, stages: stages.length })),
    streams,
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
