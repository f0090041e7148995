import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { A100_POWER, type PowerConstants, powerShare } from "../../energy/board-power.ts";
import { readCsvColumns } from "../../import/csv/numeric-csv.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

/** Parameters, and keys and values a token, of the two models. Bytes of 16-bit types. */
const MODELS: Readonly<Record<string, { readonly parameters: number; readonly kvBytes: number }>> = {
  "llama2-70b": { parameters: 69e9, kvBytes: 2 * 80 * 1024 * 2 },
  "bloom-176b": { parameters: 176e9, kvBytes: 2 * 70 * 14_336 * 2 },
};
const BYTES = 2;
/** Longer prompts show averages that fall with length: the samples include time before the run. */
const PROMPT_MAX = 1024;
/** Power constants searched when one group is left out. */
const MEMORY_SHARES = [0.66, 0.7, 0.74, 0.78, 0.82];
const EXPONENTS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

interface PowerRow {
  readonly group: string;
  readonly share: number;
  readonly phases: readonly { readonly ns: number; readonly memory: number; readonly compute: number }[];
}

/** Average power of served models on A100 boards, each (model, TP) predicted with constants fitted on the others, from the measured times of its phases. */
export function splitwisePowerAccuracy(text: string): readonly AccuracyRow[] {
  const { rows, excluded } = powerRows(text);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const pairs = groups.flatMap((group) => {
    const constants = fitPower(rows.filter((row) => row.group !== group));
    return rows
      .filter((row) => row.group === group)
      .map((row) => ({ predicted: meanShare(constants, row), measured: row.share, spread: A100_POWER.spread }));
  });
  return [
    {
      dataSet: "splitwise-profile",
      protocol: "model and TP left out in turn; measured times, data-sheet rates",
      family: "average board power",
      device: deviceSheet("a100-sxm").name,
      engine: "vLLM of 2023 (Splitwise)",
      excluded,
      ...errorFigures(pairs satisfies readonly PredictedMeasured[]),
      published: "0.97 % combined energy (LLMServingSim), 9.3 to 13.2 % (EnergyLens)",
    },
  ];
}

/** The constants of least mean error on a grid; idle and compute shares stay. */
export function fitPower(rows: readonly PowerRow[]): PowerConstants {
  let best = A100_POWER;
  let least = Infinity;
  for (const memory of MEMORY_SHARES) {
    for (const exponent of EXPONENTS) {
      const constants = { ...A100_POWER, memory, exponent };
      const loss = rows.reduce((sum, row) => sum + Math.abs(meanShare(constants, row) / row.share - 1), 0);
      if (loss < least) {
        best = constants;
        least = loss;
      }
    }
  }
  return best;
}

function meanShare(constants: PowerConstants, { phases }: PowerRow): number {
  let joules = 0;
  let ns = 0;
  for (const phase of phases) {
    joules += phase.ns * powerShare(constants, phase);
    ns += phase.ns;
  }
  return joules / ns;
}

export function powerRows(text: string): { readonly rows: readonly PowerRow[]; readonly excluded: Readonly<Record<string, number>> } {
  const columns = readCsvColumns(text, {
    file: "perf_model.csv",
    numbers: ["prompt_size", "batch_size", "token_size", "average_power", "prompt_time", "token_time", "tensor_parallel"],
    texts: ["model", "hardware"],
  });
  const sheet = deviceSheet("a100-sxm");
  const memoryRate = sheet.memory.bandwidthBytesPerSecond.value / 1e9;
  const peak = (sheet.peaks.f16?.value ?? Number.NaN) / 1e9;
  const rows: PowerRow[] = [];
  const excluded = { "no power measured": 0, "prompt over 1,024 tokens": 0 };
  for (let i = 0; i < columns.count; i++) {
    const at = (name: keyof typeof columns.numbers): number => columns.numbers[name][i]!;
    const name = columns.texts.model[i]!;
    const model = MODELS[name];
    if (columns.texts.hardware[i] !== "a100-80gb" || model === undefined || at("average_power") <= 0) {
      excluded["no power measured"]++;
      continue;
    }
    if (at("prompt_size") > PROMPT_MAX) {
      excluded["prompt over 1,024 tokens"]++;
      continue;
    }
    const tp = at("tensor_parallel");
    const batch = at("batch_size");
    const prompt = at("prompt_size");
    const weights = (model.parameters * BYTES) / tp;
    const promptNs = at("prompt_time") * 1e6;
    const tokenNs = at("token_time") * 1e6;
    const read = weights + (batch * (prompt + at("token_size") / 2) * model.kvBytes) / tp;
    const flops = (tokens: number): number => (2 * model.parameters * tokens) / tp;
    rows.push({
      group: `${name} TP ${tp}`,
      share: at("average_power"),
      phases: [
        { ns: promptNs, memory: weights / promptNs / memoryRate, compute: flops(batch * prompt) / promptNs / peak },
        { ns: tokenNs * (at("token_size") - 1), memory: read / tokenNs / memoryRate, compute: flops(batch) / tokenNs / peak },
      ],
    });
  }
  return { rows, excluded };
}
