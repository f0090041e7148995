import type { DecoderSpec } from "../decoder/spec.ts";
import { createOnnxBuilder, type OnnxModel } from "../onnx/builder.ts";
import { programFromBuilder } from "./onnx-program.ts";
import type { Program } from "./program.ts";

/** Domain and type of the one operator that stands for a whole GGUF model. */
export const GGUF_DOMAIN = "heddle.gguf";
export const GGUF_OPERATOR = "Decoder";

/** A GGUF file that a library reads by itself. */
export interface GgufFile {
  readonly file: string;
  readonly fingerprint: string;
  readonly fileBytes: number;
  readonly spec: DecoderSpec;
  /** Longest sequence. Units: tokens. */
  readonly contextLimit: number;
}

/**
 * A whole GGUF model as a program of one operator, for devices whose boundary is the model.
 *
 * Shapes: inputs `tokens` int64 [T] (what comes next) and `sequence` uint8 [S], what came before as the device keeps it: opaque, empty at the
 * beginning. Outputs `logits` [1, vocabulary] after the last token, and `sequence.next`.
 */
export function ggufProgram(given: GgufFile): Program {
  const program = programFromBuilder(ggufModel(given), { name: given.spec.name });
  return { ...program, stage: (operators) => ({ ...program.stage(operators), weightBytes: given.fileBytes }) };
}

export function ggufModel({ file, fingerprint, spec, contextLimit }: GgufFile): OnnxModel {
  const builder = createOnnxBuilder(spec.name);
  const inputs = [builder.input("tokens", "int64", ["T"]), builder.input("sequence", "uint8", ["S"])];
  builder.nodeOutputs(GGUF_OPERATOR, inputs, {
    domain: GGUF_DOMAIN,
    name: "decoder",
    attributes: { file, fingerprint, vocabulary: spec.vocabulary, context: contextLimit },
    outputs: 2,
    outputNames: ["logits", "sequence.next"],
  });
  builder.output("logits", "float32", [1, spec.vocabulary]);
  builder.output("sequence.next", "uint8", ["S_next"]);
  return builder.build();
}
