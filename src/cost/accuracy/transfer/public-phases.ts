import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { readCsvColumns } from "../../import/csv/numeric-csv.ts";
import type { PhaseSet, PhaseTime } from "./phase-transfer.ts";
import type { MeasurementFiles } from "./public-operators.ts";
import type { TimedDecoder } from "./served-layer.ts";

const LLAMA_30B: TimedDecoder = {
  name: "LLaMA-30B",
  layers: 60,
  width: 6656,
  inner: 17_920,
  inputProducts: 2,
  heads: 52,
  kvHeads: 52,
  headDim: 128,
  type: "f16",
};
const LLAMA_70B: TimedDecoder = {
  name: "Llama-2-70B",
  layers: 80,
  width: 8192,
  inner: 28_672,
  inputProducts: 2,
  heads: 64,
  kvHeads: 8,
  headDim: 128,
  type: "f16",
};
const BLOOM: TimedDecoder = {
  name: "BLOOM-176B",
  layers: 70,
  width: 14_336,
  inner: 57_344,
  inputProducts: 1,
  heads: 112,
  kvHeads: 112,
  headDim: 128,
  type: "f16",
};
const HELIX_DEVICES = [
  ["a100", "a100-sxm-40"],
  ["v100", "v100-sxm"],
  ["l4", "l4"],
  ["t4", "t4"],
] as const;
/** Tokens of a prompt and of a context of Helix's requests: 763 in and 232 out in the mean; its tables do not say what they were timed with. */
const HELIX_PROMPT = 763;
const HELIX_CONTEXT = 879;
const NS_PER_MS = 1e6;

/** Prompt times are whole ms: below this their rounding is more than 17 %. */
const PROMPT_MS_MIN = 3;

/** One layer of two models on four devices. */
export function helixPhases(files: MeasurementFiles): readonly PhaseSet[] {
  return HELIX_DEVICES.flatMap(([folder, id]) => {
    const times: PhaseTime[] = [];
    let short = 0;
    for (const [model, decoder] of [
      ["llama1_30b", LLAMA_30B],
      ["llama2_70b", LLAMA_70B],
    ] as const) {
      const base = `helix-asplos25/simulator/model_manager/${model}/${folder}`;
      if (!files.has(base)) continue;
      for (const [size, ms] of pairs(files.text(`${base}/prompt_bs2time.csv`))) {
        const batch = Math.max(1, size / HELIX_PROMPT);
        const at = { phase: "prompt", batch, tokens: size / batch, context: 0 } as const;
        if (ms >= PROMPT_MS_MIN) times.push({ at, decoder, shards: 1, layers: 1, ns: ms * NS_PER_MS });
        else short++;
      }
      for (const [batch, ms] of pairs(files.text(`${base}/decode_bs2time.csv`))) {
        const at = { phase: "token", batch, tokens: 1, context: HELIX_CONTEXT } as const;
        if (ms > 0) times.push({ at, decoder, shards: 1, layers: 1, ns: ms * NS_PER_MS });
      }
    }
    const excluded = { "prompt below 3 ms, in steps of 1 ms": short };
    return times.length === 0
      ? []
      : [{ dataSet: "helix-asplos25", engine: "vLLM of 2024 (Helix)", sheet: deviceSheet(id), times, excluded }];
  });
}

function pairs(text: string): readonly (readonly [number, number])[] {
  return text
    .split("\n")
    .map((line) => line.split(",").map(Number))
    .flatMap(([size = 0, ms = 0]) => (size > 0 && ms > 0 ? [[size, ms] as const] : []));
}

/** Prompt and token times of two models on groups of A100 and H100. */
export function splitwisePhases(files: MeasurementFiles): readonly PhaseSet[] {
  const file = "splitwise-profile/perf_model.csv";
  if (!files.has(file)) return [];
  const columns = readCsvColumns(files.text(file), {
    file,
    numbers: ["prompt_size", "batch_size", "token_size", "prompt_time", "token_time", "tensor_parallel"],
    texts: ["model", "hardware"],
  });
  return (
    [
      ["a100-80gb", "a100-sxm"],
      ["h100-80gb", "h100-sxm"],
    ] as const
  ).map(([hardware, id]) => {
    const times: PhaseTime[] = [];
    for (let i = 0; i < columns.count; i++) {
      if (columns.texts.hardware[i] !== hardware) continue;
      const at = (name: keyof typeof columns.numbers): number => columns.numbers[name][i]!;
      const decoder = columns.texts.model[i] === "bloom-176b" ? BLOOM : LLAMA_70B;
      const batch = at("batch_size");
      const shared = { decoder, shards: at("tensor_parallel"), layers: decoder.layers };
      const tokens = at("prompt_size");
      times.push({ ...shared, at: { phase: "prompt", batch, tokens, context: 0 }, ns: at("prompt_time") * NS_PER_MS });
      const context = tokens + at("token_size") / 2;
      times.push({ ...shared, at: { phase: "token", batch, tokens: 1, context }, ns: at("token_time") * NS_PER_MS });
    }
    return { dataSet: "splitwise-profile", engine: "vLLM and DeepSpeed of 2023 (Splitwise)", sheet: deviceSheet(id), times, excluded: {} };
  });
}
