import { statSync } from "node:fs";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Ratio } from "../../base/units.ts";
import { eightBitShare } from "../../cost/block-weights.ts";
import { type StageCalibration, type StageIdentity, stageKey } from "../../cost/stage-calibration.ts";
import type { CostedStage } from "../../cost/stage-pricer.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { Plan, ReplicaPlan, StagePlan } from "../../plan/plan.ts";
import { planFor } from "../../plan/plan-for.ts";
import type { PlanError, PlanModel, PlanOptions, PlanRequest } from "../../plan/plan-request.ts";
import { type WholeReplica, wholeReplica } from "../../plan/whole-model-plan.ts";
import type { Rack } from "../../rack/rack.ts";
import { whileMeasuring } from "../lock-file/while-measuring.ts";
import { loadCorrection, loadStageCalibrations, saveStageCalibration } from "./calibration-store.ts";
import { runCalibration } from "./run-calibration.ts";

export interface PreparePlanInput {
  readonly model: DecoderModel;
  /** Where workers open the model again. */
  readonly modelPath: string;
  readonly rack: Rack;
  readonly options?: PlanOptions;
  /** Measure the stages of the plan where they never were (`stageBudgetMs` each); else plan from what is cached. */
  readonly calibrate: boolean;
  /** Measure them again even where they were. */
  readonly recalibrate?: boolean;
  /** Time for the measurements of one stage, loading apart; 14 s where absent. Units: ms. */
  readonly stageBudgetMs?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number, text: string) => void;
}

export interface PreparedPlan {
  readonly plan: Plan;
  readonly stageCalibrations: readonly StageCalibration[];
}

const STAGE_BUDGET_MS = 14_000;
const UNKNOWN = { valueNs: 0, lowNs: 0, highNs: 0, basis: "extrapolated", source: "not measured" } as const;
/** What a plan says of a stage and a measurement does not read. */
const UNMEASURED = { decodeStep: UNKNOWN, prefill512: UNKNOWN, why: "" } as const;
/** A plan may change when its stages were measured, and then others must be; seldom more than once. */
const ROUNDS_MAX = 3;

/**
 * Plans a model on this machine, measures the stages the plan is made of, and plans again with what was measured, until the plan holds still.
 *
 * Errors: `pin-impossible`, `plan-no-capacity`, `rack-invalid` (no calibration in the rack); those of calibration.
 */
export async function preparePlan(input: PreparePlanInput): Promise<PreparedPlan> {
  const measured = new Set<string>();
  for (let round = 0; ; round++) {
    const known = loadStageCalibrations(input.rack.fingerprint, input.model.fingerprint);
    const request = requestOf(input, known);
    // Operator tables price any first plan but that of a library which runs models whole: it is measured before.
    const whole = round === 0 && input.calibrate ? wholeToMeasure(input, request, known) : undefined;
    if (whole !== undefined) {
      await measureUnlessKnown(input, whole, whole.stage);
      measured.add(stageKey(identityOf(input, whole.stage)));
      continue;
    }
    const plan = planOrThrow(request);
    const missing = round < ROUNDS_MAX && input.calibrate ? stagesToMeasure(input, plan, { known, measured }) : [];
    if (missing.length === 0) return { plan, stageCalibrations: known };
    for (const { replica, stage } of missing) {
      await measureUnlessKnown(input, replica, stage);
      measured.add(stageKey(identityOf(input, stage)));
    }
  }
}

/** The request `planFor` gets for a model on a rack, with all that is cached. */
export function requestOf(
  input: Pick<PreparePlanInput, "model" | "modelPath" | "rack" | "options">,
  stageCalibrations: readonly StageCalibration[],
): PlanRequest {
  return {
    model: planModel(input.model, input.modelPath),
    rack: input.rack,
    stageCalibrations,
    correctionOf: (stages) =>
      loadCorrection(
        stages.map((stage) => identityOf(input, stage)),
        besideSlowdown(input.rack, stages),
      ),
    ...(input.options === undefined ? {} : { options: input.options }),
  };
}

/** A stage as calibrations name it. */
export function identityOf(input: Pick<PreparePlanInput, "model" | "rack">, stage: CostedStage): StageIdentity {
  const { fromLayer, toLayer, driver, threads, prefillFormat, decodeFormat } = stage;
  const { fingerprint: rackFingerprint } = input.rack;
  return { rackFingerprint, modelFingerprint: input.model.fingerprint, fromLayer, toLayer, driver, threads, prefillFormat, decodeFormat };
}

