import type { Deployment } from "../../plan/deployment/deployment.ts";
import { LIMIT_WORDS, planText, runnerUp, whyItLost } from "../../plan/slo/explain-plan.ts";
import type { FleetPlan } from "../../plan/slo/fleet-plan.ts";
import { planDeployment } from "../../plan/slo/plan-deployment.ts";
import type { SimulatedPlan } from "../../plan/slo/verify-plans.ts";
import { type MeasuredAtReport, measuredAtReport, measuredAtText } from "../deployment/measured-at.ts";
import { formatNs, table } from "../output.ts";
import type { WrittenTarget } from "./emit-files.ts";
import type { SloPlan } from "./plan-slo.ts";

/** A plan for a target as one document. Times in ns, prices in dollars an hour, rates in requests/s, shares 0 to 1. */
export interface SloReport {
  readonly model: string;
  readonly target: SloPlan["problem"]["target"];
  readonly workload: {
    readonly source: string;
    readonly requests: number;
    readonly seconds: number;
    readonly meanRate: number;
    readonly peakRate: number;
    readonly promptMean: number;
    readonly outputMean: number;
    readonly sharedShare: number;
    readonly cachedShare: number;
    /** Of a request in the mean; of an image; and of images, those found encoded. */
    readonly images?: { readonly mean: number; readonly tokensEach: number; readonly foundShare: number };
  };
  readonly chosen: PlanRow & {
    readonly simulated: SimulatedPlan;
    readonly slowEnd: SimulatedPlan;
    readonly basis: string;
    readonly spread: number;
  };
  /** Where times to first token are taken. */
  readonly measuredAt: MeasuredAtReport;
  readonly deployment: Deployment;
  readonly limit: { readonly pool: string; readonly limit: string };
  readonly sensitivities: SloPlan["sensitivities"];
  readonly runnerUp?: PlanRow & { readonly why: string };
  readonly pareto: readonly PlanRow[];
  readonly simulated: readonly (PlanRow & { readonly simulated: SimulatedPlan })[];
  readonly search: {
    readonly designs: number;
    readonly fleets: number;
    readonly untried: number;
    readonly dollarsNow: number;
    readonly presumed: number;
  };
  readonly refused: SloPlan["search"]["refused"];
  readonly tooSlow: Readonly<Record<string, number>>;
  readonly emitted: readonly WrittenTarget[];
}

/** A fleet as closed forms see it. */
export interface PlanRow {
  readonly fleet: string;
  readonly pools: string;
  readonly devices: number;
  readonly dollarsPerHour: number;
  readonly rate: number;
  readonly ttftNs: number;
  readonly tpotNs: number;
  readonly limit: string;
}

/** Rows of the front that are printed. */
const FRONT_ROWS = 12;

export function sloReport(made: SloPlan, emitted: readonly WrittenTarget[]): SloReport {
  const { problem, search, verification, chosen, slow } = made;
  const { plan } = chosen;
  const deployment = planDeployment(problem, plan);
  const other = runnerUp(search.plans, plan);
  const { workload } = problem;
  const { images } = workload;
  const { cost } = plan.pools[plan.limitPool]!.capacity.replica;
  return {
    model: problem.model,
    target: problem.target,
    workload: {
      source: made.workload.source,
      requests: workload.requests,
      seconds: workload.seconds,
      meanRate: workload.meanRate,
      peakRate: workload.peakRate,
      promptMean: workload.prompt.mean,
      outputMean: workload.output.mean,
      sharedShare: made.sharedShare,
      cachedShare: workload.prefixShare,
      ...(images && { images: { mean: images.mean, tokensEach: images.one.tokens, foundShare: images.foundShare } }),
    },
    chosen: { ...row(plan), simulated: chosen.simulated, slowEnd: slow, basis: cost.basis, spread: cost.spread },
    measuredAt: measuredAtReport([{ deployment, architecture: made.architecture }], made.measuredAt),
    deployment,
    limit: { pool: deployment.pools[plan.limitPool]!.name, limit: LIMIT_WORDS[plan.limit] },
    sensitivities: made.sensitivities,
    ...(other === undefined ? {} : { runnerUp: { ...row(other), why: whyItLost(other, plan) } }),
    pareto: search.pareto.map(row),
    simulated: verification.tried.map((each) => ({ ...row(each.plan), simulated: each.simulated })),
    search: {
      designs: search.designs,
      fleets: search.plans.length,
      untried: verification.untried,
      dollarsNow: search.plans[0]!.dollarsPerHour,
      presumed: verification.presumed,
    },
    refused: search.refused,
    tooSlow: Object.fromEntries(search.tooSlow),
    emitted,
  };
}

function row(plan: FleetPlan): PlanRow {
  const { fleet, devices, dollarsPerHour, rate, ttftNs, tpotNs, limit } = plan;
  return { fleet: fleet.name, pools: planText(plan), devices, dollarsPerHour, rate, ttftNs, tpotNs, limit: LIMIT_WORDS[limit] };
}

