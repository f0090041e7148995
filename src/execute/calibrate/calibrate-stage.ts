import { quantile } from "../../base/statistics.ts";
import type { StageCalibration, StageIdentity } from "../../cost/stage-calibration.ts";
import { mixesPhases } from "../../cost/stage-format.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { StagePlan } from "../../plan/plan.ts";
import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import { sample } from "../sampling/sample.ts";
import { GREEDY } from "../sampling/sampling.ts";
import type { LoadedStage, StageLimits } from "../stage-driver.ts";
import { type RoundResult, type TimedPoint, timeInRounds } from "./rounds.ts";
import { StageBench } from "./stage-bench.ts";

export interface StageCalibrationJob {
  readonly identity: StageIdentity;
  readonly stage: StagePlan;
  /** Those of the plan: no more pages are taken to measure a stage than to serve it. */
  readonly limits: StageLimits;
}

export interface CalibrateOptions {
  readonly signal: AbortSignal;
  /** Time for the measurements after loading. Units: ms. */
  readonly budgetMs: number;
  readonly onProgress?: (share: number, text: string) => void;
}

/** Loads a stage of the model that is calibrated. */
export interface StageLoader {
  readonly load: (stage: StagePlan, limits: StageLimits) => Promise<LoadedStage>;
  readonly sealedBlocks: boolean;
}

/** Contexts and batches of decode steps, coarse first; those beyond the plan's limits are left out. */
const DECODE_PASSES: readonly { readonly contexts: readonly number[]; readonly batches: readonly number[] }[] = [
  { contexts: [64], batches: [16, 4, 1] },
  { contexts: [512], batches: [8, 4, 1] },
  { contexts: [1024], batches: [4, 1] },
  { contexts: [64], batches: [8, 2] },
  { contexts: [512], batches: [16, 2] },
  { contexts: [1024], batches: [8, 2] },
  { contexts: [2048], batches: [2, 1] },
];
const CONTEXT_MAX = 2048;
/** Tokens of past worth computing for one decode point where none can be gathered. */
const COMPUTED_TOKENS_MAX = 1024;
/** Lengths of prefill chunks: first those that span the range, then those between. */
const PREFILL_COUNTS: readonly (readonly number[])[] = [
  [1, 64, 256],
  [16, 128, 512],
];
const PREFILL_CONTEXTS: readonly number[] = [0, 512, 1024];
/** Decode steps timed in a row at one point of one round. */
const DECODE_STEPS = 3;
const ROUNDS_MAX = 6;
/** Rows and chunks of mixed steps; more rows than the plan has sequences beside the prompt's are left out. */
const MIXED_ROWS: readonly number[] = [1, 4, 15];
const MIXED_COUNTS: readonly number[] = [16, 64, 256];
/** Shares of the budget for making the past, for prefill points and for mixed steps; the rest is for decode points. */
const PAST_SHARE = 0.15;
const PREFILL_SHARE = 0.3;
const MIXED_SHARE = 0.15;
const DECODE_SHARE = 1 - PAST_SHARE - PREFILL_SHARE - MIXED_SHARE;
/** Blocks copied at once to time a copy, and how often. */
const COPIED_BLOCKS = 8;
const COPY_RUNS = 5;
const DRAW_RUNS = 31;

/**
 * Measures a stage as it is served: loads it with its driver, then times decode steps over batch and context, prefill chunks over length and
 * context, the head of a chunk, and the copies of sealing and gathering.
 *
 * Errors: those of the driver; the signal's reason when it is aborted.
 */
