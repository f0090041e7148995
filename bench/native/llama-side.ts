/** llama.cpp through node-llama-cpp in a process of its own. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, type LlamaContext, type LlamaContextSequence, LlamaLogLevel, type Token } from "node-llama-cpp";
import { assert, must } from "../../src/base/assert.ts";
import { benchPrompt } from "./prompt.ts";
import { serveSide } from "./side.ts";
import type { LlamaSetup, SideAnswer, SideQuestion } from "./side-protocol.ts";

/** Longest context of a bench with room for its steps. */
const CONTEXT_SIZE = 1280;

const setup = JSON.parse(process.argv[2] ?? "{}") as LlamaSetup;
const folder = mkdtempSync(join(tmpdir(), "heddle-bench-"));
let context: LlamaContext | undefined;
let sequences: LlamaContextSequence[] = [];
let prompt: Token[] = [];
/** Tokens each sequence holds, by index. */
const held: number[] = [];
const states = new Map<number, string>();

await serveSide(answer, async () => {
  const llama = await getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: 0 });
  const model = await llama.loadModel({ modelPath: setup.model, gpuLayers: 0, useMmap: true });
  prompt = [...benchPrompt(CONTEXT_SIZE)] as Token[];
  context = await model.createContext({
    contextSize: CONTEXT_SIZE,
    sequences: setup.sequences,
    batchSize: setup.batchSize,
    threads: { ideal: setup.threads, min: setup.threads },
    flashAttention: setup.flashAttention,
  });
  sequences = Array.from({ length: setup.sequences }, () => must(context, "a context is open").getSequence());
});

async function answer(question: SideQuestion): Promise<SideAnswer> {
  if (question.kind === "prefill") return { kind: "times", ms: [await prefill(question.tokens)] };
  assert(question.kind === "decode", "llama.cpp decodes and prefills", question);
  return { kind: "times", ms: [await decode(question)] };
}

async function prefill(tokens: number): Promise<number> {
  const sequence = must(sequences[0], "a sequence is open");
  await sequence.clearHistory();
  held[0] = 0;
  const start = performance.now();
  for await (const _token of sequence.evaluate(prompt.slice(0, tokens), { temperature: 0, yieldEogToken: true })) break;
  const ms = performance.now() - start;
  await sequence.clearHistory();
  return ms;
}

/** Streams beyond the context's sequences wait for a turn: the time of a step is that of all streams. */
async function decode({ batch, context: tokens, steps }: { batch: number; context: number; steps: number }): Promise<number> {
  const parallel = Math.min(batch, sequences.length);
  for (let i = 0; i < parallel; i++) await rewind(i, tokens);
  const turns = Math.ceil(batch / parallel);
  const start = performance.now();
  await Promise.all(sequences.slice(0, parallel).map((sequence) => stream(sequence, prompt[tokens]!, steps)));
  return ((performance.now() - start) / steps) * turns;
}

async function stream(sequence: LlamaContextSequence, first: Token, steps: number): Promise<void> {
  let done = 0;
  for await (const _token of sequence.evaluate([first], { temperature: 0, yieldEogToken: true })) if (++done === steps) break;
}

/** Brings a sequence to exactly so many tokens of the prompt: by cutting what it holds, from a stored state, or by computing them once. */
async function rewind(index: number, tokens: number): Promise<void> {
  const sequence = must(sequences[index], "a sequence is open");
  if (held[index] === tokens && sequence.nextTokenIndex >= tokens) {
    await sequence.eraseContextTokenRanges([{ start: tokens, end: sequence.nextTokenIndex }]);
    return;
  }
  await sequence.clearHistory();
  const state = states.get(tokens);
  if (state !== undefined) await sequence.loadStateFromFile(state, { acceptRisk: true });
  else {
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, tokens));
    const path = join(folder, `${tokens}.state`);
    await sequence.saveStateToFile(path);
    states.set(tokens, path);
  }
  held[index] = tokens;
}
