import { existsSync } from "node:fs";
import type { LlamaContextSequence, Token } from "node-llama-cpp";
import { must } from "../../../base/assert.ts";
import { bytesOf } from "../../../base/bytes.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import { readOnnx } from "../../../graph/onnx/read-onnx.ts";
import { GGUF_DOMAIN, GGUF_OPERATOR } from "../../../graph/program/gguf-program.ts";
import { bytesView, TENSOR_TYPES } from "../../device/tensor-arrays.ts";
import { type HostHeld, held, hostMemory } from "../shared/host-memory.ts";
import type { NativeRuntime, NativeSession } from "../shared/native-runtime.ts";
import { writeLogits } from "./candidates.ts";
import type { LlamaPackage } from "./llama-package.ts";
import { loadContext } from "./load-context.ts";
import { createSequenceStore, type SequenceStore } from "./sequence-bytes.ts";

/** What the one operator of a whole model says. */
interface WholeModel {
  readonly file: string;
  readonly fingerprint: string;
  readonly vocabulary: number;
  readonly contextLimit: number;
}

/** llama.cpp as a runtime of stages that are whole GGUF models; tensors lie in the host's memory. */
export function llamaDeviceRuntime(llama: LlamaPackage, threads: number): NativeRuntime<HostHeld> {
  return {
    version: llama.version,
    name: "llama.cpp, cpu",
    ownMemory: false,
    types: new Set(TENSOR_TYPES),
    createSession: async (model) => {
      const whole = wholeModelOf(model);
      if (!whole.ok) throw new HeddleError("stage-unsupported", { detail: whole.error });
      return openSession(llama, whole.value, threads);
    },
    refusal: (model) => {
      const whole = wholeModelOf(model);
      return whole.ok ? undefined : whole.error;
    },
    memory: hostMemory(),
    isFatal: () => false,
    close: async () => {},
  };
}

/** The model that a stage is, or why it is none. */
function wholeModelOf({ model }: OnnxModel): Result<WholeModel, string> {
  const { operators } = readOnnx(bytesOf(model)).graph;
  const other = operators.find(({ domain, type }) => domain !== GGUF_DOMAIN || type !== GGUF_OPERATOR);
  if (other !== undefined || operators.length !== 1) {
    const what = other === undefined ? `a stage of ${operators.length} models` : `operators such as ${other.type}`;
    return err(`llama.cpp runs a whole GGUF model as one stage, not ${what}`);
  }
  const { file, fingerprint, vocabulary, context } = must(operators[0], "the one operator").attributes;
  if (typeof file !== "string" || typeof fingerprint !== "string" || typeof vocabulary !== "number" || typeof context !== "number") {
    return err("it does not say which GGUF file it is");
  }
  return existsSync(file) ? ok({ file, fingerprint, vocabulary, contextLimit: context }) : err(`the file ${file} is not on this machine`);
}

async function openSession(llama: LlamaPackage, whole: WholeModel, threads: number): Promise<NativeSession> {
  const { file, contextLimit, fingerprint } = whole;
  const { context, release } = await loadContext(llama, { file, threads, contextLimit, sequences: 1 });
  const store = createSequenceStore(fingerprint);
  const sequence = context.getSequence();
  // What the library's sequence holds: a run that goes on from there restores nothing.
  let current: HostHeld | undefined;
  return {
    outputs: { logits: "f32", "sequence.next": "u8" },
    run: async (feeds) => {
      const tokens = tokensIn(must(feeds["tokens"], "a checked input") as HostHeld, whole);
      const before = must(feeds["sequence"], "a checked input") as HostHeld;
      if (before !== current) {
        current = undefined;
        await begin(sequence, before, store);
      }
      current = undefined;
      const length = sequence.nextTokenIndex + tokens.length;
      if (length > contextLimit) throw invalid("tokens", `the sequence would have ${length} tokens, at most ${contextLimit} have room`);
      const logits = await evaluate(sequence, tokens, whole.vocabulary);
      const state = await store.save(sequence);
      current = held({ type: "u8", dims: [state.length], data: state });
      return { logits: held({ type: "f32", dims: [1, whole.vocabulary], data: logits }), "sequence.next": current };
    },
    release: async () => {
      await release();
      store.close();
    },
  };
}

/** Brings the library's sequence to where the given one ends. */
async function begin(sequence: LlamaContextSequence, before: HostHeld, store: SequenceStore): Promise<void> {
  await sequence.clearHistory();
  if (before.data.length > 0) await store.restore(sequence, bytesView(before.data));
}

async function evaluate(sequence: LlamaContextSequence, tokens: readonly Token[], vocabulary: number): Promise<Float32Array> {
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const last = must(tokens.at(-1), "a token was given");
  const results = await sequence.controlledEvaluate([...tokens.slice(0, -1), [last, { generateNext: { probabilities: true, options } }]]);
  const logits = new Float32Array(vocabulary);
  writeLogits(logits, must(results.at(-1)?.next.probabilities, "a sampled row has probabilities"));
  return logits;
}

function tokensIn(tensor: HostHeld, { vocabulary }: WholeModel): readonly Token[] {
  const ids = Array.from(tensor.data, Number);
  if (ids.length === 0) throw invalid("tokens", "at least one is wanted");
  const unknown = ids.find((id) => !(id >= 0 && id < vocabulary));
  if (unknown !== undefined) throw invalid("tokens", `there is no token ${unknown}`);
  return ids as Token[];
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("input-invalid", { where, detail });
}
