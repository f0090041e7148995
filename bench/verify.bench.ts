/** The simulator against the live fleet: one arrival list under both at three loads and three seeds, after a few live runs to learn from. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { must } from "../src/base/assert.ts";
import { quantile } from "../src/base/statistics.ts";
import { makeLocalPlan } from "../src/cli/up.ts";
import type { ComparedFigure, Verification } from "../src/cli/verification.ts";

import { type VerifyInput, verifyPlan } from "../src/cli/verify-run.ts";
import { correctionOf, RUNS_KEPT } from "../src/execute/calibrate/calibration-store.ts";
import { besideSlowdown } from "../src/execute/calibrate/prepare-plan.ts";
import { planCosts } from "../src/execute/fleet-host/plan-costs.ts";
import { DEFAULT_MODEL } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const LOADS: readonly number[] = [0.3, 0.6, 0.9];
/** Runs that teach the correction before the first that is judged; their seeds are not among the judged ones. */
const LESSONS = [
  { load: 0.3, seed: 101 },
  { load: 0.6, seed: 102 },
  { load: 0.9, seed: 103 },
];
const TTFT_ERROR_MAX = 0.25;
const TPOT_ERROR_MAX = 0.1;
const COVERAGE = { min: 0.8, max: 0.97 };
const HALF_WIDTH_MAX = 0.3;

export const bench: Bench = {
  name: "verify",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const { values } = parseArgs({
      args: [...rest],
      options: {
        seconds: { type: "string", default: "40" },
        seeds: { type: "string", default: "3" },
        runs: { type: "string", default: "60" },
        // A file that keeps what was run, so that the bench can be run in pieces of `count` runs.
        continue: { type: "string" },
        count: { type: "string", default: "1000" },
        model: { type: "string", default: DEFAULT_MODEL },
      },
    });
    const seconds = Number(values.seconds);
    const runs = Number(values.runs);
    const made = await makeLocalPlan({ model: values.model });
    const model = openDecoderModel(made.modelPath);
    const plain = planCosts(made.plan, model, made.rack).map(({ correction: _learned, ...cost }) => cost);
    const kept = values.continue;
    const known: Verification[] = kept === undefined || !existsSync(kept) ? [] : (JSON.parse(readFileSync(kept, "utf8")) as Verification[]);
    const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
    const all = [...LESSONS, ...seeds.flatMap((seed) => LOADS.map((load) => ({ load, seed })))];
    const inputNow = (): VerifyInput => ({
      ...made,
      model,
      costs: corrected({ ...made, model, costs: plain }, plain, known.slice(-RUNS_KEPT)),
    });
    for (const { load, seed } of all.slice(known.length, known.length + Number(values.count))) {
      const verification = await verifyPlan(inputNow(), { load, seed, seconds, runs, signal: new AbortController().signal });
      note(lineOf(verification));
      // As with `heddle verify`: what a run showed is known to those after it, and no run to itself.
      known.push(verification);
      if (kept !== undefined) writeFileSync(kept, JSON.stringify(known));
    }
    return reportOf(known.slice(LESSONS.length), inputNow());
  },
};

/** Costs with what earlier runs taught, replica by replica. */
function corrected({ plan, rack }: VerifyInput, plain: VerifyInput["costs"], known: readonly Verification[]): VerifyInput["costs"] {
  return plain.map((cost, replica) => {
    const observed = known.map((one) => must(one.observed[replica], "each run observes each replica"));
    const slowdown = besideSlowdown(rack, must(plan.replicas[replica], "a replica of the plan").stages);
    const correction = correctionOf(observed, { slowdown, nowMs: Date.now() });
    return correction === undefined ? cost : { ...cost, correction };
  });
}

function reportOf(judged: readonly Verification[], { plan, costs }: VerifyInput): BenchReport {
  if (judged.length === 0) return { setup: ["lessons only"], figures: [] };
  const all = judged.flatMap((one) => one.comparison.figures);
  const figures: Figure[] = [
    { name: "median error of the median TTFT", value: errorOf(all, "TTFT"), unit: "", floor: { max: TTFT_ERROR_MAX } },
    { name: "median error of the median TPOT", value: errorOf(all, "TPOT"), unit: "", floor: { max: TPOT_ERROR_MAX } },
    { name: "live figures inside their 90 % bar", value: all.filter((one) => one.covered).length / all.length, unit: "", floor: COVERAGE },
    { name: "median half-width of the bars", value: middle(all.map((one) => one.halfWidth)), unit: "", floor: { max: HALF_WIDTH_MAX } },
  ];
  for (const load of new Set(judged.map((one) => one.load))) {
    const part = judged.filter((one) => one.load === load).flatMap((one) => one.comparison.figures);
    for (const metric of ["TTFT", "TPOT"] as const) {
      figures.push({ name: `error of ${metric} at ${Math.round(load * 100)} %`, value: errorOf(part, metric), unit: "" });
    }
  }
  const stages = plan.replicas.map((replica) =>
    replica.stages.map((stage) => `${stage.device} ${stage.prefillFormat}/${stage.decodeFormat}`).join(" then "),
  );
  const spread = costs[0]?.correction;
  return {
    setup: [
      `${plan.model.name}: ${stages.join(" and ")}`,
      `${judged.length} runs of prompts 50-600 and outputs 20-120 tokens, bars over ${judged[0]?.runs} simulated runs; errors are |simulated - live| / live`,
      ...(spread === undefined
        ? []
        : [
            `learned in the end: decode x ${spread.decodeFactor.toFixed(2)}, prefill x ${spread.prefillFactor.toFixed(2)}, both x ${spread.mixedFactor.toFixed(2)}, beside other cores at work x ${(spread.besideSlowdown ?? 1).toFixed(2)}, ±${(spread.systematic * 100).toFixed(0)} % between runs`,
          ]),
    ],
    figures,
  };
}

function errorOf(figures: readonly ComparedFigure[], metric: ComparedFigure["metric"]): number {
  return middle(figures.filter((one) => one.metric === metric && one.statistic === "p50").map((one) => Math.abs(one.error)));
}

function middle(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function lineOf({ load, seed, requests, finished, speed, comparison }: Verification): string {
  const errors = comparison.figures.map(
    (one) =>
      `${one.metric} ${one.statistic} ${one.error >= 0 ? "+" : ""}${(one.error * 100).toFixed(0)} %${one.covered ? "" : " (outside)"}`,
  );
  const speeds = [speed.before, speed.after].map((one) => (one === undefined ? "?" : (1 / one.timeRatio).toFixed(2))).join(" then ");
  return `load ${load}, seed ${seed}: ${finished} of ${requests} requests, speed ${speeds} (weight ${speed.probeWeight.toFixed(2)}), ${errors.join(", ")}, ${(comparison.coverage * 100).toFixed(0)} % inside, ±${(comparison.halfWidth * 100).toFixed(0)} %`;
}
