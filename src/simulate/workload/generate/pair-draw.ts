import type { Prng } from "../../../base/prng.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { workloadInvalid } from "../workload-error.ts";
import { type LengthDraw, lengthDraw } from "./length-draw.ts";
import type { SpecFields } from "./spec.ts";

/** A prompt and an output, drawn together. */
export interface LengthPair {
  promptTokens: number;
  outputTokens: number;
}
export type PairDraw = (prng: Prng, into: LengthPair) => void;

/** From the `prompt` and `output` of a text, or from the rows of a file. Errors: `workload-invalid` naming the field. */
export function pairDraw(spec: SpecFields, lengths: RequestColumns | undefined): PairDraw {
  if (lengths !== undefined) {
    for (const field of ["prompt", "output"]) {
      if (spec.has(field)) throw workloadInvalid({ field }, "stands beside a file of lengths; give one of the two");
    }
    return (prng, into) => {
      const row = prng.nextBelow(lengths.count);
      into.promptTokens = lengths.promptTokens[row]!;
      into.outputTokens = lengths.outputTokens[row]!;
    };
  }
  const prompt: LengthDraw = lengthDraw(spec, "prompt");
  const output: LengthDraw = lengthDraw(spec, "output");
  return (prng, into) => {
    into.promptTokens = prompt(prng);
    into.outputTokens = output(prng);
  };
}
