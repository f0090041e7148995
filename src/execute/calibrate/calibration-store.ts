import { createHash } from "node:crypto";
import { join } from "node:path";
import type { z } from "zod";
import { type Correction, fitCorrection } from "../../cost/correction.ts";
import { type StageCalibration, type StageIdentity, stageKey } from "../../cost/stage-calibration.ts";
import { filesIn, rackFolder, readIfThere, writeWhole } from "../discover/rack-cache.ts";
import { observedRunSchema, stageCalibrationSchema } from "./calibration-schema.ts";

/** What one live run showed of the iterations of a replica. */
export type ObservedRun = z.infer<typeof observedRunSchema>;

/** Live runs kept for each set of stages; older ones are forgotten, as machines change. */
const RUNS_KEPT = 8;
/** Iterations kept of one run, spread evenly over it. */
const OBSERVATIONS_KEPT = 400;

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

/** What live runs of exactly these stages taught; `undefined` where there were none. */
export function loadCorrection(stages: readonly StageIdentity[]): Correction | undefined {
  const runs = loadRuns(stages);
  return fitCorrection(
    runs.flatMap(({ stages: observed }, run) => observed.map((one) => ({ run, ...one }))),
    runs.flatMap(({ overheads }, run) => overheads.map((one) => ({ run, ...one }))),
  );
}

/** Adds a live run to what is known of these stages. Errors: `file-unwritable`. */
export function recordRun(stages: readonly StageIdentity[], observed: ObservedRun): void {
  const path = correctionPath(stages);
  if (path === undefined) return;
  const run = { stages: thinned(observed.stages), overheads: thinned(observed.overheads) };
  const runs = [...loadRuns(stages), run].slice(-RUNS_KEPT);
  writeWhole(path, runs.map((one) => JSON.stringify(one)).join("\n"));
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
