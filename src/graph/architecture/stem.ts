/** How a stack's input becomes vectors. */
export type Stem = TokenStem | PatchStem | TileStem | AudioStem;

export interface TokenStem {
  readonly kind: "tokens";
  readonly vocabulary: number;
  /** Learned vectors added by position and by segment; 0 where there are none. */
  readonly positions: number;
  readonly segments: number;
  readonly norm: boolean;
  /** Output of the encoder before takes the place of some tokens. */
  readonly merges: boolean;
}

/** Squares of an image, each one product. */
export interface PatchStem {
  readonly kind: "patches";
  readonly patches: number;
  /** Numbers in a patch: channels x height x width. */
  readonly patchElements: number;
  readonly bias: boolean;
  /** A learned vector that stands beside the patches. */
  readonly classToken: boolean;
  readonly norm: boolean;
  /** Rows of the table of learned positions; absent: one a position, 0: none. */
  readonly positions?: number;
}

/** Tiles of one image, each patch one product; all are encoded together, those an image does not fill as well. Source: transformers 5.23, `modeling_mllama.py`. */
export interface TileStem {
  readonly kind: "tiles";
  readonly tiles: number;
  /** Of a tile, without the learned vector that stands beside them. */
  readonly patches: number;
  readonly patchElements: number;
  /** Positions that fill a tile up to a multiple of eight. */
  readonly padding: number;
  /** Shapes that tiles may be laid out in; tables of positions have a row for each and one for none. */
  readonly shapes: number;
}

/** A mel spectrogram through two convolutions of three frames, the second of stride 2. Source: Whisper, arXiv 2212.04356, 2.2. */
export interface AudioStem {
  readonly kind: "audio";
  readonly mels: number;
  /** Positions behind the second convolution; half the frames. */
  readonly positions: number;
}

/** Positions of an encoder's stem whose length is fixed; undefined for tokens. */
export function fixedLength(stem: Stem): number | undefined {
  if (stem.kind === "patches") return stem.patches + (stem.classToken ? 1 : 0);
  if (stem.kind === "tiles") return stem.tiles * (stem.patches + 1 + stem.padding);
  return stem.kind === "audio" ? stem.positions : undefined;
}