export async function calibrateStage(
  { load, sealedBlocks }: StageLoader,
  model: DecoderModel,
  job: StageCalibrationJob,
  options: CalibrateOptions,
): Promise<StageCalibration> {
  options.onProgress?.(0, "loading");
  const stage = await load(job.stage, job.limits);
  try {
    const bench = new StageBench({ stage, spec: model.spec, first: job.stage.fromLayer === 0, sealedBlocks });
    const limit = job.limits.contextLimit;
    const pastBlocks = Math.min(Math.floor(Math.min(limit, CONTEXT_MAX) / BLOCK_TOKENS), Math.floor(job.limits.workingPages / 2)) - 1;
    await bench.fillPast(Math.max(0, pastBlocks * BLOCK_TOKENS), options.budgetMs * PAST_SHARE);
    const third = (from: number): CalibrateOptions => ({
      ...options,
      onProgress: (share) => options.onProgress?.((from + share) / 3, "timing the stage"),
    });
    const prefill = await timePrefill(bench, limit, third(0));
    const decode = await timeDecode(bench, { ...job, sealedBlocks }, third(1));
    const mixed = await timeMixed(bench, job, third(2));
    const last = job.stage.toLayer === model.spec.layers;
    const copies = await timeCopies(bench, { last, sealedBlocks });
    return {
      ...job.identity,
      pageTokens: BLOCK_TOKENS,
      decode: decode.medians.map(({ point, ns }) => ({ ...point, ns: Math.round(ns) })),
      prefill: prefill.medians.map(({ point, ns }) => ({ ...point, ns: Math.round(ns) })),
      mixed: mixed.medians.map(({ point, ns }) => ({ ...point, ns: Math.round(ns) })),
      ...copies,
      drawNs: last ? timeDraw(model.spec.vocabulary) : 0,
      noise: Math.max(prefill.noise, decode.noise),
      drift: Math.max(prefill.drift, decode.drift),
    };
  } finally {
    await stage.release();
  }
}

interface PrefillPoint {
  readonly count: number;
  readonly context: number;
}

function timePrefill(bench: StageBench, limit: number, options: CalibrateOptions): Promise<RoundResult<PrefillPoint>> {
  const reach = bench.pastTokens + BLOCK_TOKENS;
  const points = PREFILL_COUNTS.flatMap((counts) => PREFILL_CONTEXTS.flatMap((context) => counts.map((count) => ({ count, context }))))
    .filter(({ count, context }) => context + count <= limit && context <= reach)
    .map((point): TimedPoint<PrefillPoint> => ({ point, measure: () => timeChunk(bench, point) }));
  return timeShare(points, options, PREFILL_SHARE);
}

async function timeChunk(bench: StageBench, { count, context }: PrefillPoint): Promise<number> {
  bench.open(1, Math.max(0, context - BLOCK_TOKENS), context + count);
  // The last block of the past is computed, so that the copies of opening are over before the timed chunk.
  if (context > 0) await bench.prefill(BLOCK_TOKENS);
  return bench.prefill(count);
}

interface DecodePoint {
  readonly batch: number;
  readonly context: number;
}

/**
 * Decode steps over batch and context. Opening lanes costs more than stepping them, so the batches of a context follow one another downwards and
 * only close lanes; corners of the table come first, so that an early end of the budget costs what lies between.
 */
async function timeDecode(
  bench: StageBench,
  { limits, sealedBlocks }: StageCalibrationJob & { readonly sealedBlocks: boolean },
  options: CalibrateOptions,
): Promise<RoundResult<DecodePoint>> {
  const reach = Math.min(limits.contextLimit, bench.pastTokens + BLOCK_TOKENS);
  const seen = new Set<string>();
  const points = DECODE_PASSES.flatMap(({ contexts, batches }, pass) => {
    const widest = pass === 0 && limits.maxSequences < batches[0]! ? [limits.maxSequences] : [];
    const possible = [...new Set([...widest, ...batches.filter((batch) => batch <= limits.maxSequences)])];
    return contexts
      .filter((context) => context <= reach)
      .flatMap((context) => {
        const known = (batch: number): boolean => seen.has(`${batch}/${context}`);
        const affordable = (batch: number): boolean => sealedBlocks || context <= BLOCK_TOKENS || batch * context <= COMPUTED_TOKENS_MAX;
        const fits = (batch: number): boolean => batch * pagesFor(context) <= limits.workingPages && affordable(batch);
        const fitting = possible.filter((batch) => fits(batch) && !known(batch));
        for (const batch of fitting) seen.add(`${batch}/${context}`);
        return fitting.map((batch, index) => decodePoint(bench, { batch, context }, index === 0));
      });
  });
  return timeShare(points, options, DECODE_SHARE);
}

function decodePoint(bench: StageBench, point: DecodePoint, opens: boolean): TimedPoint<DecodePoint> {
  return {
    point,
    measure: async () => {
      if (opens) bench.open(point.batch, point.context - BLOCK_TOKENS);
      else bench.keep(point.batch);
      await bench.decode();
      const times: number[] = [];
      for (let step = 0; step < DECODE_STEPS; step++) times.push(await bench.decode());
      return quantile(times, 0.5);
    },
  };
}

interface MixedPoint {
  readonly rows: number;
  readonly count: number;
}

