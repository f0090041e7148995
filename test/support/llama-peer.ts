/** llama.cpp through node-llama-cpp as the reference tests compare with: KV in F32, flash attention off, one thread, no GPU. */
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from "node-llama-cpp";

export interface LlamaPeer {
  readonly model: LlamaModel;
  /** Token ids of a text; `special` parses special tokens in it. No begin token is added. */
  tokenize(text: string, special: boolean): number[];
  /** Greedy continuation; end-of-generation tokens do not stop it. */
  greedy(prompt: readonly number[], count: number): Promise<number[]>;
  /** Probabilities after every token of a text, most likely first; length is that of `tokens`. */
  probabilities(tokens: readonly number[]): Promise<ReadonlyMap<number, number>[]>;
  dispose(): Promise<void>;
}

let llama: Promise<Llama> | undefined;

export async function loadPeer(path: string, contextSize = 1024): Promise<LlamaPeer> {
  llama ??= getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.error });
  const model = await (await llama).loadModel({ modelPath: path, gpuLayers: 0, useMmap: true });
  const withSequence = async <T>(
    use: (sequence: ReturnType<Awaited<ReturnType<typeof model.createContext>>["getSequence"]>) => Promise<T>,
  ) => {
    const context = await model.createContext({
      contextSize,
      batchSize: 512,
      threads: 1,
      flashAttention: false,
      experimentalKvCacheKeyType: "F32",
      experimentalKvCacheValueType: "F32",
    });
    try {
      return await use(context.getSequence());
    } finally {
      await context.dispose();
    }
  };
  return {
    model,
    tokenize: (text, special) => [...model.tokenize(text, special)],
    greedy: (prompt, count) =>
      withSequence(async (sequence) => {
        const out: number[] = [];
        for await (const token of sequence.evaluate(prompt as Token[], { temperature: 0, yieldEogToken: true })) {
          out.push(token);
          if (out.length === count) break;
        }
        return out;
      }),
    probabilities: (tokens) =>
      withSequence(async (sequence) => {
        const results = await sequence.controlledEvaluate(
          (tokens as Token[]).map((token) => [
            token,
            { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } },
          ]),
        );
        return results.map((result) => result?.next.probabilities ?? new Map<number, number>());
      }),
    dispose: () => model.dispose(),
  };
}