/** The report for people. */
export function sloText(report: SloReport): string {
  const { chosen, target, workload, search } = report;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const at = `p${Number((100 * target.percentile).toFixed(2))}`;
  return [
    `${report.model}: $${chosen.dollarsPerHour.toFixed(2)}/h, ${chosen.devices} ${chosen.devices === 1 ? "device" : "devices"}: ${chosen.pools}`,
    [
      `target: TTFT ${formatNs(target.ttftNs)}, TPOT ${formatNs(target.tpotNs)}, both for ${percent(target.percentile)} of requests`,
      `workload: ${workload.source}; ${workload.requests} requests in ${(workload.seconds / 60).toFixed(0)} min, ${workload.meanRate.toFixed(2)}/s, ${workload.peakRate.toFixed(2)}/s at the peak; ${workload.promptMean.toFixed(0)} tokens in, ${workload.outputMean.toFixed(0)} out, ${percent(workload.sharedShare)} shared${workload.sharedShare > 0 ? `, ${percent(workload.cachedShare)} found cached` : ""}`,
      ...(workload.images === undefined ? [] : [imagesText(workload.images)]),
      `simulated: ${percent(chosen.simulated.attained)} keep both; ${at} TTFT ${formatNs(chosen.simulated.ttftNs)}, TPOT ${formatNs(chosen.simulated.tpotNs)} (closed forms: ${formatNs(chosen.ttftNs)}, ${formatNs(chosen.tpotNs)})`,
      `prices of iterations: ${chosen.basis}, 90 % within a factor of ${(1 + chosen.spread).toFixed(2)}; at the slow end ${percent(chosen.slowEnd.attained)} keep both`,
      measuredAtText(report.measuredAt, "TTFT"),
      `what binds: ${report.limit.limit} of ${report.limit.pool}, from ${chosen.rate.toFixed(2)} requests/s on`,
      ...(report.runnerUp === undefined ? [] : [`runner-up: ${report.runnerUp.pools}; ${report.runnerUp.why}`]),
      "designs: T, P, D, E are tensor, pipeline, data and expert ranks; then tokens an iteration and sequences at once, at most",
      `looked at: ${search.designs} designs, ${search.fleets} fleets; ${report.simulated.length} simulated, ${search.presumed} presumed to fail like one that did, ${search.untried} left for lack of time or simulations`,
      ...report.refused.map(({ code, designs, first }) => `refused: ${designs} designs, ${code}; the first: ${first}`),
      ...Object.entries(report.tooSlow).map(
        ([limit, designs]) =>
          `fall short for a lone request already: ${designs} designs, by ${LIMIT_WORDS[limit as keyof typeof LIMIT_WORDS]}`,
      ),
    ].join("\n"),
    sensitivityText(report),
    `fleets that no other beats (closed forms at the peak rate, ${at}):\n${table(
      ["$/h", "devices", "TTFT", "TPOT", "requests/s", "pools"],
      report.pareto.slice(0, FRONT_ROWS).map((each) => planCells(each)),
    )}${report.pareto.length > FRONT_ROWS ? `\n… ${report.pareto.length - FRONT_ROWS} more with --json` : ""}`,
    `simulated, in order:\n${table(
      ["$/h", "kept", `${at} TTFT`, `${at} TPOT`, "pools"],
      report.simulated.map(({ dollarsPerHour, simulated, pools }) => [
        dollarsPerHour.toFixed(2),
        percent(simulated.attained),
        formatNs(simulated.ttftNs),
        formatNs(simulated.tpotNs),
        pools,
      ]),
    )}`,
  ].join("\n\n");
}

function imagesText({ mean, tokensEach, foundShare }: NonNullable<SloReport["workload"]["images"]>): string {
  const found = foundShare > 0 ? `, ${(100 * foundShare).toFixed(1)} % found encoded` : "";
  return `images: ${mean.toFixed(2)} a request, ${tokensEach.toFixed(0)} tokens each (among those in)${found}`;
}

function sensitivityText({ sensitivities, search }: SloReport): string {
  const priced = sensitivities.some(({ dollarsAfter }) => dollarsAfter !== undefined);
  const head = ["what", "now", "doubled", "", ...(priced ? ["cheapest fleet, $/h"] : [])];
  const rows = sensitivities.map(({ knob, rateBefore, rateAfter, dollarsAfter }) => [
    ...[knob, rateBefore.toFixed(2), rateAfter.toFixed(2), change(rateBefore, rateAfter)],
    ...(priced ? [dollarsAfter === undefined ? "none" : dollarsAfter.toFixed(2)] : []),
  ]);
  const against = priced ? `; the cheapest by closed forms now costs ${search.dollarsNow.toFixed(2)}` : "";
  return `doubling each gives this plan, in requests/s within the target${against}:\n${table(head, rows)}`;
}

function planCells({ dollarsPerHour, devices, ttftNs, tpotNs, rate, pools }: PlanRow): string[] {
  return [dollarsPerHour.toFixed(2), String(devices), formatNs(ttftNs), formatNs(tpotNs), rate.toFixed(2), pools];
}

function change(before: number, after: number): string {
  const share = 100 * (after / before - 1);
  return `${share >= 0 ? "+" : ""}${share.toFixed(0)} %`;
}
