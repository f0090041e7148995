import { type BatchShape, emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import type { ExplainedCost } from "../../cost/iteration/iteration-cost-of.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import { cardShare, type Pattern } from "./fabric-network.ts";
import type { FabricPlace } from "./fabric-place.ts";

/** What each card of a pool sends to other machines on average while its replicas work with full batches. */
export interface CardLoad {
  readonly pattern: Pattern;
  readonly bytesPerSecond: number;
}

/** What each flow between attention and feed-forwards on devices of their own carries on average while replicas work with full batches. Units: bytes/s. */
export interface SideLoad {
  readonly there: number;
  readonly back: number;
}

/** The load of a pool's flows between its two sides; undefined where it has one side. */
export function sideLoad(
  pool: Pool,
  { fabric, cost, kvTokens }: { readonly fabric: FabricPlace; readonly cost: ExplainedCost; readonly kvTokens: number },
): SideLoad | undefined {
  const { devices, ffn } = fabric.pools[fabric.pool]!;
  if (ffn === undefined || cost.exchanged === undefined) return undefined;
  const batch = fullBatch(pool, kvTokens);
  const { there, back } = cost.exchanged(batch);
  const perFlow = 1e9 / (cost.iterationNs(batch) * devices * ffn.devices);
  return { there: there * perFlow, back: back * perFlow };
}

/** Contexts of the decoding sequences of a full batch, where KV has room for as much. Units: tokens. */
const FULL_CONTEXT = 1024;

/**
 * What a pool's collectives send over its fabric; undefined where its replicas have a machine each.
 *
 * Model: cards a thousand times slower decide alone how long an iteration takes, so halving their rate once more tells the bytes that pass each; those over the time
 * of an iteration as it is are its mean rate. The algorithm is then the one that moves
 * least over cards, which a library may not choose where cards are fast: rings between machines move up to twice as much.
 */
export function cardLoad(
  pool: Pool,
  given: { readonly fabric: FabricPlace; readonly cost: ExplainedCost; readonly kvTokens: number; readonly cardBytesPerSecond: number },
  price: (fabric: FabricPlace) => ExplainedCost,
): CardLoad | undefined {
  const { fabric, cost, kvTokens } = given;
  const pattern = patternOfPool(pool, fabric);
  if (pattern === undefined) return undefined;
  const share = Math.min(given.cardBytesPerSecond, cardShare(fabric, pattern));
  const slow = price({ ...fabric, cards: share / SLOW });
  const slower = price({ ...fabric, cards: share / (2 * SLOW) });
  const batch = fullBatch(pool, kvTokens);
  // Halved, every byte takes as long again as it took.
  const bytes = ((slower.iterationNs(batch) - slow.iterationNs(batch)) * share) / SLOW;
  return { pattern, bytesPerSecond: Math.min(share, bytes / cost.iterationNs(batch)) };
}

/** So much slower, cards alone decide. */
const SLOW = 1000;

/** How most of a pool's traffic between machines goes: between experts, tensor ranks, or stages. */
function patternOfPool({ parallel }: Pool, { pools, pool }: FabricPlace): Pattern | undefined {
  const { nodes, perNode, stages } = pools[pool]!;
  if (nodes === 1) return undefined;
  const group = Math.max(1, Math.round(nodes / stages));
  if (group === 1) return { kind: "stage", nodes: 1 };
  return { kind: parallel.expert > perNode ? "all" : "ring", nodes: group };
}

function fullBatch({ role, engine, parallel }: Pool, kvTokens: number): BatchShape {
  const tokens = engine.maxBatchedTokens * parallel.data;
  if (role === "prefill")
    return { ...emptyBatch(), prefills: parallel.data, prefillTokens: tokens, prefillSquares: (tokens * tokens) / parallel.data };
  const sequences = Math.min(engine.maxSequences * parallel.data, tokens);
  const context = Math.max(1, Math.min(FULL_CONTEXT, Math.floor(kvTokens / sequences)));
  return { ...emptyBatch(), decodes: sequences, decodeContext: sequences * context, decodeContextMax: context };
}
