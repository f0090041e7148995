import { resolve } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { iterationError } from "../../cost/iteration/iteration-fault.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { PromptHolds } from "../../plan/deployment/deployment.ts";
import { DEPLOYMENT_DEFAULTS } from "../../plan/deployment/deployment-defaults.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { engineDefaults } from "../../plan/deployment/engine-defaults.ts";
import { heldPromptsFault } from "../../plan/deployment/held-prompts.ts";
import type { LoraSettings } from "../../plan/deployment/lora.ts";
import type { FleetPlan } from "../../plan/slo/fleet-plan.ts";
import { planDeployment } from "../../plan/slo/plan-deployment.ts";
import { planForSlo, type SloSearch } from "../../plan/slo/plan-for-slo.ts";
import { type Sensitivity, sensitivities } from "../../plan/slo/sensitivity.ts";
import type { FfnChoices, SloProblem, SloTarget } from "../../plan/slo/slo-problem.ts";
import { type SimulatedPlan, type Verification, type VerifiedPlan, verifyPlans } from "../../plan/slo/verify-plans.ts";
import { profileWorkload } from "../../plan/slo/workload-profile.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { adapterMix } from "../../simulate/deployment/adapter-mix.ts";
import { type DesignFabric, fabricFit } from "../../simulate/deployment/design-fabric.ts";
import { designPricer } from "../../simulate/deployment/design-pricer.ts";
import { measuredAtOf } from "../../simulate/deployment/front-times.ts";
import { requestSizes } from "../../simulate/deployment/request-sizes.ts";
import { simulatePlan } from "../../simulate/deployment/simulate-plan.ts";
import { readNetwork } from "../../simulate/fabric/read-fabric.ts";
import { withImageTokens } from "../../simulate/workload/columns/image-columns.ts";
import { architectureNamed, priceDeployment } from "../deployment/open-deployment.ts";
import { type OpenWorkload, openWorkload } from "../deployment/open-workload.ts";
import { operatorsFrom } from "../deployment/operators-of.ts";
import { sheetOf } from "../rack-catalog.ts";
import { parseTextFile } from "../read-file.ts";
import { withShownProgress } from "../share-progress.ts";
import { fleetOffer } from "./fleet-offer.ts";
import { DEFAULT_PRECISION, type SloFlags } from "./slo-options.ts";

/** Degrees that are tried; those that do not fit a model, a device count or a memory fall away. */
const DEGREES: readonly number[] = [1, 2, 4, 8, 16, 32, 64];
const STAGES: readonly number[] = [1, 2, 4];
/** Of feed-forwards on devices of their own: tensor ranks of an expert, and parts that a batch is cut into. */
const FFN_TENSOR: readonly number[] = [1, 2, 4, 8];
const MICRO_BATCHES: readonly number[] = [2, 3];
const MS_PER_S = 1000;
/** The slow end of the prices' 90 % interval. */
const SLOW_QUANTILE = 0.95;
const SENSITIVITY_FACTOR = 2;

/** A plan for a latency target, with all that a report says. */
export interface SloPlan {
  readonly problem: SloProblem;
  readonly architecture: SequenceModel;
  /** Of prompt tokens, those an endless cache would have; the problem's share is what a simulation found. */
  readonly sharedShare: number;
  readonly workload: OpenWorkload;
  readonly search: SloSearch;
  readonly verification: Verification;
  readonly chosen: VerifiedPlan;
  /** The chosen plan with prices at the slow end of their interval. */
  readonly slow: SimulatedPlan;
  readonly sensitivities: readonly Sensitivity[];
  readonly sheets: ReadonlyMap<string, DeviceSheet>;
  readonly measuredAt: MeasuredAt;
}

/**
 * Searches the fleets on offer for the cheapest that keeps a target on a workload, and simulates what it finds until one does.
 *
 * Errors: `slo-unmet` with what stands in the way; `usage`; those of workloads, models and device sheets.
 */
