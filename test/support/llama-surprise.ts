/**
 * How likely llama.cpp finds each token of a text, one number a token. The binding's own way hands a whole vocabulary over for it, as a list and a map:
 * four fifths of the time. It also tells the share of one token alone, the one its sampler chose: here that of the likeliest token among all, then
 * that of the asked one beside the likeliest.
 */
import type { LlamaContext, LlamaModel } from "node-llama-cpp";

/** The binding below its public interface (version 3.21.1). */
interface AddonSampler {
  applyConfig(config: {
    readonly temperature: number;
    readonly topK?: number;
    readonly seed?: number;
    readonly tokenBiasKeys?: Uint32Array;
    readonly tokenBiasValues?: Float32Array;
  }): void;
  dispose(): void;
}
interface AddonContext {
  initBatch(size: number): void;
  addToBatch(sequence: number, from: number, tokens: Uint32Array, withLogits: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(
    row: number,
    sampler: AddonSampler,
    probabilities: boolean,
    confidence: boolean,
  ): Promise<[token: number, probabilities: undefined, confidence: number]>;
}
interface Internals {
  readonly context: { readonly _ctx: AddonContext };
  readonly model: {
    readonly _model: object;
    readonly _llama: { readonly _bindings: { readonly AddonSampler: new (model: object) => AddonSampler } };
  };
}

/** Rows of one batch. */
const BATCH = 128;
/** So far above all others the likeliest token and the asked one are raised that nothing else is left beside them. */
const APART = 60;
/** How much more the asked token is raised at a time, until the smaller share of the two is at least this: an f32 tells it to 1e-5 of itself. */
const RISE = 4;
const SHARE_LEAST = 0.01;
const RISES_MAX = 20;

/** -ln of the probability of every token after the first. The context is new. */
export async function surprisesOf(
  given: { readonly model: LlamaModel; readonly context: LlamaContext },
  tokens: readonly number[],
): Promise<number[]> {
  const { model, context } = given as unknown as Internals;
  const samplers = [0, 1].map(() => new model._llama._bindings.AddonSampler(model._model));
  const [likeliest, pair] = samplers as [AddonSampler, AddonSampler];
  likeliest.applyConfig({ temperature: 0 });
  const surprises: number[] = [];
  for (let from = 0; from + 1 < tokens.length; from += BATCH) {
    const batch = Uint32Array.from(tokens.slice(from, Math.min(from + BATCH, tokens.length - 1)));
    context._ctx.initBatch(batch.length);
    const places = batch.map((_token, i) => i);
    const rows = context._ctx.addToBatch(0, from, batch, places);
    await context._ctx.decodeBatch();
    for (const [i, row] of rows.entries()) {
      const [best, , share] = await context._ctx.sampleToken(row, likeliest, false, true);
      const token = tokens[from + i + 1]!;
      const behind = token === best ? 0 : await distance(context._ctx, { sampler: pair, row, best, token });
      surprises.push(behind - Math.log(share));
    }
  }
  for (const sampler of samplers) sampler.dispose();
  return surprises;
}

/** How far a token's logit lies behind the best one. */
async function distance(
  context: AddonContext,
  { sampler, row, best, token }: { readonly sampler: AddonSampler; readonly row: number; readonly best: number; readonly token: number },
): Promise<number> {
  const tokenBiasKeys = Uint32Array.of(best, token);
  for (let rises = 0; rises < RISES_MAX; rises++) {
    const by = rises * RISE;
    sampler.applyConfig({ temperature: 1, topK: 2, seed: 0, tokenBiasKeys, tokenBiasValues: Float32Array.of(APART, APART + by) });
    const [chosen, , share] = await context.sampleToken(row, sampler, false, true);
    if (Math.min(share, 1 - share) < SHARE_LEAST) continue;
    const odds = Math.log(share) - Math.log1p(-share);
    return by + (chosen === best ? odds : -odds);
  }
  throw new Error(`token ${token} is more than ${RISES_MAX * RISE} behind`);
}
