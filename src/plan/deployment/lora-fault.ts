import type { Pool } from "./deployment.ts";
import type { DeploymentFault } from "./deployment-fault.ts";

/** The first relation that does not hold in a pool's adapters; undefined where there is none. */
export function loraFault({ lora, engine, parallel }: Pool): DeploymentFault | undefined {
  if (lora === undefined) return undefined;
  const fault = (field: string, message: string): DeploymentFault => ({ path: ["lora", ...(field === "" ? [] : [field])], message });
  if (engine.name !== "vllm" && engine.name !== "sglang") {
    return fault("", `adapters are simulated on vllm and sglang; ${engine.name} serves them by rules of its own, or not at all`);
  }
  if (parallel.data > 1) return fault("", "adapters with parallel.data above 1 are not simulated: each rank has slots of its own");
  if (parallel.context > 1) return fault("", "adapters with parallel.context above 1 are not simulated");
  const { maxLoras, cpuLoras, modules, fullySharded, overlapLoading, diskBytesPerSecond } = lora;
  if (cpuLoras !== undefined && cpuLoras < maxLoras)
    return fault("cpuLoras", `is ${cpuLoras}; the host holds at least the ${maxLoras} in slots`);
  if (new Set(modules).size !== modules.length) return fault("modules", "name one twice");
  if (cpuLoras === undefined && diskBytesPerSecond !== undefined)
    return fault("diskBytesPerSecond", "says nothing without cpuLoras: all adapters are in the host's memory from the beginning");
  if (overlapLoading && engine.name !== "sglang") return fault("overlapLoading", `is a setting of sglang; the engine is ${engine.name}`);
  if (!fullySharded) return undefined;
  if (engine.name !== "vllm") return fault("fullySharded", `is a setting of vllm; the engine is ${engine.name}`);
  return parallel.tensor === 1 ? fault("fullySharded", "says nothing with parallel.tensor 1") : undefined;
}
