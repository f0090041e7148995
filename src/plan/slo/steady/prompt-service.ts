import { type BatchShape, emptyBatch } from "../../../cost/iteration/iteration-cost.ts";
import type { ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import type { WorkloadProfile } from "../workload-profile.ts";
import { encodedHere, encodeNs, notFound } from "./encode-service.ts";
import type { Service } from "./queue.ts";

const shape: BatchShape = emptyBatch();

/** Times of prompts beside decodes. */
export interface PromptTimes {
  readonly service: Service;
  /** Of a mean prompt with nobody beside it but the decodes. Units: ns. */
  readonly aloneNs: number;
  /** Iterations it is cut into, and prompts that share one at most. */
  readonly chunks: number;
  readonly together: number;
  /** What an average prompt adds to the time between decodes where so many come together, from 1 to `together`. Units: ns. */
  readonly extraNs: (gathered: number) => number;
  /** What binds where prompts come faster than this: encoding, where their images take most of it. */
  readonly limit: "prefill" | "encode";
}

/** Sequences that decode meanwhile, with the sum of their contexts. */
export interface Beside {
  readonly decodes: number;
  readonly context: number;
}

export interface PromptInput {
  readonly workload: WorkloadProfile;
  /** Of prompt tokens found cached; ratio. */
  readonly cachedShare: number;
  readonly beside: Beside;
}

const NOTHING_BESIDE: Beside = { decodes: 0, context: 0 };

/**
 * Time of prompts in chunks of `maxBatchedTokens`, beside decodes.
 *
 * Model: prompts shorter than a chunk share iterations when they queue, so what each takes of the server is its share of a full iteration; alone a prompt
 * takes its own iterations. Engines that run prompts in iterations of their own (`promptsApart`) let decodes wait for all of it. What its images take to encode comes before. Moments come from the mean and mean square of the lengths, as time grows nearly linearly with the tokens of a chunk.
 */
export function promptTimes(
  replica: ReplicaModel,
  design: ReplicaDesign,
  { workload, cachedShare, beside: decoding }: PromptInput,
): PromptTimes {
  const { cost, promptsApart = false } = replica;
  const beside = promptsApart ? NOTHING_BESIDE : decoding;
  const { prompt } = workload;
  const images = encodedHere(design, workload);
  const encoding = (prompts: number): number =>
    images === undefined ? 0 : encodeNs(cost, images, prompts * notFound(images, images.mean));
  const chunk = chunkOf(design, beside);
  const mean = prompt.mean * (1 - cachedShare);
  const cached = prompt.mean - mean;
  const aloneNs = chunkedNs(cost, { tokens: mean, cached, chunk, beside }) + encoding(1);
  const chunks = Math.max(1, Math.ceil(mean / chunk));
  // As many whole prompts as fit an iteration share it.
  const together = Math.max(1, Math.floor(chunk / Math.max(1, mean)));
  const withoutNs = promptsApart ? 0 : chunks * iterationNs(cost, beside, 0, 0);
  const extraNs = (gathered: number): number => {
    const ns = gathered === 1 ? aloneNs : iterationNs(cost, beside, mean * gathered, cached, gathered) + encoding(gathered);
    return Math.max(0, ns - withoutNs) / gathered;
  };
  const sharedNs =
    together === 1 ? aloneNs : (iterationNs(cost, beside, mean * together, cached, together) + encoding(together)) / together;
  const spread = prompt.mean === 0 ? 1 : prompt.meanSquare / (prompt.mean * prompt.mean);
  return {
    limit: 2 * encoding(together) > sharedNs * together ? "encode" : "prefill",
    service: { meanNs: sharedNs, meanSquareNs: sharedNs * sharedNs * spread },
    aloneNs,
    chunks,
    together,
    extraNs,
  };
}

/** Time of a prompt of the percentile's length, alone in the queue. Units: ns. */
export function slowPromptNs(
  { cost, promptsApart = false }: ReplicaModel,
  design: ReplicaDesign,
  { workload, cachedShare, beside: decoding, percentile }: PromptInput & { readonly percentile: number },
): number {
  const beside = promptsApart ? NOTHING_BESIDE : decoding;
  const tokens = workload.prompt.quantile(percentile);
  const images = encodedHere(design, workload);
  const encoding = images === undefined ? 0 : encodeNs(cost, images, notFound(images, images.quantile(percentile)));
  return (
    encoding + chunkedNs(cost, { tokens: tokens * (1 - cachedShare), cached: tokens * cachedShare, chunk: chunkOf(design, beside), beside })
  );
}

/** New tokens that fit an iteration beside the decodes. */
function chunkOf({ engine, parallel }: ReplicaDesign, { decodes }: Beside): number {
  return Math.max(1, engine.maxBatchedTokens * parallel.data - decodes);
}

function chunkedNs(
  cost: ReplicaModel["cost"],
  given: { readonly tokens: number; readonly cached: number; readonly chunk: number; readonly beside: Beside },
): number {
  const { tokens, cached, chunk, beside } = given;
  let ns = 0;
  for (let done = 0; done < tokens; done += chunk) ns += iterationNs(cost, beside, Math.min(chunk, tokens - done), cached + done);
  return ns;
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
