import { assert } from "../../base/assert.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import { sequenceBytes } from "../../cost/iteration/kv-bytes.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "../serving/serving-input.ts";
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
  /** Factor on every iteration of each pool: the systematic error of its prices. */
  readonly poolFactors?: readonly number[];
  /** Time between samples of queues and KV. Units: ns. */
  readonly sampleNs?: number;
  readonly stepping?: ServingInput["stepping"];
}

/** What the serving simulation is given: every replica of every pool, in the order of the pools. */
export function servingInputOf({ deployment, architecture, pools, requests }: DeploymentRun, options: RunOptions): ServingInput {
  const { kvTransfer } = deployment;
  return {
    requests,
    replicas: pools.flatMap(({ pool, settings }) => Array.from({ length: pool.replicas }, (): ReplicaSettings => settings)),
    routing: deployment.routing,
    seed: options.seed,
    stepping: options.stepping ?? "leap",
    ...(options.poolFactors === undefined ? {} : { poolFactors: options.poolFactors }),
    ...(options.sampleNs === undefined ? {} : { sampleNs: options.sampleNs }),
    ...(kvTransfer === undefined ? {} : { kvTransfer: { ...kvTransfer, ...kvOf(architecture, pools) } }),
  };
}

/** KV of a token over all layers, in the format of the pool that computes it, and the layers it comes from. */
function kvOf(architecture: SequenceModel, pools: readonly PricedPool[]): { readonly bytesPerToken: number; readonly layers: number } {
  const prefill = pools.find(({ pool }) => pool.role === "prefill");
  const model = decoderBlocks(architecture);
  assert(prefill !== undefined && model.ok, "a transfer comes from a priced prefill pool");
  return { bytesPerToken: sequenceBytes(model.value, ONE_DEVICE, prefill.pool.precision).perToken, layers: model.value.layers };
}
