import type { Pool } from "../../deployment/deployment.ts";
import { LORA_MODULES } from "../../deployment/lora.ts";
import type { Inexpressible } from "../emit-types.ts";
import { inexpressible } from "./engine-arguments.ts";

/** Arguments for adapters (LoRA), and what the engine has no word for. The adapters themselves are not part of a deployment. */
export interface LoraArguments {
  readonly args: readonly string[];
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
}

const NOTHING: LoraArguments = { args: [], missing: [], notes: [] };
const VLLM_TYPES: Readonly<Record<string, string>> = { bf16: "bfloat16", f16: "float16" };

/** Source: `LoRAConfig` of vllm/config/lora.py, vLLM 0.33.0. */
export function vllmLora({ name, lora }: Pool): LoraArguments {
  if (lora === undefined) return NOTHING;
  const { maxLoras, maxRank, cpuLoras, modules, format, fullySharded, overlapLoading } = lora;
  const type = VLLM_TYPES[format];
  return {
    args: [
      ...["--enable-lora", "--max-loras", String(maxLoras), "--max-lora-rank", String(maxRank)],
      ...(cpuLoras === undefined ? [] : ["--max-cpu-loras", String(cpuLoras)]),
      ...(type === undefined ? [] : ["--lora-dtype", type]),
      ...(LORA_MODULES.every((each) => modules.includes(each)) ? [] : ["--lora-target-modules", ...modules.map(projection)]),
      ...(fullySharded ? ["--fully-sharded-loras"] : []),
    ],
    missing: [
      ...(type === undefined ? [inexpressible(name, "lora.format", `vllm keeps no adapters in ${format}`)] : []),
      ...(cpuLoras === undefined
        ? [inexpressible(name, "lora.cpuLoras", "vllm keeps as many adapters as have slots unless told how many")]
        : []),
      ...(overlapLoading ? [inexpressible(name, "lora.overlapLoading", "a setting of sglang that vllm has not")] : []),
    ],
    notes: [`${name}: which adapters there are (--lora-modules) is not part of a deployment`],
  };
}

/** Source: sglang/srt/arg_groups/ of SGLang 0.5.23; its adapters have the type of the activations. */
export function sglangLora({ name, lora }: Pool): LoraArguments {
  if (lora === undefined) return NOTHING;
  const { maxLoras, maxRank, cpuLoras, modules, format, fullySharded, overlapLoading } = lora;
  return {
    args: [
      ...["--enable-lora", "--max-loras-per-batch", String(maxLoras), "--max-lora-rank", String(maxRank)],
      ...(cpuLoras === undefined ? [] : ["--max-loaded-loras", String(cpuLoras)]),
      ...["--lora-target-modules", ...modules.map(projection)],
      ...(overlapLoading ? ["--enable-lora-overlap-loading"] : []),
    ],
    missing: [
      ...(format === "bf16"
        ? []
        : [inexpressible(name, "lora.format", `sglang keeps adapters in the type of activations, not in ${format}`)]),
      ...(fullySharded ? [inexpressible(name, "lora.fullySharded", "sglang shares one half of an adapter over tensor ranks")] : []),
    ],
    notes: [`${name}: which adapters there are (--lora-paths) is not part of a deployment`],
  };
}

export function trtllmLoraMissing({ name, lora }: Pool): readonly Inexpressible[] {
  return lora === undefined ? [] : [inexpressible(name, "lora", "trtllm's lora_config and its cache of adapters are not written")];
}

function projection(module: string): string {
  return module === "kv_a" ? "kv_a_proj_with_mqa" : `${module}_proj`;
}
