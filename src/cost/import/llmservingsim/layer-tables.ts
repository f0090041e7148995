/**
 * Times of layers as LLMServingSim profiles them inside vLLM: one call of one layer of a model on one device (its share of a tensor-parallel group).
 *
 * Units: ns. Source: casys-kaist/LLMServingSim, `profiler/perf/<device>/<model>/<variant>/tp<N>/*.csv`, whose times are microseconds.
 */
export interface LayerTables {
  readonly dense: readonly DenseTime[];
  readonly perSequence: readonly PerSequenceTime[];
  readonly attention: readonly AttentionTime[];
  /** Empty for models without experts. */
  readonly experts: readonly ExpertTime[];
  /** Empty where the sweep was not run. */
  readonly skew: readonly SkewTime[];
}

/** A layer whose work grows with the tokens of the iteration, such as `qkv_proj`. */
export interface DenseTime {
  readonly layer: string;
  readonly tokens: number;
  readonly ns: number;
}

/** A layer whose work grows with the sequences that are sampled: `lm_head`, `sampler`. */
export interface PerSequenceTime {
  readonly layer: string;
  readonly sequences: number;
  readonly ns: number;
}

/** Attention of a mixed batch: one chunk of `prefillTokens` after `prefillContext` cached ones, and `decodes` sequences of `decodeContext` tokens each. */
export interface AttentionTime {
  readonly prefillTokens: number;
  readonly prefillContext: number;
  readonly decodes: number;
  readonly decodeContext: number;
  readonly ns: number;
}

/** The experts of one layer. */
export interface ExpertTime {
  readonly tokens: number;
  /** Experts that have at least one token. */
  readonly activated: number;
  readonly ns: number;
}

/** Attention of decodes of two lengths: what the mixed batch takes, and what uniform ones at the mean and at the longest length take. */
export interface SkewTime {
  readonly decodes: number;
  /** Of them with the longer context. */
  readonly longer: number;
  readonly prefillTokens: number;
  readonly prefillContext: number;
  readonly shortContext: number;
  readonly longContext: number;
  readonly meanContext: number;
  readonly atMeanNs: number;
  readonly atLongestNs: number;
  readonly mixedNs: number;
}
