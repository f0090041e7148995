/**
 * Keys that a new token sees in the mean, itself included: `tokens` new ones after `context` cached ones, at most `window` of them (0: all).
 *
 * Model: token i of the new ones sees context + i keys, or the window where that is less.
 */
export function meanKeysSeen(tokens: number, context: number, window: number): number {
  const all = context + (tokens + 1) / 2;
  if (window === 0 || context + tokens <= window) return all;
  const rising = window - context;
  if (rising <= 0) return window;
  return (rising * (context + (rising + 1) / 2) + (tokens - rising) * window) / tokens;
}
