import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { readOperatorTable } from "../../import/aiconfigurator/read-operator-table.ts";
import { readCsvColumns } from "../../import/csv/numeric-csv.ts";
import { readLayerTables } from "../../import/llmservingsim/read-layer-tables.ts";
import { isLinkQuery } from "../../operator/operator-query.ts";
import { type ConstantSlot, slotOf } from "../../operator/physics/constant-slot.ts";
import { deviceFigures } from "../../operator/physics/device-figures.ts";
import { type MeasuredTime, usable } from "../../operator/physics/fit/fit-constants.ts";
import { impossible, type RowFault } from "../../operator/plausible-rows.ts";
import type { DeviceSet } from "./device-set.ts";
import { layerOperators, type ProfiledDecoder } from "./layer-operators.ts";

/** Files of public measurements by their paths, one folder a data set. */
export interface MeasurementFiles {
  has(path: string): boolean;
  text(path: string): string;
  bytes(path: string): Uint8Array;
}

const AIC_SYSTEMS = [
  ["a100_sxm", "0.14.0", "a100-sxm"],
  ["h100_sxm", "0.19.0", "h100-sxm"],
  ["h200_sxm", "0.19.0", "h200-sxm"],
  ["b200_sxm", "0.19.0", "b200-sxm"],
] as const;
/** Tables, with the first word of the slots whose rows they hold. */
const AIC_TABLES = [
  ["gemm", "gemm_perf", "product"],
  ["attention", "context_attention_perf", "prefill-attention"],
  ["attention", "generation_attention_perf", "decode-attention"],
  ["mla", "mla_context_module_perf", "latent-attention"],
  ["mla", "mla_generation_module_perf", "latent-attention"],
  ["moe", "moe_perf", "experts"],
] as const;
const NO_ATTENTION = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n";

const LLAMA_8B = { width: 4096, inner: 14_336, heads: 32, kvHeads: 8, headDim: 128, vocabulary: 128_256 };
const QWEN_32B = { width: 5120, inner: 25_600, heads: 64, kvHeads: 8, headDim: 128, vocabulary: 151_936 };
const LSS_FOLDERS: readonly (readonly [string, string, Omit<ProfiledDecoder, "shards">, number])[] = [
  ["RTX4090/meta-llama/Llama-3.1-8B", "rtx-4090", LLAMA_8B, 1],
  ["RTXPRO6000/meta-llama/Llama-3.1-8B", "rtx-pro-6000", LLAMA_8B, 1],
  ["RTXPRO6000/meta-llama/Llama-3.1-8B", "rtx-pro-6000", LLAMA_8B, 2],
  ["RTXPRO6000/Qwen/Qwen3-32B", "rtx-pro-6000", QWEN_32B, 1],
  ["RTXPRO6000/Qwen/Qwen3-32B", "rtx-pro-6000", QWEN_32B, 2],
];
const VIDUR_FOLDERS: readonly (readonly [string, string])[] = [
  ["a100/meta-llama/Llama-2-7b-hf", "a100-sxm"],
  ["a100/meta-llama/Llama-2-70b-hf", "a100-sxm"],
  ["a100/meta-llama/Meta-Llama-3-8B", "a100-sxm"],
  ["a100/meta-llama/Meta-Llama-3-70B", "a100-sxm"],
  ["h100/meta-llama/Llama-2-7b-hf", "h100-sxm"],
  ["h100/meta-llama/Llama-2-70b-hf", "h100-sxm"],
  ["h100/Qwen/Qwen-72B", "h100-sxm"],
];

