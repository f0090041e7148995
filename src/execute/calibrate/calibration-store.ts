import { createHash } from "node:crypto";
import { join } from "node:path";
import type { z } from "zod";
import type { Ratio } from "../../base/units.ts";
import { type Correction, fitCorrection } from "../../cost/correction.ts";
import { type StageCalibration, type StageIdentity, stageKey } from "../../cost/stage-calibration.ts";
import { changeCorrections, filesIn, rackFolder, readIfThere, writeWhole } from "../discover/rack-cache.ts";
import { observedRunSchema, stageCalibrationSchema } from "./calibration-schema.ts";

/** What one live run showed of the iterations of a replica. */
export type ObservedRun = z.infer<typeof observedRunSchema>;

/** Live runs kept for each set of stages; older ones are forgotten, as machines change. */
export const RUNS_KEPT = 8;
/** Iterations kept of one run, spread evenly over it. */
const OBSERVATIONS_KEPT = 400;
const MS_PER_S = 1000;

/** All cached stage calibrations of a model on a rack. Files that cannot be read any more are passed over. */
export function loadStageCalibrations(rackFingerprint: string, modelFingerprint: string): readonly StageCalibration[] {
  const folder = join(rackFolder(rackFingerprint), "stages");
  return filesIn(folder)
    .map((file) => parse(stageCalibrationSchema, readIfThere(join(folder, file))))
    .filter((one) => one !== undefined)
    .filter((one) => one.rackFingerprint === rackFingerprint && one.modelFingerprint === modelFingerprint);
}

/** Keeps a stage calibration in the place of an earlier one of the same stage. Errors: `file-unwritable`. */
export function saveStageCalibration(calibration: StageCalibration): void {
  const path = join(rackFolder(calibration.rackFingerprint), "stages", `${nameOf(stageKey(calibration))}.json`);
  writeWhole(path, JSON.stringify(calibration));
}

/** What live runs of exactly these stages taught; `undefined` where there were none. The slowdown by other cores at work is the rack's where they do not show it. */
export function loadCorrection(stages: readonly StageIdentity[], slowdown = 1): Correction | undefined {
  return correctionOf(loadRuns(stages), { slowdown, nowMs: Date.now() });
}

export interface CorrectionOptions {
  readonly slowdown: Ratio;
  /** Unix time, ms: runs count the less the longer ago they were. */
  readonly nowMs: number;
}

/** What runs taught; `undefined` where they are too few. */
export function correctionOf(runs: readonly ObservedRun[], { slowdown, nowMs }: CorrectionOptions): Correction | undefined {
  return fitCorrection(
    runs.flatMap(({ stages }, run) => stages.map((one) => ({ run, ...one }))),
    runs.flatMap(({ overheads }, run) => overheads.map((one) => ({ run, ...one }))),
    {
      slowdown,
      ages: runs.map(({ endedAtMs }) => Math.max(0, nowMs - (endedAtMs ?? nowMs)) / MS_PER_S),
      probes: runs.flatMap(({ probe = [] }, run) => probe.map((one) => ({ run, ...one }))),
    },
  );
}

/** Adds a live run to what is known of these stages, whoever else adds one meanwhile. Errors: `file-unwritable`. */
export async function recordRun(stages: readonly StageIdentity[], observed: ObservedRun): Promise<void> {
  const path = correctionPath(stages);
  const [first] = stages;
  if (path === undefined || first === undefined) return;
  const { probe, ...rest } = observed;
  const run = {
    ...rest,
    stages: thinned(observed.stages),
    overheads: thinned(observed.overheads),
    ...(probe === undefined ? {} : { probe: thinned(probe) }),
  };
  await changeCorrections(first.rackFingerprint, () => {
    const runs = [...loadRuns(stages), run].slice(-RUNS_KEPT);
    writeWhole(path, runs.map((one) => JSON.stringify(one)).join("\n"));
  });
}

function loadRuns(stages: readonly StageIdentity[]): readonly ObservedRun[] {
  const path = correctionPath(stages);
  const text = path === undefined ? undefined : readIfThere(path);
  if (text === undefined) return [];
  return text
    .split("\n")
    .map((line) => parse(observedRunSchema, line))
    .filter((run) => run !== undefined);
}

function correctionPath(stages: readonly StageIdentity[]): string | undefined {
  const first = stages[0];
  if (first === undefined) return undefined;
  return join(rackFolder(first.rackFingerprint), "corrections", `${nameOf(stages.map(stageKey).join(" then "))}.jsonl`);
}

function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 24);
}

function thinned<T>(list: readonly T[]): T[] {
  if (list.length <= OBSERVATIONS_KEPT) return [...list];
  return Array.from({ length: OBSERVATIONS_KEPT }, (_, index) => list[Math.floor((index * list.length) / OBSERVATIONS_KEPT)]!);
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    const checked = schema.safeParse(JSON.parse(text));
    return checked.success ? checked.data : undefined;
  } catch {
    return undefined;
  }
}
