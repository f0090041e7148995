import type { Deployment, Pool } from "./deployment.ts";
import type { DeploymentFault } from "./deployment-fault.ts";
import { encoderFault } from "./encoder-fault.ts";
import { heldPromptsFault } from "./held-prompts.ts";
import { loraFault } from "./lora-fault.ts";

/** The first relation that does not hold; undefined where all do. */
export function checkDeployment(deployment: Deployment): DeploymentFault | undefined {
  const { pools } = deployment;
  const roles = new Set(pools.map((pool) => pool.role));
  return routingFault(deployment) ?? poolsFault(pools) ?? rolesFault(roles) ?? kvTransferFault(deployment, roles);
}

function routingFault({ routing, pools }: Deployment): DeploymentFault | undefined {
  if (routing !== "adapter-affinity" || pools.some(({ lora }) => lora !== undefined)) return undefined;
  return { path: ["routing"], message: "adapter-affinity says nothing where no pool serves adapters (lora)" };
}

/** Each pool by itself, and names that are taken. */
function poolsFault(pools: readonly Pool[]): DeploymentFault | undefined {
  const names = new Set<string>();
  for (const [i, pool] of pools.entries()) {
    if (names.has(pool.name)) return { path: ["pools", i, "name"], message: `${pool.name} is the name of another pool` };
    names.add(pool.name);
    const fault =
      poolFault(pool) ??
      ffnFault(pool) ??
      heldPromptsFault(pool) ??
      loraFault(pool) ??
      encoderFault(pool, { pools }) ??
      scalingFault(pool, pools);
    if (fault !== undefined) return { path: ["pools", i, ...fault.path], message: fault.message };
  }
  return undefined;
}

type Roles = ReadonlySet<Pool["role"]>;

/** Roles that need one another, or do not go together. */
function rolesFault(roles: Roles): DeploymentFault | undefined {
  const fault = (message: string): DeploymentFault => ({ path: ["pools"], message });
  if (roles.has("prefill") !== roles.has("decode")) {
    const [there, missing] = roles.has("prefill") ? ["prefill", "decode"] : ["decode", "prefill"];
    return fault(`a pool of role ${there} needs one of role ${missing}`);
  }
  if (roles.has("prefill") && roles.has("both"))
    return fault("pools of role both and of role prefill stand beside each other; no router here divides requests between them");
  if (roles.has("encode") && !roles.has("prefill") && !roles.has("both"))
    return fault("a pool of role encode needs one that computes prompts: of role both or prefill");
  return undefined;
}

/** What goes between pools needs a link, and a link something that goes over it. */
function kvTransferFault({ kvTransfer, fabric }: Deployment, roles: Roles): DeploymentFault | undefined {
  const fault = (message: string): DeploymentFault => ({ path: ["kvTransfer"], message });
  if (kvTransfer === undefined) {
    if (roles.has("encode"))
      return fault("is missing: what encode pools make of images goes to other pools, so its bandwidth and latency matter");
    return roles.has("prefill")
      ? fault("is missing: KV goes from prefill to decode pools, so its bandwidth and latency matter")
      : undefined;
  }
  if (kvTransfer.bandwidthBytesPerSecond === undefined && fabric === undefined)
    return { path: ["kvTransfer", "bandwidthBytesPerSecond"], message: "is missing: without a fabric KV goes over a link of each replica" };
  const isUsed = roles.has("prefill") || roles.has("encode");
  return isUsed ? undefined : fault("says nothing without pools of role prefill and decode, or encode");
}

/** Feed-forwards on devices of their own where that is not simulated. */
function ffnFault({ ffn, role, lora }: Pool): DeploymentFault | undefined {
  if (ffn === undefined) return undefined;
  const fault = (message: string): DeploymentFault => ({ path: ["ffn"], message });
  if (role === "prefill") return fault("is not simulated in a prefill pool: micro-batches take turns where sequences decode");
  if (lora !== undefined) return fault("is not simulated with adapters (lora): their products are on both sides");
  return undefined;
}

function poolFault({ parallel, engine, role, speculation }: Pool): DeploymentFault | undefined {
  const { tensor, data, expert } = parallel;
  if (role === "attention" || role === "ffn") {
    const instead = "attention and feed-forwards on devices of their own are one pool with `ffn`";
    return { path: ["role"], message: `${role} pools are not simulated; both, prefill, decode and encode are; ${instead}` };
  }
  if (role === "prefill" && speculation !== undefined) {
    return { path: ["speculation"], message: "says nothing of a prefill pool: draft tokens belong to decode steps" };
  }
  if ((tensor * data) % expert !== 0) {
    return { path: ["parallel", "expert"], message: `is ${expert}; it divides tensor x data = ${tensor * data}` };
  }
  if (!engine.chunkedPrefill && engine.maxModelTokens !== undefined && engine.maxBatchedTokens < engine.maxModelTokens) {
    return {
      path: ["engine", "maxBatchedTokens"],
      message: `is ${engine.maxBatchedTokens}; without chunked prefill a prompt of ${engine.maxModelTokens} tokens never fits one iteration`,
    };
  }
  return undefined;
}

/** Of pools that grow and shrink: what the simulation refuses, and figures that contradict one another. */
function scalingFault({ role, replicas, scaling }: Pool, pools: readonly Pool[]): DeploymentFault | undefined {
  if (scaling === undefined) return undefined;
  const { least, initial = scaling.least, orderAbove, drainBelow } = scaling;
  if (pools.filter((pool) => pool.role === role).length > 1)
    return { path: ["scaling"], message: `is simulated for one pool of role ${role}: the load of several is one to a router` };
  if (least > replicas) return { path: ["scaling", "least"], message: `is ${least}; replicas = ${replicas} is the most there may be` };
  if (initial < least || initial > replicas) {
    return { path: ["scaling", "initial"], message: `is ${initial}; it lies from least = ${least} to replicas = ${replicas}` };
  }
  if (drainBelow >= orderAbove)
    return { path: ["scaling", "drainBelow"], message: `is ${drainBelow}; it lies below orderAbove = ${orderAbove}` };
  return undefined;
}