export async function planSlo(model: string, flags: SloFlags): Promise<SloPlan> {
  const startedMs = performance.now();
  const target = targetOf(flags);
  if (flags.workload === undefined) throw new HeddleError("usage", { where: "--slo", detail: "--workload says what is to be served" });
  if (flags.fleet.length === 0) throw new HeddleError("usage", { where: "--slo", detail: "--fleet says which devices can be had" });
  const architecture = architectureNamed(model, ".");
  const fleets = flags.fleet.map(fleetOffer);
  const sheets = new Map(fleets.flatMap(({ devices }) => devices.map(({ device }) => [device, sheetOf(device)] as const)));
  const opened = openWorkload(flags.workload, flags);
  const workload = { ...opened, requests: withImageTokens(opened.requests, architecture) };
  const measuredAt = measuredAtOf([{ name: "of the plan", role: "both", engine: { name: flags.engine } }], flags.measureAt);
  const asked = problemOf({ model, architecture, fleets, sheets, workload, target, flags, measuredAt });
  return withShownProgress("planning", async (onProgress) => {
    const simulate = planSimulator(asked, { architecture, workload, flags, measuredAt });
    const { problem, search } = learned(asked, (plan) => simulate(plan, flags.errorQuantile));
    onProgress(0, `${search.designs} designs, ${search.plans.length} fleets; simulating`);
    const verification = await verifyPlans(problem, search.plans, {
      simulate: async (plan) => simulate(plan, flags.errorQuantile),
      simulationsMax: flags.simulations,
      shouldStop: () => performance.now() - startedMs > flags.searchSeconds * MS_PER_S,
      onTried: (tried) => onProgress(tried.length / flags.simulations, `${tried.length} plans simulated`),
    });
    const { chosen } = verification;
    if (chosen === undefined) throw unmet(verification, target);
    return {
      problem,
      architecture,
      sharedShare: asked.workload.prefixShare,
      workload,
      search,
      verification,
      chosen,
      slow: simulate(chosen.plan, SLOW_QUANTILE),
      sensitivities: sensitivities(problem, chosen.plan, { factor: SENSITIVITY_FACTOR, research: flags.sensitivityPrices === true }),
      sheets,
      measuredAt,
    };
  });
}

/** Changes of the share of prompts that caches find, from which on the search is run anew; and how often at most. */
const SHARE_CHANGE = 0.1;
const ROUNDS_MAX = 3;

/**
 * A search whose shares of cached prompt tokens, and of images found encoded, are what a simulation of its best plan finds: an endless cache would have more, as replicas have memories of
 * their own that fill. Errors: `slo-unmet`.
 */
function learned(
  asked: SloProblem,
  simulate: (plan: FleetPlan) => SimulatedPlan,
): { readonly problem: SloProblem; readonly search: SloSearch } {
  let problem = asked;
  for (let round = 0; ; round++) {
    const search = planForSlo(problem);
    if (!search.ok) throw new HeddleError("slo-unmet", { where: search.error.code, detail: search.error.detail });
    const { workload } = problem;
    const assumed = [workload.prefixShare, workload.images?.foundShare ?? 0] as const;
    if (assumed.every((share) => share === 0) || round === ROUNDS_MAX) return { problem, search: search.value };
    const { cachedShare, imagesFoundShare = 0 } = simulate(search.value.plans[0]!);
    const near = (share: number, before: number): boolean => before === 0 || Math.abs(share / before - 1) <= SHARE_CHANGE;
    if (near(cachedShare, assumed[0]) && near(imagesFoundShare, assumed[1])) return { problem, search: search.value };
    const images = workload.images && { images: { ...workload.images, foundShare: imagesFoundShare } };
    problem = { ...problem, workload: { ...workload, prefixShare: cachedShare, ...images } };
  }
}

