import { HeddleError } from "../../base/heddle-error.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import type { CollectiveKind, OperatorQuery } from "../operator/operator-query.ts";

/** What a training step is priced with: operators of the device, its network, and how many devices a node has. */
export interface TrainingCosts {
  readonly operators: OperatorModel;
  readonly network: OperatorModel;
  readonly perNode: number;
}

/** Time of an operator. Errors: `figure-missing` with what the model needs. Units: ns. */
export function operatorNs(model: OperatorModel, query: OperatorQuery): number {
  const priced = model.price(query);
  if (priced.ok) return priced.value.ns;
  throw new HeddleError("figure-missing", { where: model.source, detail: priced.error.missing });
}

/** Time of a collective over `ranks` that stand `stride` devices apart (1: neighbours). Units: ns. */
export function collectiveNs(costs: TrainingCosts, kind: CollectiveKind, bytes: number, ranks: number, stride: number): number {
  if (ranks === 1 || bytes === 0) return 0;
  const ranksPerNode = largestDivisor(ranks, Math.max(1, Math.floor(costs.perNode / stride)));
  return operatorNs(costs.network, { op: "collective", kind, bytes, ranks, ranksPerNode });
}

/** Largest divisor of `count` that is at most `limit`. */
function largestDivisor(count: number, limit: number): number {
  for (let divisor = Math.min(count, limit); divisor > 1; divisor--) if (count % divisor === 0) return divisor;
  return 1;
}
