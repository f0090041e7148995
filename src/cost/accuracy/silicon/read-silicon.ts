import { must } from "../../../base/assert.ts";
import { knownModelName } from "../../../graph/architecture/known/known-architecture.ts";
import { findDeviceSheet } from "../../../rack/catalog/catalog.ts";
import { readCsvColumns } from "../../import/csv/numeric-csv.ts";
import { measurementsInvalid } from "../../import/measurement-error.ts";
import type { SiliconEngine, SiliconRow, SiliconSide } from "./silicon-row.ts";

const SIDE = ["tp_size", "pp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size"] as const;
const TEXTS = [
  ...["id", "silicon_data_source", "backend", "backend_version", "model_path", "system", "gemm_quant_mode", "moe_quant_mode", "mode"],
  ...["batch_size", ...SIDE],
  ...["prefill_", "decode_"].flatMap((side) => [`${side}batch_size`, `${side}num_workers`, ...SIDE.map((name) => side + name)]),
];
const NUMBERS = ["isl", "osl", "silicon_ttft_ms", "silicon_tpot_ms"];
const ENGINES: readonly string[] = ["trtllm", "sglang", "vllm"];

/** Rows of a sample, and how many stand for a measurement that another row already gives. */
export interface SiliconSample {
  readonly rows: readonly SiliconRow[];
  readonly duplicates: number;
}

/**
 * How far both times of one measurement may lie apart: some dumps keep two decimals, others all. Repeats differ by some per cent (the sample's README), so two
 * runs do not agree in both times to that. Units: ms.
 */
const ROUNDED_MS = 0.005 * (1 + 1e-6);

/**
 * Reads AIConfigurator's sample of measured deployments (`silicon_sample.csv`).
 *
 * Rows that repeat a measurement (equal model, system, engine, mode, lengths, both times but for rounding) are counted and dropped but for the first. Labels
 * that name one architecture are one model here.
 * Errors: `measurements-invalid` with line and column for a missing column, a number that is none, an engine, model or device that is not known.
 */
export function readSilicon(text: string, file = "silicon_sample.csv"): SiliconSample {
  const table = readCsvColumns<string, string>(text, { file, numbers: NUMBERS, texts: TEXTS });
  const rows: SiliconRow[] = [];
  const seen = new Map<string, (readonly [ttftMs: number, tpotMs: number])[]>();
  let duplicates = 0;
  for (let index = 0; index < table.count; index++) {
    const cell = (column: string): string => must(table.texts[column], column)[index]!.trim();
    const number = (column: string): number => must(table.numbers[column], column)[index]!;
    const wrong = (column: string, detail: string): Error => measurementsInvalid(table.placeOf(index, column), detail);
    const size = (column: string): number | undefined => {
      const value = cell(column);
      if (value === "") return undefined;
      if (!/^\d+(\.0)?$/.test(value)) throw wrong(column, `"${value.slice(0, 20)}" is not a count`);
      return Number(value);
    };
    const model = knownModelName(cell("model_path"));
    if (model === undefined) throw wrong("model_path", `no architecture is known for "${cell("model_path").slice(0, 60)}"`);
    const sheet = findDeviceSheet(cell("system"));
    if (sheet === undefined) throw wrong("system", `no device is known as "${cell("system").slice(0, 40)}"`);
    if (!ENGINES.includes(cell("backend"))) throw wrong("backend", `no engine is known as "${cell("backend").slice(0, 40)}"`);
    const times = [number("silicon_ttft_ms"), number("silicon_tpot_ms")] as const;
    const key = [model, cell("system"), cell("backend"), cell("mode"), number("isl"), number("osl")].join("|");
    const measured = seen.get(key) ?? [];
    if (measured.some(([ttftMs, tpotMs]) => Math.abs(ttftMs - times[0]) <= ROUNDED_MS && Math.abs(tpotMs - times[1]) <= ROUNDED_MS)) {
      duplicates += 1;
      continue;
    }
    seen.set(key, [...measured, times]);
    const note = cell("silicon_data_source");
    const clients = /silicon_concurrency=(\d+)/.exec(note)?.[1];
    const sides = {
      whole: sideOf("", size),
      prefill: sideOf("prefill_", size),
      decode: sideOf("decode_", size),
    };
    const source = /source_file=([^;]+)/.exec(note)?.[1] ?? /^[^;]+/.exec(note)?.[0] ?? "";
    rows.push({
      id: cell("id"),
      source,
      measured: /measured=(\d{4}-\d\d-\d\d)/.exec(note)?.[1] ?? source,
      engine: cell("backend") as SiliconEngine,
      version: cell("backend_version"),
      label: cell("model_path"),
      model,
      device: sheet.id,
      system: cell("system"),
      products: cell("gemm_quant_mode"),
      experts: cell("moe_quant_mode"),
      mode: cell("mode") === "disagg" ? "disagg" : "agg",
      promptTokens: number("isl"),
      outputTokens: number("osl"),
      clients: clients === undefined ? undefined : Number(clients),
      ...(sides.whole && { whole: sides.whole }),
      ...(sides.prefill && { prefill: sides.prefill }),
      ...(sides.decode && { decode: sides.decode }),
      ttftMs: times[0],
      tpotMs: times[1],
    });
  }
  return { rows, duplicates };
}

/** A side's cut; undefined where its batch size or tensor degree is missing. Missing degrees are 1, as are the zeros some dumps write. */
function sideOf(prefix: string, size: (column: string) => number | undefined): SiliconSide | undefined {
  const batch = size(`${prefix}batch_size`);
  const tensor = size(`${prefix}tp_size`);
  if (!batch || !tensor) return undefined;
  const degree = (name: string): number => size(prefix + name) || 1;
  return {
    batch,
    workers: prefix === "" ? 1 : degree("num_workers"),
    tensor,
    pipeline: degree("pp_size"),
    data: degree("attention_dp_size"),
    expertTensor: degree("moe_tp_size"),
    expert: degree("moe_ep_size"),
  };
}
