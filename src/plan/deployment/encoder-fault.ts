import type { Deployment, Pool } from "./deployment.ts";
import type { DeploymentFault } from "./deployment-fault.ts";
import { engineDefaults } from "./engine-defaults.ts";

/** The first relation that does not hold in how a pool encodes images; undefined where there is none. */
export function encoderFault(pool: Pool, { pools }: Pick<Deployment, "pools">): DeploymentFault | undefined {
  const { encoder, engine, parallel, role } = pool;
  const apart = pools.find((one) => one.role === "encode");
  if (apart !== undefined && (pool.scaling !== undefined || pool.outages !== undefined))
    return {
      path: [pool.scaling === undefined ? "outages" : "scaling"],
      message: `is not simulated beside a pool of role encode (${apart.name}): what becomes of images on their way is not known`,
    };
  if (encoder === undefined) return undefined;
  const fault = (field: string, message: string): DeploymentFault => ({ path: ["encoder", ...(field === "" ? [] : [field])], message });
  if (engine.name !== "vllm" && engine.name !== "sglang")
    return fault("", `encoders are simulated on vllm and sglang; ${engine.name} encodes by rules of its own, or not at all`);
  if (role === "decode") return fault("", "says nothing of a decode pool, which gets KV in place of prompts");
  if (role !== "encode" && apart !== undefined)
    return fault("", `stands beside a pool of role encode (${apart.name}), which encodes all images`);
  if (parallel.context > 1) return fault("", "with parallel.context above 1 is not simulated");
  if (encoder.parallel === "data" && parallel.tensor === 1) return fault("parallel", "data says nothing with parallel.tensor 1");
  if (encoder.batchTokens !== undefined && engine.name === "sglang")
    return fault("batchTokens", "is a setting of vllm; the engine is sglang");
  return role === "encode" ? encodePoolFault(pool) : undefined;
}

/** What says nothing of a pool that encodes and does nothing else. */
function encodePoolFault(pool: Pool): DeploymentFault | undefined {
  const { parallel, precision, engine, speculation, lora, offload, ffn } = pool;
  const nothing = (...path: string[]): DeploymentFault => ({ path, message: "says nothing of a pool of role encode" });
  for (const axis of ["pipeline", "data", "expert"] as const) if (parallel[axis] > 1) return nothing("parallel", axis);
  for (const part of ["weights", "kv"] as const)
    if (precision[part] !== "bf16")
      return { path: ["precision", part], message: "of a pool of role encode is bf16: engines keep encoders in 16 bits" };
  if (precision.experts !== undefined) return nothing("precision", "experts");
  if ((pool.startUpNs ?? 0) > 0) return nothing("startUpNs");
  for (const field of ["kvBlocks", "maxModelTokens", "schedulerRecvInterval"] as const)
    if (engine[field] !== undefined) return nothing("engine", field);
  // Filled in where nobody gave it.
  if (engine.blockTokens !== engineDefaults({ name: engine.name, sheet: undefined, data: 1 }).blockTokens)
    return nothing("engine", "blockTokens");
  for (const field of ["prefixCaching", "chunkedPrefill"] as const) if (!engine[field]) return nothing("engine", field);
  for (const [name, part] of Object.entries({ speculation, lora, offload, ffn })) if (part !== undefined) return nothing(name);
  return undefined;
}
