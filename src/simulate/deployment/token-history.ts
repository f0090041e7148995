/** Sequences of a replica that decode in an iteration, and those whose first or last token it brings. */
export interface IterationTokens {
  readonly decodes: number;
  readonly firsts: number;
  readonly ended: number;
}

/** When the sequences of a replica had their last tokens. */
export interface TokenHistory {
  /** Tells `add` of the gaps that an iteration ends, and gives the sequences whose last token was not here: their gaps are not told. */
  iteration(endNs: number, tokens: IterationTokens, add: (gapNs: number, count: number) => void): number;
}

/**
 * An empty history.
 *
 * Model: all that decode at once have their last tokens at once; since then prompts may have brought first tokens, in iterations of their own too, which those that
 * decode wait for. Who decodes next are the newest of these first, then those before; more than there are came from elsewhere.
 */
export function tokenHistory(): TokenHistory {
  let lasts: { readonly atNs: number; readonly count: number }[] = [];
  return {
    iteration: (endNs, { decodes, firsts, ended }, add) => {
      if (decodes === 0) {
        if (firsts > ended) lasts.push({ atNs: endNs, count: firsts - ended });
        return 0;
      }
      let rest = decodes;
      for (let at = lasts.length - 1; at >= 0 && rest > 0; at--) {
        const { atNs, count } = lasts[at]!;
        const here = Math.min(rest, count);
        add(endNs - atNs, here);
        rest -= here;
      }
      const stay = decodes + firsts - ended;
      lasts = stay > 0 ? [{ atNs: endNs, count: stay }] : [];
      return rest;
    },
  };
}