/** All sets that are there; at most `perSlot` rows of each kind of operator a set, chosen evenly along the files; files without wanted kinds are not read. */
export async function publicOperatorSets(
  files: MeasurementFiles,
  perSlot: number,
  slots?: readonly ConstantSlot[],
): Promise<readonly DeviceSet[]> {
  const wants = (word: string): boolean => slots === undefined || slots.some((slot) => slot.startsWith(word));
  const sets: DeviceSet[] = [];
  for (const [system, version, id] of AIC_SYSTEMS) {
    const rows: MeasuredTime[] = [];
    for (const [op, name, word] of AIC_TABLES) {
      if (!wants(word)) continue;
      const file = `aiconfigurator-ops/${system}/${op}/vllm/${version}/${name}.parquet`;
      if (!files.has(file)) continue;
      for (const { query, ns } of (await readOperatorTable(files.bytes(file), file)).rows) {
        if (!isLinkQuery(query)) rows.push({ query, ns });
      }
    }
    if (rows.length > 0) sets.push(setOf("aiconfigurator-ops", `vLLM ${version}`, id, rows, perSlot));
  }
  const byDevice = new Map<string, MeasuredTime[]>();
  for (const [folder, id, decoder, shards] of LSS_FOLDERS) {
    const path = `llmservingsim-bench/profiler/perf/${folder}/bf16/tp${shards}`;
    if (!files.has(path)) continue;
    const text = (name: string): string => files.text(`${path}/${name}`);
    const tables = readLayerTables(
      {
        dense: text("dense.csv"),
        perSequence: text("per_sequence.csv"),
        attention: wants("prefill") || wants("decode") ? text("attention.csv") : NO_ATTENTION,
      },
      folder,
    );
    byDevice.set(id, [...(byDevice.get(id) ?? []), ...layerOperators(tables, { ...decoder, shards })]);
  }
  for (const [id, rows] of byDevice) sets.push(setOf("llmservingsim-bench", "vLLM 0.19.0", id, rows, perSlot));
  const vidur = new Map<string, MeasuredTime[]>();
  for (const [folder, id] of VIDUR_FOLDERS) {
    const file = `vidur-profile/data/profiling/compute/${folder}/mlp.csv`;
    if (files.has(file)) vidur.set(id, [...(vidur.get(id) ?? []), ...vidurRows(files.text(file), file)]);
  }
  for (const [id, rows] of vidur) sets.push(setOf("vidur-profile", "vLLM and PyTorch kernels of 2024", id, rows, perSlot));
  return sets;
}

/** A set of the rows of a table that its device can have produced, by one rule for all devices and kinds: none of the others is fitted on, probed or scored. */
function setOf(dataSet: string, engine: string, id: string, rows: readonly MeasuredTime[], perSlot: number): DeviceSet {
  const sheet = deviceSheet(id);
  const bySlot = new Map<ConstantSlot, MeasuredTime[]>();
  for (const row of usable({ device: deviceFigures(sheet), rows }).rows) {
    const slot = slotOf(row.query);
    const list = bySlot.get(slot);
    if (list === undefined) bySlot.set(slot, [row]);
    else list.push(row);
  }
  const left: Partial<Record<ConstantSlot, Partial<Record<RowFault, number>>>> = {};
  const kept = [...bySlot].flatMap(([slot, list]) => {
    const step = Math.max(1, list.length / perSlot);
    const taken = Array.from({ length: Math.min(list.length, perSlot) }, (_, i) => list[Math.floor(i * step)]!);
    const counts: Partial<Record<RowFault, number>> = {};
    left[slot] = counts;
    return taken.filter((row) => {
      const fault = impossible(row, sheet)?.fault;
      if (fault !== undefined) counts[fault] = (counts[fault] ?? 0) + 1;
      return fault === undefined;
    });
  });
  return { dataSet, engine, sheet, rows: kept, impossible: left, ...(id === "h200-sxm" ? { faulty: FAULTY_H200 } : {}) };
}

/**
 * The H200's prefill table is not of what its columns name: a window of 128 tokens takes as long as none, and 32 query heads over 1 head of keys take 1/120 of
 * their time over 32 (4 x 4,096 tokens: 0.02 and 2.5 ms; on the H100, which has the same cores, 0.9 ms both). So also rows that the peak allows are faulty.
 */
const FAULTY_H200: readonly ConstantSlot[] = ["prefill-attention"];

/** Products of Vidur's profile: name, and sides from the model's sizes on one of `tp` devices. */
function vidurRows(text: string, file: string): MeasuredTime[] {
  const timed = ["attn_pre_proj", "attn_post_proj", "mlp_up_proj", "mlp_down_proj", "add"].map((name) => `time_stats.${name}.median`);
  const sizes = ["n_head", "n_kv_head", "n_embd", "n_expanded_embd", "num_tokens", "num_tensor_parallel_workers"];
  const columns = readCsvColumns(text, { file, numbers: [...timed, ...sizes] });
  const rows: MeasuredTime[] = [];
  for (let i = 0; i < columns.count; i++) {
    const at = (name: string): number => columns.numbers[name]![i]!;
    const [heads, kvHeads, width, inner, m, tp] = sizes.map(at) as [number, number, number, number, number, number];
    const headDim = width / heads;
    const q = Math.ceil(heads / tp) * headDim;
    const kv = Math.ceil(kvHeads / tp) * headDim;
    const sides = [
      [q + 2 * kv, width],
      [width, q],
      [(2 * inner) / tp, width],
      [width, inner / tp],
    ];
    sides.forEach(([n, k], product) => {
      const ns = at(timed[product]!) * 1e6;
      if (ns > 0) rows.push({ query: { op: "product", m, n: n!, k: k!, type: "f16" }, ns });
    });
    const ns = at(timed[4]!) * 1e6;
    if (ns > 0) rows.push({ query: { op: "stream", bytes: m * width * 6 }, ns });
  }
  return rows;
}
