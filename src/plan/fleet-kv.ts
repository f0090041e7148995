import { must } from "../base/assert.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import { pagesFor } from "../state/block.ts";
import { DEFAULT_MAX_SEQUENCES } from "./default-policy.ts";
import { type DraftContext, pageBytes, usableMemory } from "./draft-context.ts";
import { kernelPages, pageCopies } from "./kernel-stages.ts";
import { KV_SHARE, type KvBudget, splitKvMemory } from "./kv-budget.ts";
import type { ReplicaDraft } from "./replica-draft.ts";
import type { FleetDraft } from "./search.ts";

/**
 * KV pages of each replica from what weights leave of its memories; replicas on one memory share it evenly. `undefined` where a replica could not
 * hold one sequence of full length.
 */
export function kvBudgets(context: DraftContext, fleet: FleetDraft): readonly KvBudget[] | undefined {
  const left = leftBytes(context, fleet);
  const maxSequences = context.request.options?.maxSequences ?? DEFAULT_MAX_SEQUENCES;
  const budgets: KvBudget[] = [];
  for (const replica of fleet.replicas) {
    const rooms = [...layersIn(replica, context.request.model.spec)].map(([memory, layers]) => {
      const bytesPerPage = (pageBytes(context) / context.request.model.spec.layers) * layers;
      return { bytesPerPage, bytes: roomBytes(context, { bytesPerPage, left: left.get(memory) ?? 0, replicas: fleet.replicas.length }) };
    });
    const { spec, eightBit } = context.request.model;
    const { contextLimit } = context;
    const pages = replica.stages.map((stage) => kernelPages(spec, { ...stage, contextLimit, maxSequences }, eightBit));
    const budget = splitKvMemory(rooms, { maxSequences, contextLimit, pagesMax: Math.min(...pages) });
    if (budget === undefined) return undefined;
    budgets.push(budget);
  }
  return budgets;
}

/** Bytes each replica finds in each memory once all weights are there. */
function leftBytes(context: DraftContext, fleet: FleetDraft): ReadonlyMap<string, number> {
  const left = new Map(usableMemory(context.request));
  const users = new Map<string, number>();
  for (const { weightBytes } of fleet.replicas) {
    for (const [memory, bytes] of weightBytes) {
      left.set(memory, (left.get(memory) ?? 0) - bytes);
      users.set(memory, (users.get(memory) ?? 0) + 1);
    }
  }
  return new Map([...left].map(([memory, bytes]) => [memory, bytes / (users.get(memory) ?? 1)]));
}

interface Room {
  readonly bytesPerPage: number;
  readonly left: number;
  readonly replicas: number;
}

/** What was asked for, else a share of what is left, but never less than one full sequence while that fits. */
function roomBytes(context: DraftContext, { bytesPerPage, left, replicas }: Room): number {
  const asked = context.request.options?.kvMemoryBytes;
  if (asked !== undefined) return Math.min(left, (asked / replicas) * (bytesPerPage / pageBytes(context)));
  return Math.min(left, Math.max(bytesPerPage * pagesFor(context.contextLimit), left * KV_SHARE));
}

/** Layers in each memory, each as often as its pages are held. */
function layersIn(replica: ReplicaDraft, spec: DecoderSpec): ReadonlyMap<string, number> {
  const layers = new Map<string, number>();
  replica.stages.forEach((stage, index) => {
    const { memory } = must(replica.devices[index], "a device for each stage");
    layers.set(memory, (layers.get(memory) ?? 0) + (stage.toLayer - stage.fromLayer) * pageCopies(stage, spec));
  });
  return layers;
}
