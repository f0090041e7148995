import type { EngineWriter } from "./engine-arguments.ts";
import { sglangArguments } from "./sglang.ts";
import { trtllmArguments } from "./trtllm.ts";
import { vllmArguments } from "./vllm.ts";

/** Engines that other people write, with what launches them. */
export type EmitEngine = "vllm" | "sglang" | "trtllm";

export const ENGINE_WRITERS: Readonly<Record<EmitEngine, EngineWriter>> = {
  vllm: vllmArguments,
  sglang: sglangArguments,
  trtllm: trtllmArguments,
};

/** The engine of a name in a deployment; heddle's own is launched by `heddle up`, not by a manifest. */
export function emitEngine(name: string): EmitEngine | undefined {
  return name === "vllm" || name === "sglang" || name === "trtllm" ? name : undefined;
}
