/** Joint data-, tensor- and pipeline-parallel plans for BERT-32 on A100 beside the reference results of the data folder. */
import { existsSync } from "node:fs";
import { evaluatePipeline } from "../src/plan/pipeline-parallel/evaluate.ts";
import { planPipeline } from "../src/plan/pipeline-parallel/plan-pipeline.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";
import { readPipelineInput } from "./piper-inputs.ts";

const DATA = "../shared/data/piper";
const SECONDS = 60;
/** The reference was computed with memory and bandwidth in powers of two: 8 GB is 8 GiB, 25 GB/s is 25 GiB/s. */
const GIB = 1024 ** 3;
const GIB_SHARE = GIB / 1e9;
/** Digits to which a reference value is given, as a share. */
const ROUNDING = 2.5e-4;

/** Time per microbatch of the slowest stage, by the origin's algorithm: from the README of the data folder. */
const REFERENCE: readonly { readonly gib: number; readonly devices: number; readonly value: number; readonly seconds?: number }[] = [
  { gib: 2, devices: 8, value: Infinity },
  { gib: 2, devices: 64, value: 0.03203, seconds: 0.13 },
  { gib: 2, devices: 512, value: 0.003668, seconds: 2.0 },
  { gib: 8, devices: 8, value: 0.16586, seconds: 0.04 },
  { gib: 8, devices: 64, value: 0.0202, seconds: 0.16 },
  { gib: 8, devices: 512, value: 0.002561, seconds: 2.0 },
  { gib: 80, devices: 8, value: 0.12201 },
  { gib: 80, devices: 64, value: 0.01565, seconds: 0.23 },
  { gib: 80, devices: 512, value: 0.0022725, seconds: 3.0 },
];

export const bench: Bench = {
  name: "piper",
  run: async ({ note }): Promise<BenchReport> => {
    const folder = process.env["HEDDLE_PIPER_DATA"] ?? DATA;
    if (!existsSync(folder)) return { setup: [`left out: no data in ${folder} (HEDDLE_PIPER_DATA names another folder)`], figures: [] };
    return {
      setup: [
        `time per microbatch of the slowest stage, BERT-32 on A100, 1,920 microbatches; at most ${SECONDS} s of CPU time each, one thread`,
      ],
      figures: REFERENCE.flatMap((reference) => measure(`${folder}/inputs/bert32a100.json`, reference, note)),
    };
  },
};

function measure(
  path: string,
  { gib, devices, value: known, seconds }: (typeof REFERENCE)[number],
  note: (text: string) => void,
): readonly Figure[] {
  const name = `${gib} GiB, ${devices} devices`;
  const problem = readPipelineInput(path, { devices, memoryBytes: gib * GIB, unitSeconds: GIB_SHARE });
  const spent = cpuTimer();
  const found = planPipeline(problem, { shouldStop: () => spent() > SECONDS });
  const took = spent();
  if (!found.ok) {
    note(
      `${name}: no plan (${found.error.proven ? "proven" : "not found"}; reference ${known === Infinity ? "none either" : known}), ${took.toFixed(2)} s`,
    );
    return [{ name: `${name}: a plan, as the reference has`, value: 0, unit: "of 1", floor: known === Infinity ? { max: 0 } : { min: 1 } }];
  }
  const { value, bound, gap, method, moves, stages } = found.value;
  const breaches = evaluatePipeline(problem, stages).breaches.length;
  note(
    `${name}: ${value.toPrecision(7)} (reference ${known}), bound ${bound.value.toPrecision(7)} (${bound.method}), gap ${(100 * gap).toFixed(2)} %, ` +
      `${stages.length} stages (${method}), ${(moves / 1e6).toFixed(1)} M moves, ${took.toFixed(2)} s${seconds === undefined ? "" : ` (reference ${seconds} s in C++)`}`,
  );
  return [
    { name: `${name}: value / reference`, value: value / known, unit: "x", floor: { max: 1 + ROUNDING } },
    { name: `${name}: gap`, value: gap, unit: "share", floor: { max: 0 } },
    { name: `${name}: rules broken`, value: breaches, unit: "", floor: { max: 0 } },
  ];
}
