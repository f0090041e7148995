import { HeddleError } from "../../../base/heddle-error.ts";
import { pow } from "../../../base/math.ts";
import { gridReader } from "../../grid.ts";
import type { LayerTables } from "../../import/llmservingsim/layer-tables.ts";
import type { BatchShape, IterationCost } from "../iteration-cost.ts";
import { attentionNs, attentionTable, type DecodeRows, decodeAttentionNs } from "./attention-table.ts";
import { type SizeTable, sizeTable, timeAt } from "./size-table.ts";
import { skewShare } from "./skew-share.ts";

export interface LayerTableOptions {
  /** Layers of the model. */
  readonly layers: number;
  /** Where the tables come from. */
  readonly source: string;
  /** Experts of a layer and those a token goes to; needed where the tables have experts. */
  readonly experts?: { readonly count: number; readonly active: number };
  /** Time of one layer's collectives, which the tables of tensor-parallel shares do not hold; absent: none. Units: ns. */
  readonly collectiveNs?: (tokens: number) => number;
  /** Batch sizes of recorded graphs, ascending: smaller batches are padded to one; absent: none. */
  readonly paddedSizes?: readonly number[];
}

/** How often a decoder layer calls what the tables hold; two norms: before attention and before the feed-forward part. */
const CALLS_PER_LAYER: Readonly<Record<string, number>> = {
  layernorm: 2,
  qkv_proj: 1,
  qk_norm: 1,
  rotary_emb: 1,
  o_proj: 1,
  gate_up_proj: 1,
  act_fn: 1,
  down_proj: 1,
};
const CALLS_PER_ITERATION: Readonly<Record<string, number>> = { embedding: 1, final_layernorm: 1 };
/** Sizes up to this are summed once and kept. */
const KEPT_TOKENS = 16_384;
/**
 * Half-width (90 %) of the systematic error: what repeats of one served configuration differ by in time per token (90 % of pairs).
 *
 * Source: aiconfigurator@095f58a `silicon_sample.csv`, repeated rows of one configuration.
 */
const TABLE_SPREAD = 0.061;

/**
 * Iterations priced from measured layers.
 *
 * Model: embedding(T) + L (Σ layers(T) + experts(T) + attention + collectives(T)) + norm(T) + head(s) + sampler(s), T = tokens, s = sequences. Several prompts count as equal
 * chunks of their token-weighted mean length. Decodes of unequal length take the time at the mean, and a share of what the longest would
 * take for all.
 * Units: ns.
 * Errors: `measurements-invalid` where a layer of the tables is none that is known, or a needed one is missing.
 * Source: tables and sum as in casys-kaist/LLMServingSim@5daddb2.
 */
