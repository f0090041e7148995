import type { DecoderSpec } from "./spec.ts";
import type { WeightSource } from "./weights.ts";

/** A model as read from a GGUF file or a Hugging Face folder. */
export interface DecoderModel {
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  readonly tokenizer: TokenizerSource;
  /** SHA-256 (hex) over the header and tensor table: names a model in plans, block keys and ledgers. */
  readonly fingerprint: string;
  /** The one file it was read from, for libraries that read it themselves; absent for a folder of several. */
  readonly file?: string;
}

/** What a tokenizer library needs: a `tokenizer.json` object and its config (built from metadata for GGUF). */
export interface TokenizerSource {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig: unknown;
  readonly chatTemplate: string | undefined;
  readonly bosId: number | undefined;
  /** Put the begin token before every prompt that is not a chat template's. */
  readonly addBos: boolean;
  /** Any of these ends a generation. */
  readonly stopIds: readonly number[];
}
