/** Layers on clusters of unlike machines by maximum flow: our evaluator on the published placements, and our placements beside them. */
import { existsSync } from "node:fs";
import { HeddleError } from "../src/base/heddle-error.ts";
import { evaluatePlacement } from "../src/plan/layer-flow/evaluate.ts";
import { placeForServing } from "../src/plan/layer-flow/place-for-serving.ts";
import { type LayerFlowPlan, placeLayers } from "../src/plan/layer-flow/place-layers.ts";
import { flowScorer } from "../src/plan/layer-flow/placement-flow.ts";
import type { LayerFlowProblem, Placement } from "../src/plan/layer-flow/problem.ts";
import { type ServedFlow, servedFlow, THOROUGH } from "../src/plan/layer-flow/serve-placement.ts";
import { type ServingModel, timedProblem } from "../src/plan/layer-flow/serving.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";
import { type FlowModel, readCluster, readObjective, readPlacement, readRates } from "./helix-inputs.ts";
import { readServing } from "./helix-serving-inputs.ts";

const DATA = "../shared/data/helix-asplos25";
const SECONDS = 60;
/** A stored objective has 17 digits, the one that is only printed has seven. */
const DIGITS = 1e-9;
const PRINTED = 1e-6;
/** What the search may leave open in the time given. */
const GAP_MAX = 0.01;

const LLAMA_70B: FlowModel = { layers: 80, activationBytes: 16384, tokenBytes: 2 };
const LLAMA_30B: FlowModel = { layers: 60, activationBytes: 13312, tokenBytes: 2 };
/** Mean request of the published evaluation. */
const PROMPT_TOKENS = 750;
const OUTPUT_TOKENS = 240;

interface Case {
  readonly name: string;
  readonly problem: LayerFlowProblem;
  readonly placement: Placement;
  readonly published: number;
  readonly digits: number;
  readonly serving?: ServingModel;
}

type Note = (text: string) => void;

export const bench: Bench = {
  name: "helix",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const folder = process.env["HEDDLE_HELIX_DATA"] ?? DATA;
    if (!existsSync(folder)) return { setup: [`left out: no data in ${folder} (HEDDLE_HELIX_DATA names another folder)`], figures: [] };
    const seconds = Number(rest[0] ?? SECONDS);
    if (!(seconds > 0) || rest.length > 1) throw new HeddleError("usage", { detail: "option of the bench: seconds" });
    return {
      setup: [
        `tokens/s through published clusters; at most ${seconds} s of CPU time for each placement, one thread, seed 1`,
        "flow: the published objective. served: throughput under step times, KV and links, requests of 750 + 240 tokens",
      ],
      figures: cases(folder).flatMap((one) => measure(one, seconds, note)),
    };
  },
};

function cases(folder: string): readonly Case[] {
  const single = `${folder}/artifact_evaluation/single_cluster`;
  const regions = `${folder}/artifact_evaluation/distributed_clusters`;
  const layout70 = `${single}/layout_llama70b/ilp`;
  const rates70 = readRates(`${layout70}/ilp_model.lp`, `${single}/config/cluster24.ini`);
  const serve = (problem: LayerFlowProblem, layouts: string, cluster: string): ServingModel =>
    readServing(problem, {
      folder,
      model: "llama2_70b",
      layouts: `artifact_evaluation/${layouts}/layout_llama70b`,
      cluster,
      promptTokens: PROMPT_TOKENS,
      outputTokens: OUTPUT_TOKENS,
    });
  const one = readCluster(`${single}/config/cluster24.ini`, LLAMA_70B, rates70);
  const three = readCluster(`${regions}/config/3cluster24.ini`, LLAMA_70B, rates70);
  return [
    {
      name: "70B, one region",
      problem: one,
      placement: readPlacement(`${layout70}/ilp_sol.ini`, one.machines.length),
      published: readObjective(`${layout70}/ilp_solution.sol`),
      digits: DIGITS,
      serving: serve(one, "single_cluster", `${single}/config/cluster24.ini`),
    },
    {
      name: "70B, three regions",
      problem: three,
      placement: readPlacement(`${regions}/layout_llama70b/ilp/ilp_sol.ini`, three.machines.length),
      // The data set has no solution file for it: the value its README prints.
      published: 1212.177,
      digits: PRINTED,
      serving: serve(three, "distributed_clusters", `${regions}/config/3cluster24.ini`),
    },
    ...["a100", "l4", "t4"].map((kind): Case => {
      const layout = `${single}/layout_llama30b/ilp/${kind}`;
      const cluster = `${single}/config/${kind}.ini`;
      const problem = readCluster(cluster, LLAMA_30B, readRates(`${layout}/ilp_model.lp`, cluster));
      return {
        name: `30B, ${kind} only`,
        problem,
        placement: readPlacement(`${layout}/ilp_sol.ini`, problem.machines.length),
        published: readObjective(`${layout}/ilp_solution.sol`),
        digits: DIGITS,
      };
    }),
  ];
}

