/** Products of a layer that an adapter changes, as PEFT's `target_modules` less `_proj`. */
export const LORA_MODULES = ["q", "k", "v", "o", "gate", "up", "down"] as const;
/** Those of latent attention: to the latent vectors, and from them to the heads (PEFT's `kv_a_proj_with_mqa`, less what follows `kv_a`). */
export const LATENT_MODULES = ["q_a", "kv_a", "q_b", "kv_b"] as const;
export type LoraModule = (typeof LORA_MODULES)[number] | (typeof LATENT_MODULES)[number];

/** Adapters (LoRA) that a pool's replicas serve beside the model. */
export interface LoraSettings {
  /** Distinct adapters of an iteration at most, each with a slot on the devices (vLLM `--max-loras`, SGLang `--max-loras-per-batch`). */
  readonly maxLoras: number;
  /** Largest rank (`--max-lora-rank`): slots have room for it. */
  readonly maxRank: number;
  /** Adapters in the host's memory, those in slots included (`--max-cpu-loras`, `--max-loaded-loras`); absent: all, from the beginning. */
  readonly cpuLoras?: number;
  readonly modules: readonly LoraModule[];
  /** Of the weights in slots, host and files. */
  readonly format: "bf16" | "f16" | "f32";
  /** Both products of an adapter are shared by tensor ranks (vLLM `--fully-sharded-loras`), not one of the two. */
  readonly fullySharded: boolean;
  /** Loads go on beside iterations (SGLang `--enable-lora-overlap-loading`); else the iteration that needs one waits. */
  readonly overlapLoading: boolean;
  /** From host to device; absent: the device's sheet. From disk to host; absent with `cpuLoras`. */
  readonly hostBytesPerSecond?: number;
  readonly diskBytesPerSecond?: number;
}