/** Decoding rows of one page beside a chunk of a new prompt, for stages that run both at once: those of one weight format. */
async function timeMixed(bench: StageBench, job: StageCalibrationJob, options: CalibrateOptions): Promise<RoundResult<MixedPoint>> {
  const { stage, limits } = job;
  if (!mixesPhases(stage)) return { medians: [], noise: 0, drift: 0 };
  const most = Math.min(limits.maxSequences, limits.workingPages) - 1;
  const rows = [...new Set(MIXED_ROWS.map((one) => Math.min(one, most)))].filter((one) => one > 0);
  const fits = (point: MixedPoint): boolean =>
    point.count <= limits.contextLimit && point.rows + pagesFor(point.count) <= limits.workingPages;
  const points = rows.flatMap((one) => MIXED_COUNTS.map((count): MixedPoint => ({ rows: one, count }))).filter(fits);
  const timed = points.map((point): TimedPoint<MixedPoint> => ({ point, measure: () => timeTogether(bench, point) }));
  return timeShare(timed, options, MIXED_SHARE);
}

async function timeTogether(bench: StageBench, { rows, count }: MixedPoint): Promise<number> {
  bench.open(rows, 0);
  await bench.decode();
  bench.openPrompt(count);
  return bench.mixed(count);
}

type CopyCost = "sampleNs" | "sealNs" | "gatherNs" | "moveNs";

/** Costs of the head of a chunk, of sealing a block, gathering one and moving one to its page, as differences of steps with and without. Units: ns. */
async function timeCopies(
  bench: StageBench,
  { last, sealedBlocks }: { readonly last: boolean; readonly sealedBlocks: boolean },
): Promise<Pick<StageCalibration, CopyCost>> {
  const blocks = Math.min(COPIED_BLOCKS, bench.pastTokens / BLOCK_TOKENS);
  const chunk = (sample: boolean): Promise<number> => {
    bench.open(1, 0, BLOCK_TOKENS);
    return bench.prefill(BLOCK_TOKENS, sample);
  };
  const sample = await difference(
    () => chunk(true),
    () => chunk(false),
  );
  if (!sealedBlocks) return { sampleNs: last ? sample : 0, sealNs: 0, gatherNs: 0, moveNs: 0 };
  const opening = (): Promise<number> => {
    bench.open(1, blocks * BLOCK_TOKENS);
    return bench.decode();
  };
  // The first decode step after a gather also moves the lane to its pages; one after a chunk only moves.
  const both = await difference(opening, () => bench.decode());
  const moving = async (): Promise<number> => {
    bench.open(1, blocks * BLOCK_TOKENS, blocks * BLOCK_TOKENS + 1);
    await bench.prefill(1);
    return bench.decode();
  };
  const move = await difference(moving, () => bench.decode());
  const seal = await difference(
    () => bench.decode(blocks),
    () => bench.decode(),
  );
  const each = (ns: number): number => (blocks === 0 ? 0 : Math.round(ns / blocks));
  return { sampleNs: last ? sample : 0, sealNs: each(seal), gatherNs: Math.max(0, each(both) - each(move)), moveNs: each(move) };
}

/** Median time of a greedy draw from one row of logits. Units: ns. */
function timeDraw(vocabulary: number): number {
  const logits = Float32Array.from({ length: vocabulary }, (_, id) => ((id * 7919) % 1009) / 100);
  const times = Array.from({ length: DRAW_RUNS }, () => {
    const start = performance.now();
    sample(logits, GREEDY, { index: 0, history: { tokens: new Int32Array(0), promptTokens: 0 } });
    return (performance.now() - start) * 1e6;
  });
  return Math.round(quantile(times, 0.5));
}

/** Median of what the first takes beyond the second; never negative. */
async function difference(more: () => Promise<number>, less: () => Promise<number>): Promise<number> {
  const extras: number[] = [];
  for (let run = 0; run < COPY_RUNS; run++) {
    const extra = await more();
    extras.push(extra - (await less()));
  }
  return Math.max(0, Math.round(quantile(extras, 0.5)));
}

/** Times points within their share of the budget. */
function timeShare<T>(points: readonly TimedPoint<T>[], options: CalibrateOptions, share: number): Promise<RoundResult<T>> {
  const { signal, budgetMs, onProgress } = options;
  const limits = { signal, budgetMs: budgetMs * share, roundsMax: ROUNDS_MAX };
  return timeInRounds(
    points,
    onProgress === undefined ? limits : { ...limits, onProgress: (done) => onProgress(done, "timing the stage") },
  );
}
