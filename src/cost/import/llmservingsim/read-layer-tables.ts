import { readCsvColumns } from "../csv/numeric-csv.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import type { AttentionTime, DenseTime, ExpertTime, LayerTables, PerSequenceTime, SkewTime } from "./layer-tables.ts";

const NS_PER_US = 1000;

/** Texts of one folder of tables, by file name; `moe.csv` and `skew.csv` may be missing. */
export interface LayerTableTexts {
  readonly dense: string;
  readonly perSequence: string;
  readonly attention: string;
  readonly moe?: string | undefined;
  readonly skew?: string | undefined;
}

/**
 * All tables of one folder `profiler/perf/<device>/<model>/<variant>/tp<N>`; `folder` is named in errors.
 *
 * Errors: `measurements-invalid` with file, line and column.
 */
export function readLayerTables(texts: LayerTableTexts, folder: string): LayerTables {
  return {
    dense: readDenseTimes(texts.dense, `${folder}/dense.csv`),
    perSequence: readPerSequenceTimes(texts.perSequence, `${folder}/per_sequence.csv`),
    attention: readAttentionTimes(texts.attention, `${folder}/attention.csv`),
    experts: texts.moe === undefined ? [] : readExpertTimes(texts.moe, `${folder}/moe.csv`),
    skew: texts.skew === undefined ? [] : readSkewTimes(texts.skew, `${folder}/skew.csv`),
  };
}

export function readDenseTimes(text: string, file: string): DenseTime[] {
  const { count, numbers, texts, lines } = readCsvColumns(text, { file, numbers: ["tokens", "time_us"], texts: ["layer"] });
  const ns = timesNs(numbers.time_us, lines, file, "time_us");
  const tokens = sizes(numbers.tokens, lines, file, "tokens");
  return Array.from({ length: count }, (_, i) => ({ layer: texts.layer[i]!, tokens: tokens[i]!, ns: ns[i]! }));
}

export function readPerSequenceTimes(text: string, file: string): PerSequenceTime[] {
  const { count, numbers, texts, lines } = readCsvColumns(text, { file, numbers: ["sequences", "time_us"], texts: ["layer"] });
  const ns = timesNs(numbers.time_us, lines, file, "time_us");
  const sequences = sizes(numbers.sequences, lines, file, "sequences");
  return Array.from({ length: count }, (_, i) => ({ layer: texts.layer[i]!, sequences: sequences[i]!, ns: ns[i]! }));
}

export function readAttentionTimes(text: string, file: string): AttentionTime[] {
  const columns = ["prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"] as const;
  const { count, numbers, lines } = readCsvColumns(text, { file, numbers: columns });
  const [chunk, history, decodes, context] = columns.slice(0, 4).map((name) => sizes(numbers[name], lines, file, name));
  const ns = timesNs(numbers.time_us, lines, file, "time_us");
  return Array.from({ length: count }, (_, i) => ({
    prefillTokens: chunk![i]!,
    prefillContext: history![i]!,
    decodes: decodes![i]!,
    decodeContext: context![i]!,
    ns: ns[i]!,
  }));
}

export function readExpertTimes(text: string, file: string): ExpertTime[] {
  const { count, numbers, lines } = readCsvColumns(text, { file, numbers: ["tokens", "activated_experts", "time_us"] });
  const tokens = sizes(numbers.tokens, lines, file, "tokens");
  const activated = sizes(numbers.activated_experts, lines, file, "activated_experts");
  const ns = timesNs(numbers.time_us, lines, file, "time_us");
  return Array.from({ length: count }, (_, i) => ({ tokens: tokens[i]!, activated: activated[i]!, ns: ns[i]! }));
}

export function readSkewTimes(text: string, file: string): SkewTime[] {
  const counts = ["n", "nb", "pc", "kp", "kvs", "kv_big"] as const;
  const times = ["t_mean_us", "t_max_us", "t_skew_us"] as const;
  const { count, numbers, lines } = readCsvColumns(text, { file, numbers: [...counts, ...times, "kv_mean"] });
  for (const name of counts) sizes(numbers[name], lines, file, name);
  const [mean, longest, mixed] = times.map((name) => timesNs(numbers[name], lines, file, name));
  return Array.from({ length: count }, (_, i) => ({
    decodes: numbers.n[i]!,
    longer: numbers.nb[i]!,
    prefillTokens: numbers.pc[i]!,
    prefillContext: numbers.kp[i]!,
    shortContext: numbers.kvs[i]!,
    longContext: numbers.kv_big[i]!,
    meanContext: numbers.kv_mean[i]!,
    atMeanNs: mean![i]!,
    atLongestNs: longest![i]!,
    mixedNs: mixed![i]!,
  }));
}

/** Microseconds above 0, as ns. */
function timesNs(column: Float64Array, lines: Int32Array, file: string, name: string): Float64Array {
  return column.map((value, i) => {
    if (!(value > 0)) throw measurementsInvalid({ file, line: lines[i]!, column: name }, `${value} is no time: it must be above 0`);
    return value * NS_PER_US;
  });
}

/** Whole numbers from 0. */
function sizes(column: Float64Array, lines: Int32Array, file: string, name: string): Float64Array {
  for (let i = 0; i < column.length; i++) {
    const value = column[i]!;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw measurementsInvalid({ file, line: lines[i]!, column: name }, `${value} is no size: it must be a whole number from 0`);
    }
  }
  return column;
}