function measure(one: Case, seconds: number, note: Note): readonly Figure[] {
  const spent = cpuTimer();
  const plan = placeLayers(one.problem, { moves: Infinity, shouldStop: () => spent() > seconds });
  const figures = flowFigures(one, { plan, took: spent() }, note);
  return [...figures, ...servedFigures(one, { flowed: plan, seconds }, note)];
}

function flowFigures(
  { name, problem, placement, published, digits }: Case,
  { plan, took }: { readonly plan: LayerFlowPlan; readonly took: number },
  note: Note,
): readonly Figure[] {
  const theirs = evaluatePlacement(problem, placement);
  const { value, bound, gap, method, moves } = plan;
  note(
    `${name}: flow ${value.toFixed(3)} (published ${published.toFixed(3)}, evaluated ${theirs.flow.toFixed(3)}), bound ${bound.toFixed(3)}, ` +
      `gap ${(100 * gap).toFixed(2)} %, ${method}, ${moves} placements, ${took.toFixed(2)} s`,
  );
  return [
    {
      name: `${name}: our evaluator / published - 1`,
      value: Math.abs(theirs.flow / published - 1) + theirs.breaches.length,
      unit: "share",
      floor: { max: digits },
    },
    { name: `${name}: flow / published`, value: value / published, unit: "x", floor: { min: 1 - digits } },
    { name: `${name}: gap`, value: gap, unit: "share", floor: { max: GAP_MAX } },
  ];
}

function servedFigures(
  { name, problem, placement, serving }: Case,
  { flowed, seconds }: { readonly flowed: LayerFlowPlan; readonly seconds: number },
  note: Note,
): readonly Figure[] {
  if (serving === undefined) return [];
  const scorer = flowScorer(timedProblem(problem, serving));
  const serve = (given: Placement): ServedFlow | undefined => servedFlow(scorer, serving, { placement: given, effort: THOROUGH });
  const spent = cpuTimer();
  const ours = placeForServing(problem, serving, { moves: Infinity, given: [placement], shouldStop: () => spent() > seconds });
  const took = spent();
  const theirs = serve(placement);
  const show = (of: string, served: ServedFlow | undefined, flow: number): void => {
    if (served === undefined) {
      note(`${name}, ${of}: serves nothing`);
      return;
    }
    const { tokensPerSec, outputTokensPerSec, secPerOutputToken, requestSec, kvShare, timeShare, linkShare } = served.score;
    note(
      `${name}, ${of}: served ${tokensPerSec.toFixed(1)} tokens/s (${outputTokensPerSec.toFixed(1)} output), flow ${flow.toFixed(1)}; ` +
        `${secPerOutputToken.toFixed(3)} s an output token, ${requestSec.toFixed(1)} s a request; fullest KV ${(100 * kvShare).toFixed(0)} %, ` +
        `time ${(100 * timeShare).toFixed(0)} %, link ${(100 * linkShare).toFixed(0)} %`,
    );
  };
  show("published", theirs, evaluatePlacement(problem, placement).flow);
  show("ours for flow", serve(flowed.placement), flowed.value);
  show("ours for serving", ours.served, evaluatePlacement(problem, ours.placement).flow);
  note(
    `${name}, ours for serving: bound ${ours.bound.toFixed(1)}, gap ${(100 * ours.gap).toFixed(1)} %, ${ours.method}, ${ours.moves} placements, ${took.toFixed(1)} s`,
  );
  return [
    {
      name: `${name}: served / served by the published placement`,
      value: ours.value / (theirs?.score.tokensPerSec ?? 0),
      unit: "x",
      floor: { min: 1 },
    },
    { name: `${name}: served, gap`, value: ours.gap, unit: "share" },
  ];
}