export function layerTableCost(tables: LayerTables, options: LayerTableOptions): IterationCost {
  const perToken = tokenTables(tables, options);
  const experts = expertTimes(tables, options);
  const perSequence = [...groups(tables.perSequence, (row) => row.layer).values()].map((rows) =>
    sizeTable(rows.map(({ sequences, ns }) => ({ size: sequences, ns }))),
  );
  const attention = attentionTable(tables.attention);
  const decodeRows: DecodeRows = { table: attention, rows: [] };
  const share = skewShare(tables.skew);
  const kept = new Float64Array(KEPT_TOKENS + 1).fill(-1);
  const layersNs = (tokens: number): number =>
    sumOf(perToken, tokens) + options.layers * (experts(tokens) + (options.collectiveNs?.(tokens) ?? 0));
  const tokensNs = (tokens: number): number => {
    if (tokens > KEPT_TOKENS) return layersNs(tokens);
    if (kept[tokens]! < 0) kept[tokens] = layersNs(tokens);
    return kept[tokens]!;
  };
  const keptHeads = new Float64Array(KEPT_TOKENS + 1).fill(-1);
  const headNs = (sequences: number): number => {
    if (keptHeads[sequences]! < 0) {
      let sum = 0;
      for (const table of perSequence) sum += timeAt(table, sequences);
      keptHeads[sequences] = sum;
    }
    return keptHeads[sequences]!;
  };
  const { layers, paddedSizes = [], source } = options;
  const attentionOf = (shape: Readonly<BatchShape>): number => {
    const { prefillTokens, decodes } = shape;
    const mean = decodes === 0 ? 0 : shape.decodeContext / decodes;
    let decode = 0;
    if (decodes > 0) {
      decode = decodeAttentionNs(decodeRows, decodes, mean);
      if (shape.decodeContextMax > mean && decodes > 1) {
        const longest = decodeAttentionNs(decodeRows, decodes, shape.decodeContextMax);
        decode += share(mean, shape.decodeContextMax) * Math.max(0, longest - decode);
      }
    }
    if (prefillTokens === 0) return decode;
    const chunk = shape.prefillSquares / prefillTokens;
    const context = shape.prefillContext / prefillTokens;
    const alone = decodes === 0 ? 0 : decodeAttentionNs(decodeRows, decodes, mean);
    return decode + (prefillTokens / chunk) * Math.max(0, attentionNs(attention, chunk, context, decodes, mean) - alone);
  };
  return {
    iterationNs: (shape) => {
      const tokens = padded(shape.prefillTokens + shape.decodes, paddedSizes);
      if (tokens === 0) return 0;
      return Math.round(tokensNs(tokens) + layers * attentionOf(shape) + headNs(shape.prefills + shape.decodes));
    },
    spread: TABLE_SPREAD,
    basis: "interpolated",
    source,
  };
}

/**
 * Time of a layer's experts by tokens, with as many experts at work as even routing makes: N (1 - (1 - k / N)^T).
 *
 * Why even: the tables know no routing; an uneven one has fewer experts at work, and takes less time for few tokens.
 */
function expertTimes({ experts }: LayerTables, { experts: shape, source }: LayerTableOptions): (tokens: number) => number {
  if (experts.length === 0) return () => 0;
  if (shape === undefined) throw invalid("the tables have experts: their number and the active ones are needed", source);
  const read = gridReader(experts.map(({ tokens, activated, ns }) => ({ x: tokens, y: activated, value: ns })));
  return (tokens) => read(tokens, shape.count * (1 - pow(1 - shape.active / shape.count, tokens))).value;
}

function padded(tokens: number, sizes: readonly number[]): number {
  for (const size of sizes) if (size >= tokens) return size;
  return tokens;
}

interface WeightedTable {
  readonly table: SizeTable;
  readonly calls: number;
}

function tokenTables(tables: LayerTables, { layers, source }: LayerTableOptions): WeightedTable[] {
  const found = groups(tables.dense, (row) => row.layer);
  for (const needed of ["qkv_proj", "o_proj", "layernorm", "embedding", "final_layernorm"]) {
    if (!found.has(needed)) throw invalid(`the tables have no layer ${needed}`, source);
  }
  return [...found].map(([layer, rows]) => {
    const calls = CALLS_PER_ITERATION[layer] ?? (CALLS_PER_LAYER[layer] ?? 0) * layers;
    if (calls === 0) throw invalid(`the tables have a layer ${layer} that is not known`, source);
    return { table: sizeTable(rows.map(({ tokens, ns }) => ({ size: tokens, ns }))), calls };
  });
}

function sumOf(tables: readonly WeightedTable[], tokens: number): number {
  let sum = 0;
  for (const { table, calls } of tables) sum += calls * timeAt(table, tokens);
  return sum;
}

function groups<T>(rows: readonly T[], by: (row: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const group = found.get(by(row));
    if (group === undefined) found.set(by(row), [row]);
    else group.push(row);
  }
  return found;
}

function invalid(detail: string, where: string): HeddleError {
  return new HeddleError("measurements-invalid", { where, detail });
}