/** What the rack's calibration found stages to be slowed down by while all other cores of their memory work; 1 where it was not measured. */
export function besideSlowdown(rack: Rack, stages: readonly CostedStage[]): Ratio {
  return stages.reduce((most, stage) => {
    const device = rack.devices.find(({ id }) => id === stage.device);
    return Math.max(most, device?.calibration?.concurrentSlowdown ?? 1);
  }, 1);
}

/** A plan, or the error a user sees. */
export function planOrThrow(request: PlanRequest): Plan {
  const made = planFor(request);
  if (made.ok) return made.value;
  throw planHeddleError(made.error);
}

function planHeddleError(error: PlanError): HeddleError {
  switch (error.code) {
    case "pin-impossible":
      return new HeddleError("pin-impossible", { where: error.pin, detail: `possible: ${error.possible}` });
    case "plan-no-capacity":
      return new HeddleError("plan-no-capacity", { detail: error.detail });
    case "no-basis":
      return new HeddleError("rack-invalid", { where: "devices", detail: error.detail });
  }
}

function planModel(model: DecoderModel, path: string): PlanModel {
  const { spec, fingerprint } = model;
  const matrices = [...model.weights.tensors.entries()].filter(
    ([name, { shape }]) => shape.length === 2 && name !== "embedding" && name !== "head",
  );
  const weightFormats = [...new Set(matrices.map(([, { format }]) => format))];
  const fileBytes = model.file === undefined ? {} : { fileBytes: statSync(model.file).size };
  return { name: spec.name, fingerprint, path, spec, weightFormats, eightBit: eightBitShare(model.weights, spec), ...fileBytes };
}

/** The replica on a whole-model device that the pins ask for, where it is not measured or has to be again. */
function wholeToMeasure(input: PreparePlanInput, request: PlanRequest, known: readonly StageCalibration[]): WholeReplica | undefined {
  const replica = wholeReplica(request);
  // What cannot be planned is said by the plan.
  if (replica === undefined || !replica.ok) return undefined;
  const key = stageKey(identityOf(input, replica.value.stage));
  return input.recalibrate !== true && known.some((one) => stageKey(one) === key) ? undefined : replica.value;
}

interface Missing {
  readonly replica: ReplicaPlan;
  readonly stage: StagePlan;
}

/** Each distinct stage of the plan that has not been measured. */
function stagesToMeasure(
  input: PreparePlanInput,
  plan: Plan,
  { known, measured }: { readonly known: readonly StageCalibration[]; readonly measured: ReadonlySet<string> },
): readonly Missing[] {
  const seen = new Set(measured);
  if (input.recalibrate !== true) for (const one of known) seen.add(stageKey(one));
  const missing: Missing[] = [];
  for (const replica of plan.replicas) {
    for (const stage of replica.stages) {
      const key = stageKey(identityOf(input, stage));
      if (seen.has(key)) continue;
      seen.add(key);
      missing.push({ replica, stage });
    }
  }
  return missing;
}

type StageLimits = Pick<ReplicaPlan, "maxSequences" | "contextLimit" | "workingPages">;

/** Measures a stage and keeps it, but where another process did both while this one waited for it. */
function measureUnlessKnown(input: PreparePlanInput, replica: StageLimits, stage: CostedStage): Promise<void> {
  const key = stageKey(identityOf(input, stage));
  return whileMeasuring(input, async () => {
    const known = loadStageCalibrations(input.rack.fingerprint, input.model.fingerprint);
    if (input.recalibrate !== true && known.some((one) => stageKey(one) === key)) return;
    saveStageCalibration(await measureStage(input, replica, stage));
  });
}

function measureStage(input: PreparePlanInput, replica: StageLimits, stage: CostedStage): Promise<StageCalibration> {
  const { maxSequences, contextLimit, workingPages } = replica;
  const limits = { maxSequences, contextLimit, workingPages };
  const identity = identityOf(input, stage);
  const job = {
    kind: "stage" as const,
    driver: stage.driver,
    modelPath: input.modelPath,
    budgetMs: input.stageBudgetMs ?? STAGE_BUDGET_MS,
    identity,
    stage: { ...stage, ...UNMEASURED },
    limits,
  };
  const { onProgress, signal } = input;
  const label = `layers ${stage.fromLayer}-${stage.toLayer} on ${stage.device}`;
  return runCalibration(job, {
    signal,
    ...(onProgress === undefined ? {} : { onProgress: (share, text) => onProgress(share, `${label}: ${text}`) }),
  });
}
