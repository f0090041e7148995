import { HeddleError } from "../../base/heddle-error.ts";
import type { TokenizerSource } from "../decoder/model.ts";
import type { GgufFields } from "./gguf-fields.ts";

export function tokenizerFromGguf(fields: GgufFields): TokenizerSource {
  throw new HeddleError("tokenizer-unsupported", {
    where: "tokenizer.ggml.model",
    detail: fields.string("tokenizer.ggml.model") ?? "none",
  });
}
