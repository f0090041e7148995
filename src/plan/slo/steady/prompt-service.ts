import { type BatchShape, emptyBatch } from "../../../cost/iteration/iteration-cost.ts";
import type { ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import type { WorkloadProfile } from "../workload-profile.ts";
import type { Service } from "./queue.ts";

const shape: BatchShape = emptyBatch();

/** Time that a batch of decodes takes, and prompts beside it. */
export interface PromptTimes {
  readonly service: Service;
  /** Of a prompt at the percentile alone in the queue. Units: ns. */
  readonly slowNs: number;
  /** What an average prompt adds to the iterations it is in. Units: ns. */
  readonly extraNs: number;
  /** Iterations that an average prompt is in. */
  readonly chunks: number;
}

/** Sequences that decode meanwhile, with the sum of their contexts. */
export interface Beside {
  readonly decodes: number;
  readonly context: number;
}

/**
 * Time of prompts in chunks of `maxBatchedTokens`, beside decodes.
 *
 * Model: prompts shorter than a chunk share iterations when they queue, so what each takes of the server is its share of a full iteration; alone a prompt
 * takes its own iterations. Moments come from the mean and mean square of the lengths, as time grows nearly linearly with the tokens of a chunk.
 */
export function promptTimes(
  { cost }: ReplicaModel,
  { engine, parallel }: ReplicaDesign,
  given: { readonly workload: WorkloadProfile; readonly cachedShare: number; readonly percentile: number; readonly beside: Beside },
): PromptTimes {
  const { workload, cachedShare, percentile, beside } = given;
  const chunk = Math.max(1, engine.maxBatchedTokens * parallel.data - beside.decodes);
  const decodeNs = iterationNs(cost, beside, 0, 0);
  const fresh = 1 - cachedShare;
  const { prompt } = workload;
  const mean = prompt.mean * fresh;
  const timeOf = (tokens: number, cached: number): number => {
    let ns = 0;
    for (let done = 0; done < tokens; done += chunk) ns += iterationNs(cost, beside, Math.min(chunk, tokens - done), cached + done);
    return ns;
  };
  const aloneNs = timeOf(mean, prompt.mean - mean);
  const chunks = Math.max(1, Math.ceil(mean / chunk));
  // As many whole prompts as fit an iteration share it.
  const together = Math.max(1, Math.floor(chunk / Math.max(1, mean)));
  const sharedNs = together === 1 ? aloneNs : iterationNs(cost, beside, mean * together, prompt.mean - mean, together) / together;
  const spread = prompt.mean === 0 ? 1 : prompt.meanSquare / (prompt.mean * prompt.mean);
  return {
    service: { meanNs: sharedNs, meanSquareNs: sharedNs * sharedNs * spread },
    slowNs: timeOf(prompt.quantile(percentile) * fresh, prompt.quantile(percentile) * cachedShare),
    extraNs: Math.max(0, aloneNs - chunks * decodeNs),
    chunks,
  };
}

/** One iteration with `tokens` new tokens of `prompts` prompts beside decodes. Units: ns. */
export function iterationNs(cost: ReplicaModel["cost"], beside: Beside, tokens: number, cached: number, prompts = 1): number {
  shape.prefills = tokens > 0 ? prompts : 0;
  shape.prefillTokens = tokens;
  shape.prefillContext = tokens * cached;
  shape.prefillSquares = tokens > 0 ? (tokens * tokens) / prompts : 0;
  shape.decodes = beside.decodes;
  shape.decodeContext = beside.context;
  shape.decodeContextMax = beside.decodes > 0 ? (2 * beside.context) / beside.decodes : 0;
  return cost.iterationNs(shape);
}
