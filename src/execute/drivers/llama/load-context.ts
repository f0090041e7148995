import type { LlamaContext } from "node-llama-cpp";
import type { LlamaPackage } from "./llama-package.ts";

/** Tokens llama.cpp computes at once: a larger step is cut by the library. */
const BATCH_TOKENS = 512;
/** The library moves a sequence's beginning out when fewer places are left than this; no row may come near. */
const SPARE_PLACES = 2;

export interface ContextOptions {
  readonly file: string;
  readonly threads: number;
  readonly contextLimit: number;
  readonly sequences: number;
}

/** A GGUF model with room for its sequences; `release` frees both. Errors: what the library throws. */
export async function loadContext(
  { library }: LlamaPackage,
  { file, threads, contextLimit, sequences }: ContextOptions,
): Promise<{ readonly context: LlamaContext; release(): Promise<void> }> {
  const logLevel = library.LlamaLogLevel.error;
  const llama = await library.getLlama({ gpu: false, build: "never", progressLogs: false, logLevel, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0, useMmap: true });
  const context = await model.createContext({
    contextSize: contextLimit + SPARE_PLACES,
    sequences,
    batchSize: BATCH_TOKENS,
    threads,
    // Plans count keys and values as f32; attention in f16 departs from the file's model after 9 to 119 tokens.
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });
  return {
    context,
    release: async () => {
      await context.dispose();
      await model.dispose();
    },
  };
}
