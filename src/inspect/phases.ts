import { HeddleError } from "../base/heddle-error.ts";
import type { Architecture } from "../graph/architecture/architecture.ts";
import { ENCODED } from "../graph/architecture/sizes.ts";
import { fixedLength } from "../graph/architecture/stem.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import { BATCH, CONTEXT, type Graph, TOKENS } from "../graph/ir/graph.ts";
import { touchedBindings } from "./touched-experts.ts";

/** A kind of run at sizes of its symbols. */
export interface Phase {
  readonly name: "prefill" | "decode" | "run";
  /** For people: `1 x 512 new tokens`. */
  readonly text: string;
  readonly sizes: Bindings;
}

export interface PhaseOptions {
  /** Sequences that run together. */
  readonly batch: number;
  /** Tokens of a prompt; undefined for what the model takes, at most 512. */
  readonly prompt: number | undefined;
  /** Tokens of a sequence after a decode step, the new one included; undefined for what the model takes, at most 4,096. */
  readonly context: number | undefined;
}

const PROMPT_DEFAULT = 512;
const CONTEXT_DEFAULT = 4096;

/**
 * The runs a model makes: a decoder prefills a whole prompt (with one image or clip a sequence where it has an encoder), then decodes a token
 * a step; others have one kind of run.
 *
 * Errors: `usage` where a prompt or context is longer than the model takes.
 */
export function phasesOf(architecture: Architecture, graph: Graph, { batch, prompt, context }: PhaseOptions): readonly Phase[] {
  const phase = (name: Phase["name"], text: string, sizes: Bindings): Phase => ({
    name,
    text,
    sizes: { ...sizes, ...touchedBindings(graph, sizes) },
  });
  if (architecture.kind === "recommender")
    return [phase("run", `batch of ${batch}`, { [BATCH]: batch, [TOKENS]: 1, [CONTEXT]: 1, [ENCODED]: 0 })];
  const most = architecture.contextLength ?? Number.MAX_SAFE_INTEGER;
  const tokens = atMost(most, prompt, PROMPT_DEFAULT, "--prompt");
  const [first, last] = [architecture.stacks[0], architecture.stacks.at(-1)];
  const encoded = first !== undefined && fixedLength(first.stem) !== undefined ? batch : 0;
  const whole = { [BATCH]: batch, [TOKENS]: tokens, [CONTEXT]: tokens, [ENCODED]: encoded };
  if (last?.role !== "decoder") return [phase("run", encoded > 0 ? `batch of ${batch}` : `${batch} x ${tokens} tokens`, whole)];
  const there = atMost(most, context, CONTEXT_DEFAULT, "--context");
  const inputs = encoded > 0 ? `, ${encoded} encoded` : "";
  return [
    phase("prefill", `${batch} x ${tokens} tokens${inputs}`, whole),
    phase("decode", `${batch} x 1 token at context ${there}`, { [BATCH]: batch, [TOKENS]: 1, [CONTEXT]: there, [ENCODED]: 0 }),
  ];
}

function atMost(most: number, asked: number | undefined, otherwise: number, flag: string): number {
  if (asked === undefined) return Math.min(most, otherwise);
  if (asked > most) throw new HeddleError("usage", { where: `${flag} ${asked}`, detail: `the model takes ${most} tokens` });
  return asked;
}
