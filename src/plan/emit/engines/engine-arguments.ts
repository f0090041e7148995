import type { Deployment, Pool } from "../../deployment/deployment.ts";
import type { EmitOptions, EmittedFile, Inexpressible } from "../emit-types.ts";

/** Arguments of an engine for one pool. `follower`: those of the second and later machines of a replica; `$(NODE_RANK)` and `$(MASTER)` are set at launch. */
export interface EngineArguments {
  /** Program and what comes before the options, such as `vllm serve <model>`. */
  readonly program: readonly string[];
  /** Arguments without dashes at the end of `program` that the option list knows nothing of. */
  readonly positional: number;
  readonly args: readonly string[];
  readonly follower?: readonly string[];
  /** Variables of the environment that the engine reads; `own-address` stands for the address at which others reach the process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly files: readonly EmittedFile[];
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
}

/** Value of a variable that holds the address of the machine or pod itself. */
export const OWN_ADDRESS = "own-address";

export interface EngineContext {
  readonly deployment: Deployment;
  readonly options: EmitOptions;
  readonly port: string;
  /** How replicas that encode images and those that compute prompts find one another; absent: nothing is written that tells them. */
  readonly encoders?: EncoderWays;
}

/** By addresses, over a path that all share, by what llm-d's side-car hands on, or by Dynamo's own discovery. */
export type EncoderWays =
  | { readonly by: "address"; readonly urls: readonly string[] }
  | { readonly by: "path"; readonly path: string }
  | { readonly by: "nixl" }
  | { readonly by: "dynamo" };

export type EngineWriter = (pool: Pool, context: EngineContext) => EngineArguments;

/** Devices of one replica. */
export function replicaDevices({ parallel }: Pool): number {
  return parallel.tensor * parallel.pipeline * parallel.data * parallel.context;
}

/** Machines of one replica, or why that is not known. */
export function replicaNodes(
  pool: Pool,
  { options }: EngineContext,
): { readonly nodes: number; readonly missing: readonly Inexpressible[] } {
  const devices = replicaDevices(pool);
  const { devicesPerNode } = options;
  if (devices === 1) return { nodes: 1, missing: [] };
  if (devicesPerNode === undefined)
    return { nodes: 1, missing: [inexpressible(pool.name, "device", "how many devices a machine has is not known")] };
  if (devices <= devicesPerNode) return { nodes: 1, missing: [] };
  if (devices % devicesPerNode === 0) return { nodes: devices / devicesPerNode, missing: [] };
  const detail = `${devices} devices a replica do not fill machines of ${devicesPerNode}`;
  return { nodes: 1, missing: [inexpressible(pool.name, "parallel", detail)] };
}

export function inexpressible(where: string, field: string, detail: string): Inexpressible {
  return { code: "emit-inexpressible", where, field, detail };
}

/** Name of what is loaded. */
export function checkpointName({ deployment, options }: EngineContext): string {
  return options.checkpoint?.name ?? deployment.model;
}

/** Whether a pool takes part in prefill/decode disaggregation; other split roles are no engine's. */
export function splitRole(
  pool: Pool,
  engine: string,
): { readonly role: "prefill" | "decode" | undefined; readonly missing: readonly Inexpressible[] } {
  if (pool.ffn !== undefined)
    return {
      role: undefined,
      missing: [inexpressible(pool.name, "ffn", `${engine} has no attention and feed-forwards apart in one launch command`)],
    };
  if (pool.role === "both" || pool.role === "encode") return { role: undefined, missing: [] };
  if (pool.role === "prefill" || pool.role === "decode") return { role: pool.role, missing: [] };
  return { role: undefined, missing: [inexpressible(pool.name, "role", `${engine} has no role "${pool.role}" in one launch command`)] };
}

/** Why the weights cannot be given their type by an argument, where they cannot; `convertible` maps types to the engine's word. */
export function weightArguments(
  pool: Pool,
  { options }: EngineContext,
  { engine, flags }: { readonly engine: string; readonly flags: Readonly<Partial<Record<string, readonly string[]>>> },
): { readonly args: readonly string[]; readonly missing: readonly Inexpressible[] } {
  const { weights, experts } = pool.precision;
  const stored = options.checkpoint;
  const missing: Inexpressible[] = [];
  if (experts !== undefined && experts !== weights && stored?.experts !== experts) {
    missing.push(
      inexpressible(pool.name, "precision.experts", `${engine} takes experts in ${experts} from a checkpoint that stores them so`),
    );
  }
  if (stored?.weights === weights) return { args: [], missing };
  const args = flags[weights];
  if (args !== undefined) return { args, missing };
  const detail = `${engine} takes weights in ${weights} from a checkpoint that stores them so`;
  return { args: [], missing: [...missing, inexpressible(pool.name, "precision.weights", detail)] };
}

/** How KV goes from prefill to decode. */
export function transferMissing(pool: Pool, { deployment }: EngineContext, engine: string): readonly Inexpressible[] {
  if (deployment.kvTransfer === undefined) return [inexpressible(pool.name, "kvTransfer", "split roles need it")];
  if (!deployment.kvTransfer.layerwise) return [];
  return [inexpressible(pool.name, "kvTransfer.layerwise", `${engine} hands KV over after prefill, not layer by layer`)];
}
