/** Tokens a sequence gains in decode steps, as a fixed fraction, so that sums over steps are exact. */
export interface TokenGain {
  /** Mean tokens a step, in parts of `GAIN_ONE`; at least `GAIN_ONE`. */
  readonly perStep: number;
  /** Draft tokens checked beside the one that is certain. */
  readonly draftTokens: number;
}

export const GAIN_ONE = 4096;

export const NO_DRAFTS: TokenGain = { perStep: GAIN_ONE, draftTokens: 0 };

/**
 * Mean tokens of a step that checks `draftTokens` drafts, each of which is taken with chance `acceptance` if all before it were: 1 + a + a² + …
 *
 * Source: Leviathan et al. 2023, arXiv:2211.17192, equation 1.
 */
export function tokenGain({ draftTokens, acceptance }: { readonly draftTokens: number; readonly acceptance: number }): TokenGain {
  let mean = 1;
  let chance = 1;
  for (let i = 0; i < draftTokens; i++) {
    chance *= acceptance;
    mean += chance;
  }
  return { perStep: Math.round(mean * GAIN_ONE), draftTokens };
}

/**
 * Tokens each decoding sequence gains in `count` steps of a replica from its step number `first` on. All sequences of a step gain alike: the mean is
 * exact over time, the scatter between sequences is left out.
 */
export function gainedTokens({ perStep }: TokenGain, first: number, count: number): number {
  return Math.floor(((first + count) * perStep) / GAIN_ONE) - Math.floor((first * perStep) / GAIN_ONE);
}
