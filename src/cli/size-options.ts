import { HeddleError } from "../base/heddle-error.ts";
import { type Bindings, constantOf, type Expression, symbolsOf } from "../graph/ir/expression.ts";
import { BATCH, CONTEXT, TOKENS } from "../graph/ir/graph.ts";
import { graphSymbols, inputSymbols } from "../inspect/run-sizes.ts";
import { valueAt } from "../inspect/work.ts";
import type { GraphSource } from "./inspect-source.ts";

/** Options that give a graph's sizes values. */
export interface SizeFlags {
  readonly batch?: number;
  readonly prompt?: number;
  readonly context?: number;
  /** `name=value` each. */
  readonly size?: readonly string[];
}

/** A size that an option names, as the graph computes it, and its value. */
interface NamedSize {
  readonly text: string;
  readonly name: string;
  readonly size: Expression;
  readonly value: number;
}

/** Largest size a symbol may be given: far beyond any batch, text or image, and small enough that products of some sizes stay numbers. */
const MAX_SIZE = 1_000_000_000;

/** Values of the graph's symbols from all options. Errors: `usage` for a name the graph does not have, or a value that is no size. */
export function sizesFrom(source: GraphSource, flags: SizeFlags): Bindings {
  const known = inputSymbols(source.graph);
  const all = new Set(graphSymbols(source.graph));
  const sizes: Record<string, number> = {};
  const pasts: NamedSize[] = [];
  for (const named of (flags.size ?? []).map((text) => namedSize(source, text))) {
    const { text, name, size, value } = named;
    const [only, ...others] = symbolsOf(size);
    if (all.has(name)) sizes[name] = value;
    else if (only === undefined || ![only, ...others].every((each) => known.includes(each)))
      throw refusal(`--size ${text}`, symbolList(known));
    else if (others.length === 0) sizes[only] = value;
    else pasts.push(named);
  }
  apply(sizes, known, { flag: "--batch", symbol: BATCH, value: flags.batch });
  apply(sizes, known, { flag: "--prompt", symbol: TOKENS, value: flags.prompt });
  apply(sizes, known, { flag: "--context", symbol: CONTEXT, value: flags.context });
  for (const past of pasts) addPast(sizes, past);
  checkSizes(source, sizes);
  return sizes;
}

function namedSize({ symbolOf }: GraphSource, text: string): NamedSize {
  const [, name, digits] = /^(.+)=(\d+)$/.exec(text) ?? [];
  const value = Number(digits);
  if (name === undefined || !(value <= MAX_SIZE))
    throw refusal(`--size ${text}`, `name=value with a whole number up to ${MAX_SIZE} is wanted`);
  return { text, name, size: symbolOf(name), value };
}

function apply(
  sizes: Record<string, number>,
  known: readonly string[],
  use: { flag: string; symbol: string; value: number | undefined },
): void {
  if (use.value === undefined) return;
  if (!known.includes(use.symbol)) throw refusal(`${use.flag} ${use.value}`, `no input has such a size; ${symbolList(known)}`);
  if (sizes[use.symbol] !== undefined && sizes[use.symbol] !== use.value)
    throw refusal(`${use.flag} ${use.value}`, `--size says ${sizes[use.symbol]}`);
  sizes[use.symbol] = use.value;
}

/** A past is what the context has before the new tokens: with a value for it, the context follows. */
function addPast(sizes: Record<string, number>, { text, size, value }: NamedSize): void {
  sizes[TOKENS] ??= 1;
  const context = value - valueAt(size, { ...sizes, [CONTEXT]: 0 });
  if (constantOf(size) !== undefined || !symbolsOf(size).includes(CONTEXT)) throw refusal(`--size ${text}`, "it is a sum; give its parts");
  if (sizes[CONTEXT] !== undefined && sizes[CONTEXT] !== context) throw refusal(`--size ${text}`, `the context is ${sizes[CONTEXT]}`);
  sizes[CONTEXT] = context;
}

/** New tokens are part of the context, and sizes lie in the ranges that the file gives. */
function checkSizes({ ranges }: GraphSource, sizes: Bindings): void {
  const [tokens, context] = [sizes[TOKENS], sizes[CONTEXT]];
  if (tokens !== undefined && context !== undefined && tokens > context)
    throw refusal(`--context ${context}`, `the ${tokens} new tokens of a sequence are part of its context`);
  for (const [symbol, value] of Object.entries(sizes)) {
    const { least = value, greatest = value } = ranges?.get(symbol) ?? {};
    if (value < least || value > greatest) throw refusal(`--size ${symbol}=${value}`, `the file allows ${least} to ${greatest}`);
  }
}

/** The sizes a user may give, for an error. */
export function symbolList(known: readonly string[]): string {
  return known.length === 0 ? "all inputs have fixed sizes" : `the model's sizes: ${known.join(", ")}`;
}

/** An option that does not apply to the model. */
export function refusal(where: string, detail: string): HeddleError {
  return new HeddleError("usage", { where, detail });
}