function targetOf({ slo }: SloFlags): SloTarget {
  if (slo?.ttftNs === undefined || slo.tpotNs === undefined || slo.e2eNs !== undefined) {
    throw new HeddleError("usage", { where: "--slo", detail: "a plan is made for ttft and tpot, both; e2e is not planned for" });
  }
  return { ttftNs: slo.ttftNs, tpotNs: slo.tpotNs, percentile: slo.share };
}

interface ProblemInput {
  readonly model: string;
  readonly architecture: SequenceModel;
  readonly fleets: SloProblem["fleets"];
  readonly sheets: ReadonlyMap<string, DeviceSheet>;
  readonly workload: OpenWorkload;
  readonly target: SloTarget;
  readonly flags: SloFlags;
  readonly measuredAt: MeasuredAt;
}

function problemOf({ model, architecture, fleets, sheets, workload, target, flags, measuredAt }: ProblemInput): SloProblem {
  const blocks = decoderBlocks(architecture);
  if (!blocks.ok) throw iterationError(blocks.error, model);
  if (workload.requests.after?.some((before) => before >= 0) === true) {
    throw new HeddleError("workload-invalid", {
      where: flags.workload ?? "",
      detail: "closed loops have no rate to plan for; give arrivals",
    });
  }
  const images = workload.requests.images !== undefined;
  if (images && flags.engine !== "vllm" && flags.engine !== "sglang")
    throw new HeddleError("usage", {
      where: "--engine",
      detail: `requests have images; encoders are simulated on vllm and sglang, ${flags.engine} encodes by rules of its own, or not at all`,
    });
  // Tokens of an iteration are tried, so only what no device decides is left of the defaults: the size of blocks.
  const engine = { ...engineDefaults({ name: flags.engine, sheet: undefined, data: 1 }), maxSequences: flags.sequences };
  const lora = loraOf(model, flags);
  if (lora === undefined && workload.requests.adapter !== undefined)
    throw new HeddleError("usage", { where: "--workload", detail: "requests have adapters (LoRA); --lora says how replicas serve them" });
  const experts = blocks.value.blocks.some(({ block }) => block.kind === "mixture");
  const ffn = ffnOf(flags, experts);
  const stands = fabricOf(flags, { fleets, sheets });
  return {
    model,
    target,
    workload: profileWorkload(requestSizes(workload.requests)),
    fleets,
    factors: {},
    routing: flags.routing,
    price: designPricer(architecture, sheets, {
      operatorsOf: operatorsFrom(flags.operators ?? "measured"),
      measuredAt,
      mix: adapterMix(workload.requests),
      ...(stands && { fabric: stands.designs }),
    }),
    ...(stands && { fabric: stands.problem }),
    choices: {
      precisions: flags.precision.length === 0 ? [DEFAULT_PRECISION] : flags.precision,
      tensor: DEGREES,
      pipeline: STAGES,
      // Ranks of a replica have slots of their own, which is not simulated.
      data: lora === undefined ? DEGREES : [1],
      experts,
      ...(ffn === undefined ? {} : { ffn }),
      maxBatchedTokens: flags.batchedTokens,
      devicesMax: flags.replicaDevices,
      engine,
      ...(lora === undefined ? {} : { lora }),
      split: flags.kvLink !== undefined,
      ...(images && { images: { apart: flags.kvLink !== undefined } }),
      holds: holdsFor(flags),
    },
    ...(flags.kvLink === undefined ? {} : { transfer: flags.kvLink }),
    ...(flags.budget === undefined ? {} : { budget: flags.budget }),
  };
}

/** `--lora` as the pool of a deployment file would have it. Errors: `deployment-invalid` naming the field. */
function loraOf(model: string, { lora, engine, fleet }: SloFlags): LoraSettings | undefined {
  if (lora === undefined) return undefined;
  const device = fleetOffer(fleet[0]!).devices[0]!.device;
  return readDeployment(JSON.stringify({ version: 1, model, pools: [{ device, engine: { name: engine }, lora }] })).deployment.pools[0]!
    .lora;
}

