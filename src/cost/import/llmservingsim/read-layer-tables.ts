import { readCsvColumns } from "../csv/numeric-csv.ts";
import { timesNs, wholeColumn } from "../measurement-columns.ts";
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
  const columns = readCsvColumns(text, { file, numbers: ["tokens", "time_us"], texts: ["layer"] });
  const tokens = wholeColumn(columns, "tokens");
  const ns = timesNs(columns, "time_us", NS_PER_US);
  return columns.texts.layer.map((layer, i) => ({ layer, tokens: tokens[i]!, ns: ns[i]! }));
}

export function readPerSequenceTimes(text: string, file: string): PerSequenceTime[] {
  const columns = readCsvColumns(text, { file, numbers: ["sequences", "time_us"], texts: ["layer"] });
  const sequences = wholeColumn(columns, "sequences");
  const ns = timesNs(columns, "time_us", NS_PER_US);
  return columns.texts.layer.map((layer, i) => ({ layer, sequences: sequences[i]!, ns: ns[i]! }));
}

export function readAttentionTimes(text: string, file: string): AttentionTime[] {
  const columns = readCsvColumns(text, { file, numbers: ["prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"] });
  const chunk = wholeColumn(columns, "prefill_chunk");
  const history = wholeColumn(columns, "kv_prefill");
  const decodes = wholeColumn(columns, "n_decode");
  const context = wholeColumn(columns, "kv_decode");
  return Array.from(timesNs(columns, "time_us", NS_PER_US), (ns, i) => ({
    prefillTokens: chunk[i]!,
    prefillContext: history[i]!,
    decodes: decodes[i]!,
    decodeContext: context[i]!,
    ns,
  }));
}

export function readExpertTimes(text: string, file: string): ExpertTime[] {
  const columns = readCsvColumns(text, { file, numbers: ["tokens", "activated_experts", "time_us"] });
  const tokens = wholeColumn(columns, "tokens");
  const activated = wholeColumn(columns, "activated_experts");
  return Array.from(timesNs(columns, "time_us", NS_PER_US), (ns, i) => ({ tokens: tokens[i]!, activated: activated[i]!, ns }));
}

export function readSkewTimes(text: string, file: string): SkewTime[] {
  const counts = ["n", "nb", "pc", "kp", "kvs", "kv_big"] as const;
  const columns = readCsvColumns(text, { file, numbers: [...counts, "kv_mean", "t_mean_us", "t_max_us", "t_skew_us"] });
  const [n, nb, pc, kp, kvs, big] = counts.map((name) => wholeColumn(columns, name));
  const atMean = timesNs(columns, "t_mean_us", NS_PER_US);
  const atLongest = timesNs(columns, "t_max_us", NS_PER_US);
  return Array.from(timesNs(columns, "t_skew_us", NS_PER_US), (mixedNs, i) => ({
    decodes: n![i]!,
    longer: nb![i]!,
    prefillTokens: pc![i]!,
    prefillContext: kp![i]!,
    shortContext: kvs![i]!,
    longContext: big![i]!,
    meanContext: columns.numbers.kv_mean[i]!,
    atMeanNs: atMean[i]!,
    atLongestNs: atLongest[i]!,
    mixedNs,
  }));
}
