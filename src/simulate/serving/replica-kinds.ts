import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import type { ReplicaSettings } from "./serving-input.ts";

export interface ReplicaKinds {
  /** Replicas with one number cost the same, and take and refuse the same requests. */
  readonly kinds: Int32Array;
  readonly kindCount: number;
  /** A replica of each kind. */
  readonly ofKind: Int32Array;
}

/** Groups replicas that serve alike: one price and role, as many blocks, the same limits and encoder. */
export function replicaKinds(replicas: readonly ServingReplica[], settings: readonly ReplicaSettings[]): ReplicaKinds {
  const costs = new Map<IterationCost, number>();
  const known = new Map<string, number>();
  const kinds = Int32Array.from(replicas, ({ pool, rules, encoder }, i) => {
    const { cost, role } = settings[i]!;
    const costNumber = numberOf(costs, cost);
    const { chunkedPrefill, maxBatchedTokens, maxSequences, prefixCaching } = rules;
    return numberOf(
      known,
      [
        costNumber,
        role,
        pool.capacity,
        chunkedPrefill,
        maxBatchedTokens,
        maxSequences,
        prefixCaching,
        encoder?.capacity,
        encoder?.batchTokens,
      ].join("/"),
    );
  });
  const ofKind = new Int32Array(known.size);
  for (let i = 0; i < kinds.length; i++) ofKind[kinds[i]!] = i;
  return { kinds, kindCount: known.size, ofKind };
}

function numberOf<K>(known: Map<K, number>, key: K): number {
  const number = known.get(key) ?? known.size;
  known.set(key, number);
  return number;
}
