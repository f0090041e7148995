import { assert } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import { encoderModel } from "../../cost/iteration/encoder/encoder-model.ts";
import { sequenceBytes } from "../../cost/iteration/kv-bytes.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { IterationListener, ReplicaSettings, RequestColumns, ServingInput } from "../serving/serving-input.ts";
import { kvWays } from "./kv-ways.ts";
import type { PricedPool } from "./price-pool.ts";

/** A deployment that is ready to run. */
export interface DeploymentRun {
  readonly deployment: Deployment;
  readonly architecture: SequenceModel;
  /** In the order of the deployment's pools. */
  readonly pools: readonly PricedPool[];
  readonly requests: RequestColumns;
}

export interface RunOptions {
  readonly seed: number;
  /** Of the losses of replicas; absent: `seed`. */
  readonly outageSeed?: number;
  /** Factor on every iteration of each pool: the systematic error of its prices. */
  readonly poolFactors?: readonly number[];
  /** Time between samples of queues and KV. Units: ns. */
  readonly sampleNs?: number;
  readonly stepping?: ServingInput["stepping"];
  readonly onIteration?: IterationListener;
}

/**
 * What the serving simulation is given: every replica of every pool, in the order of the pools.
 *
 * Errors: `workload-invalid` where a request is longer than a pool's `maxModelTokens`: an engine would answer it with an error.
 */
export function servingInputOf({ deployment, architecture, pools, requests }: DeploymentRun, options: RunOptions): ServingInput {
  checkLengths(pools, requests);
  const { kvTransfer } = deployment;
  const ways = kvTransfer && kvWays(pools, kvTransfer.bandwidthBytesPerSecond);
  const split = deployment.pools.some(({ role }) => role === "prefill");
  const scaling = deployment.pools.map((pool) => pool.scaling && { ...pool.scaling, initial: pool.scaling.initial ?? pool.scaling.least });
  const scaled = scaling.find((rules) => rules !== undefined);
  return {
    requests,
    replicas: pools.flatMap(({ pool, settings }) => Array.from({ length: pool.replicas }, (): ReplicaSettings => settings)),
    routing: deployment.routing,
    seed: options.seed,
    stepping: options.stepping ?? "leap",
    ...(options.poolFactors === undefined ? {} : { poolFactors: options.poolFactors }),
    ...(options.onIteration === undefined ? {} : { onIteration: options.onIteration }),
    ...(options.outageSeed === undefined ? {} : { outageSeed: options.outageSeed }),
    ...(scaled === undefined ? {} : split ? { scalingOfPools: scaling } : { scaling: scaled }),
    ...(options.sampleNs === undefined ? {} : { sampleNs: options.sampleNs }),
    ...(kvTransfer === undefined ? {} : { kvTransfer: { ...kvTransfer, ...kvOf(architecture, pools), ...(ways && { ways }) } }),
  };
}

/** What is made of images is handed on in 16 bits. */
export const IMAGE_ELEMENT_BYTES = 2;

function checkLengths(pools: readonly PricedPool[], { count, promptTokens, outputTokens }: RequestColumns): void {
  const limits = pools.flatMap(({ pool }) => pool.engine.maxModelTokens ?? []);
  if (limits.length === 0) return;
  const most = Math.min(...limits);
  let longer = 0;
  for (let i = 0; i < count; i++) if (promptTokens[i]! + outputTokens[i]! > most) longer += 1;
  if (longer === 0) return;
  throw new HeddleError("workload-invalid", {
    where: "engine.maxModelTokens",
    detail: `${longer} of ${count} requests are longer than ${most} tokens; leave them out of the workload, or raise the limit`,
  });
}

/** KV of a token over all layers, in the format of the pool that computes it, the layers it comes from, and what encode pools make of a token of an image. */
function kvOf(
  architecture: SequenceModel,
  pools: readonly PricedPool[],
): { readonly bytesPerToken: number; readonly layers: number; readonly imageBytesPerToken?: number } {
  const prefill = pools.find(({ pool }) => pool.role === "prefill" || pool.role === "both");
  const model = decoderBlocks(architecture);
  assert(prefill !== undefined && model.ok, "a transfer comes from a priced prefill pool");
  const { perToken } = sequenceBytes(model.value, ONE_DEVICE, prefill.pool.precision);
  const kv = { bytesPerToken: perToken, layers: model.value.layers };
  if (pools.every(({ pool }) => pool.role !== "encode")) return kv;
  const encoder = encoderModel(architecture);
  assert(encoder.ok, "a pool that encodes was priced");
  return { ...kv, imageBytesPerToken: encoder.value.tokenElements * IMAGE_ELEMENT_BYTES };
}
