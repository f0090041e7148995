import { type Bindings, constantOf, type Expression, symbolsOf } from "../graph/ir/expression.ts";
import { BATCH, CONTEXT, type Graph, TOKENS } from "../graph/ir/graph.ts";
import { isTurns, turnsOf } from "./body-runs.ts";
import { surveyOf } from "./survey.ts";
import { valueAt } from "./work.ts";

/** The value a symbol of a graph has in the run that is looked at. */
export interface SizeUse {
  readonly symbol: string;
  readonly value: number;
  /** `given` by whoever asks, `default`, or of a size that no input has and only a run tells (`open`), which counts 1 unless it is given. */
  readonly basis: "given" | "default" | "open";
}

/** Values a symbol may have, by the file; undefined: no bound. */
export interface SizeRange {
  readonly least: number | undefined;
  readonly greatest: number | undefined;
}

export type SizeRanges = ReadonlyMap<string, SizeRange>;

/** Tokens there are in a step of a graph that carries keys and values, its one new token included. */
const CONTEXT_DEFAULT = 4096;
/** Height and width of images: what most published classifiers are measured at. */
const IMAGE_DEFAULT = 224;
/** Lengths that are tried for everything else, until no size of the graph is below 0: tokens, frames, samples of sound. */
const LENGTHS: readonly number[] = [128, 1024, 16384];
/** An image has sequences, channels, rows and columns. */
const IMAGE_AXES = 4;

/** Symbols in the shapes of a graph's inputs: what a user can give values for, in the order they occur. */
export function inputSymbols(graph: Graph): readonly string[] {
  return [...new Set(graph.inputs.flatMap((id) => (graph.tensors[id]!.shape ?? []).flatMap(symbolsOf)))];
}

/**
 * A value for every symbol of a graph.
 *
 * Model: batches and first axes of inputs are 1; with a context there is 1 new token at a context of 4,096 (`tokens` alone given: a prompt that
 * begins a sequence); sizes of recurrent states are 1; axes of images are 224, all others the least of 128, 1,024 and 16,384 at which every size of
 * the graph is above 0. Where the file states a range of a symbol, the value in it that is nearest.
 */
export function runSizes(graph: Graph, given: Bindings, ranges: SizeRanges = new Map()): readonly SizeUse[] {
  const symbols = graphSymbols(graph);
  const named = new Set(inputSymbols(graph));
  const candidates = LENGTHS.map((length) => symbols.map((name) => sizeUse(graph, name, { given, length, named, ranges })));
  return candidates.find((sizes) => isPossible(graph, bindingsOf(sizes))) ?? candidates[0]!;
}

export function bindingsOf(sizes: readonly SizeUse[]): Bindings {
  return Object.fromEntries(sizes.map(({ symbol, value }) => [symbol, value]));
}

interface Choosing {
  readonly given: Bindings;
  readonly length: number;
  /** Symbols of the inputs. */
  readonly named: ReadonlySet<string>;
  readonly ranges: SizeRanges;
}

function sizeUse(graph: Graph, symbol: string, choosing: Choosing): SizeUse {
  const { given, named } = choosing;
  if (Object.hasOwn(given, symbol)) return { symbol, value: given[symbol]!, basis: "given" };
  if (symbol.includes("#") || isTurns(symbol) || !named.has(symbol)) return { symbol, value: 1, basis: "open" };
  const value = defaultOf(graph, symbol, choosing);
  const { least = value, greatest = value } = choosing.ranges.get(symbol) ?? {};
  return { symbol, value: Math.min(Math.max(value, least), greatest), basis: "default" };
}

function defaultOf(graph: Graph, symbol: string, { given, length, named }: Choosing): number {
  const hasContext = named.has(CONTEXT);
  if (symbol === CONTEXT) return Math.max(given[TOKENS] ?? CONTEXT_DEFAULT, 1);
  if (symbol === TOKENS && hasContext) return 1;
  const shapes = graph.inputs.map((id) => graph.tensors[id]!.shape ?? []);
  const isAlone = (size: Expression | undefined): boolean => size !== undefined && constantOf(size) === undefined && only(size) === symbol;
  if (symbol === BATCH || /batch/i.test(symbol)) return 1;
  if (graph.states.some(({ kind, shape }) => kind === "recurrent" && shape.some(isAlone))) return 1;
  if (symbol !== TOKENS && shapes.some((shape) => shape.length > 1 && isAlone(shape[0]))) return 1;
  return shapes.some((shape) => shape.length === IMAGE_AXES && shape.slice(2).some(isAlone)) ? IMAGE_DEFAULT : length;
}

function only(size: Expression): string | undefined {
  const [name, more] = symbolsOf(size);
  return more === undefined ? name : undefined;
}

function isPossible(graph: Graph, sizes: Bindings): boolean {
  const own = graph.tensors.every(({ shape = [] }) => shape.every((size) => constantOf(size) !== undefined || valueAt(size, sizes) > 0));
  return own && graph.operators.every(({ bodies = [] }) => bodies.every((body) => isPossible(body.graph, sizes)));
}

/** Of all tensors and loops, inside bodies too; those of the inputs first. */
export function graphSymbols(graph: Graph): readonly string[] {
  const names = new Set(inputSymbols(graph));
  const visit = (each: Graph): void => {
    const survey = surveyOf(each);
    for (const { shape = [] } of [...each.tensors, ...each.states]) for (const name of shape.flatMap(symbolsOf)) names.add(name);
    for (const operator of each.operators) {
      for (const name of symbolsOf(turnsOf(survey, operator) ?? { terms: [] })) names.add(name);
      for (const body of operator.bodies ?? []) visit(body.graph);
    }
  };
  visit(graph);
  return [...names];
}