/** Feed-forwards on devices of their own. Errors: `usage` where the model has no experts, or replicas serve adapters. */
function ffnOf({ ffn, lora }: SloFlags, experts: boolean): FfnChoices | undefined {
  if (ffn === undefined) return undefined;
  const refused = (detail: string): HeddleError => new HeddleError("usage", { where: "--ffn", detail });
  if (!experts) throw refused("the model has no experts; it is for mixtures, whose feed-forwards need more devices than their attention");
  if (lora !== undefined) throw refused("adapters (--lora) have products on both sides, which is not simulated");
  return { tensor: FFN_TENSOR, expert: DEGREES, microBatches: MICRO_BATCHES, ...(ffn === true ? {} : { link: ffn }) };
}

/** The fabric as the search and its prices see it. Errors: `usage`; `fabric-invalid`; `no-basis` for machines of another size; `figure-missing`. */
function fabricOf(
  { fabric, kvLink }: SloFlags,
  { fleets, sheets }: Pick<ProblemInput, "fleets" | "sheets">,
): { readonly designs: DesignFabric; readonly problem: NonNullable<SloProblem["fabric"]> } | undefined {
  const refused = (where: string, detail: string): HeddleError => new HeddleError("usage", { where, detail });
  if (fabric === undefined) {
    if (kvLink !== undefined && kvLink.bandwidthBytesPerSecond === undefined) throw refused("--kv-link", "fabric needs --fabric");
    return undefined;
  }
  const network = parseTextFile(fabric, readNetwork);
  const counts = new Map<string, number>();
  for (const { device, count } of fleets.flatMap(({ devices }) => devices)) counts.set(device, Math.max(count, counts.get(device) ?? 0));
  return { designs: { network, counts }, problem: { path: resolve(fabric), fits: fabricFit(network, sheets) } };
}

/** Settings that hold prompts back, beside none. Errors: `usage` where no replica of the engine has them. */
function holdsFor({ engine: name, holdPrompts }: SloFlags): readonly PromptHolds[] {
  for (const holds of holdPrompts) {
    // As many ranks as the settings are looked at with.
    const parallel = { ...ONE_DEVICE, data: holds.attentionDpBalance === undefined ? 1 : 2 };
    const fault = heldPromptsFault({ engine: { ...DEPLOYMENT_DEFAULTS.engine, ...holds, name }, role: "both", parallel });
    if (fault !== undefined)
      throw new HeddleError("usage", { where: "--hold-prompts", detail: `${String(fault.path.at(-1))} ${fault.message}` });
  }
  return holdPrompts;
}

function planSimulator(
  problem: SloProblem,
  { architecture, workload, flags, measuredAt }: Pick<ProblemInput, "architecture" | "workload" | "flags" | "measuredAt">,
): (plan: FleetPlan, errorQuantile: number) => SimulatedPlan {
  return (plan, errorQuantile) => {
    const deployment = planDeployment(problem, plan);
    const { pools } = priceDeployment(deployment, ".", flags.operators === undefined ? {} : { operators: flags.operators });
    return simulatePlan({
      deployment,
      architecture,
      pools,
      requests: workload.requests,
      target: problem.target,
      seed: flags.seed,
      errorQuantile,
      measuredAt,
    });
  };
}

function unmet({ tried, untried }: Verification, { percentile }: SloTarget): HeddleError {
  const best = [...tried].sort((a, b) => b.simulated.attained - a.simulated.attained)[0];
  const share =
    best === undefined ? "none was simulated" : `the best kept it for ${(100 * best.simulated.attained).toFixed(1)} % of requests`;
  const detail = `${tried.length} plans simulated, ${untried} left; ${share}, ${(100 * percentile).toFixed(0)} % are wanted`;
  return new HeddleError("slo-unmet", { where: "simulation", detail });
}
