import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { rowOperatorNs } from "../../operator/tile/row-operator.ts";
import { GPU_TILES } from "../../operator/tile/tile-constants.ts";
import { tileDevice } from "../../operator/tile/tile-device.ts";
import { tileProduct } from "../../operator/tile/tile-product.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import { type MeasuredRow, readMatmulRows, readRateRows, readSecondsRows } from "./llmcompass-rows.ts";

/**
 * Time that the origin's programs took to hand an operator to the device, measured by the origin beside the tables. Units: ns.
 *
 * Source: LLMCompass hardware_model/compute_module.py at 2e015fd, overheads of the A100: 21, 12, 45 and 45 µs.
 */
const DISPATCH_NS = { matmul: 21_000, softmax: 12_000, layernorm: 45_000, gelu: 45_000 } as const;
/** Reads of a row by each operator: largest, sum and results; moments and results; results. */
const READS = { softmax: 3, layernorm: 2, gelu: 1 } as const;
/** GELU has no rows; pieces of this many elements stand for them. */
const PIECE = 4096;
const HALF_BYTES = 2;
/** GPT-3 over 4 devices, batch 8, 2,048 tokens (llmcompass-real/README.md). */
const LAYER = { width: 12_288, inner: 12_288, qkv: 9216, headsOfAll: 192, headDim: 128, batch: 8, tokens: 2048, shards: 4 } as const;

/** Texts of llmcompass-real, by what they hold. */
export interface LlmcompassTexts {
  readonly matmul: string;
  readonly softmax: string;
  readonly layernorm: string;
  readonly gelu: string;
  readonly layerPrefill: string;
  readonly layerDecode: string;
}

/** How well the tile-level model meets measured operators of an A100 that nothing of it was fitted on, kernels alone and with the origin's dispatch. */
export function llmcompassAccuracy(texts: LlmcompassTexts, sheet = deviceSheet("a100-sxm")): readonly AccuracyRow[] {
  const found = tileDevice(sheet);
  if (!found.ok) return [];
  const device = found.value;
  const flopsPerNs = device.flopsPerNs.f16 ?? Number.NaN;
  const product = (m: number, n: number, k: number, count = 1): number =>
    tileProduct(device, GPU_TILES, { m, n, k, count, bytes: HALF_BYTES, flopsPerNs }).ns;
  const rowWise = (kind: keyof typeof READS, rows: number, columns: number): number =>
    rowOperatorNs(device, GPU_TILES, { rows, columns, bytes: HALF_BYTES, reads: READS[kind] }) + DISPATCH_NS[kind];
  const line = (family: string, protocol: string, pairs: readonly PredictedMeasured[], published: string): AccuracyRow => ({
    dataSet: "llmcompass-real",
    protocol,
    family,
    device: sheet.name,
    engine: "PyTorch kernels",
    excluded: {},
    ...errorFigures(pairs),
    published,
  });
  const matmul = readMatmulRows(texts.matmul, "matmul_A100.csv");
  const products = (dispatch: number): PredictedMeasured[] =>
    matmul.map(({ sizes, ns }) => ({ predicted: product(sizes[0]!, sizes[1]!, sizes[2]!) + dispatch, measured: ns }));
  const rows: AccuracyRow[] = [
    line("product f16", "no fit to these data; kernel alone", products(0), PUBLISHED),
    line("product f16", `${WITH_DISPATCH}, 21 µs`, products(DISPATCH_NS.matmul), PUBLISHED),
  ];
  for (const kind of ["softmax", "layernorm", "gelu"] as const) {
    const pairs = readRateRows(texts[kind], `${kind}_A100.csv`).map((row) => {
      const { rows, columns } = sidesOf(row);
      return { predicted: rowWise(kind, rows, columns), measured: row.ns };
    });
    rows.push(line(kind, `${WITH_DISPATCH}, ${DISPATCH_NS[kind] / 1000} µs`, pairs, PUBLISHED));
  }
  for (const phase of ["prefill", "decode"] as const) {
    const measured = readSecondsRows(phase === "prefill" ? texts.layerPrefill : texts.layerDecode, `transformer ${phase}`).slice(0, 10);
    const predicted = layerOperators(phase, product, rowWise);
    const sum = (times: readonly number[]): number => times.reduce((total, ns) => total + ns, 0);
    const layer = [{ predicted: sum(predicted), measured: sum(measured) }];
    const operators = predicted.map((ns, i) => ({ predicted: ns, measured: measured[i] ?? Number.NaN }));
    rows.push(line(`GPT-3 layer ${phase}, operators`, WITH_DISPATCH, operators, PUBLISHED));
    rows.push(line(`GPT-3 layer ${phase}, sum`, WITH_DISPATCH, layer, PUBLISHED));
  }
  return rows;
}

const PUBLISHED = "10.9 % over operators (LLMCompass, arXiv 2312.03134)";
const WITH_DISPATCH = "no fit to these data; with the origin's own dispatch time";

function sidesOf(row: MeasuredRow): { readonly rows: number; readonly columns: number } {
  const [rows, columns] = row.sizes;
  if (columns !== undefined) return { rows: rows!, columns };
  return { rows: Math.max(1, rows! / PIECE), columns: Math.min(PIECE, rows!) };
}

/** The ten operators of a layer without its collectives, in the order of the file. */
function layerOperators(
  phase: "prefill" | "decode",
  product: (m: number, n: number, k: number, count?: number) => number,
  rowWise: (kind: keyof typeof READS, rows: number, columns: number) => number,
): number[] {
  const { width, inner, qkv, headsOfAll, headDim, batch, tokens, shards } = LAYER;
  const queries = phase === "prefill" ? tokens : 1;
  const rows = batch * queries;
  const dense = (n: number, k: number, count?: number, m = rows): number => product(m, n, k, count) + DISPATCH_NS.matmul;
  return [
    dense(qkv, width),
    dense(tokens, headDim, headsOfAll, queries),
    dense(headDim, tokens, headsOfAll, queries),
    dense(width, width / shards),
    dense(inner, width),
    dense(width, inner),
    rowWise("softmax", headsOfAll * queries, tokens),
    rowWise("layernorm", rows, width),
    rowWise("layernorm", rows, width),
    rowWise("gelu", rows, inner),
  ];
}
