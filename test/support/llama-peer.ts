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
  /**
   * Logits after every token of a text. The binding gives probabilities only, which fix logits up to a constant a row; `anchor` is a token whose
   * logit is 0 by construction (see `TinyModelOptions.anchor`), so they are log(p / p(anchor)), exact to the rounding of an f32 probability.
   */
  logits(tokens: readonly number[], anchor: number): Promise<Float32Array[]>;
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
  const probabilities: LlamaPeer["probabilities"] = (tokens) =>
    withSequence(async (sequence) => {
      const results = await sequence.controlledEvaluate(
        (tokens as Token[]).map((token) => [
          token,
          { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } },
        ]),
      );
      return results.map((result) => result?.next.probabilities ?? new Map<number, number>());
    });
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
    probabilities,
    logits: async (tokens, anchor) =>
      (await probabilities(tokens)).map((row) => {
        const base = Math.log(row.get(anchor) ?? 0);
        return Float32Array.from({ length: row.size }, (_unused, token) => Math.log(row.get(token) ?? 0) - base);
      }),
    dispose: () => model.dispose(),
  };
}
