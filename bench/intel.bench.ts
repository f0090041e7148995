/**
 * The `openvino` driver beside `ort` on the same GGUF file and cores. Every way has a process of its own and they answer in turns: figures are
 * medians, ratios medians over turns. Then perplexity of what is served, batch invariance, and the cost model's prediction of a measured stage.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../src/base/heddle-error.ts";
import { quantile } from "../src/base/statistics.ts";
import type { StepShape } from "../src/cost/step-cost.ts";
import { stepCostFrom } from "../src/cost/step-cost-from.ts";
import { calibrateStage } from "../src/execute/calibrate/calibrate-stage.ts";
import { StageBench } from "../src/execute/calibrate/stage-bench.ts";
import { modelsFolder } from "../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import { stageDriver } from "../src/execute/replica-host/driver-by-name.ts";
import type { DecoderModel } from "../src/graph/decoder/model.ts";
import { loadTokenizer } from "../src/graph/tokenizer/tokenizer.ts";
import type { StagePlan } from "../src/plan/plan.ts";
import type { GraphFormat, Rack } from "../src/rack/rack.ts";
import type { Bench, BenchOptions, BenchReport, Figure } from "./bench.ts";
import { batchDifference } from "./native/batch-invariance.ts";
import { type ServedPath, servedPerplexity } from "./native/served-perplexity.ts";
import { startSide, timesOf } from "./native/side.ts";
import type { SideQuestion } from "./native/side-protocol.ts";

interface Way {
  readonly driver: string;
  readonly prefillFormat: GraphFormat;
  readonly decodeFormat: GraphFormat;
}

const PROMPT_TOKENS = 512;
const ROUNDS = 7;
const STEPS = 8;
const THREADS = 2;
/** The first one is what the others are held against. */
const WAYS: readonly Way[] = [
  { driver: "ort", prefillFormat: "f32", decodeFormat: "f32" },
  { driver: "ort", prefillFormat: "int8-row", decodeFormat: "int8-row" },
  { driver: "openvino", prefillFormat: "bf16", decodeFormat: "int4" },
];
const QUESTIONS: readonly { readonly name: string; readonly tokens: number; readonly question: SideQuestion }[] = [
  { name: `prefill ${PROMPT_TOKENS}`, tokens: PROMPT_TOKENS, question: { kind: "prefill", tokens: PROMPT_TOKENS, chunk: PROMPT_TOKENS } },
  ...(
    [
      [1, 64],
      [8, 64],
      [8, 1024],
    ] as const
  ).map(([batch, context]) => ({
    name: `decode ${batch} x ${context}`,
    tokens: batch,
    question: { kind: "decode", batch, context, steps: STEPS } as const,
  })),
];
const PREFILL_LEAST = 2;
const PERPLEXITY_MOST = 1.01;
const TOLERANCE = 1e-4;
/** Tokens of the text that perplexity is taken of: all by prefill, fewer step by step. */
const TEXT_TOKENS = 640;
const STEPPED_TOKENS = 160;
const CALIBRATION_MS = 12_000;
const LIMITS = { maxSequences: 8, contextLimit: 2048, workingPages: 160 };
const UNKNOWN = { valueNs: 1, lowNs: 1, highNs: 1, basis: "extrapolated", source: "bench" } as const;

export const bench: Bench = { name: "intel", run };

async function run(options: BenchOptions): Promise<BenchReport> {
  const path = options.rest[0] ?? join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
  if (!existsSync(path))
    throw new HeddleError("file-unreadable", { where: path, detail: "run `heddle model pull` first, or name a GGUF file" });
  const { version } = (await stageDriver("openvino")).describe();
  const model = openDecoderModel(path);
  const figures = await speeds(path, options.note);
  figures.push(...(await perplexities(model, options.note)));
  for (const way of WAYS.slice(1)) figures.push(await invariance(model, way));
  figures.push(...(await predictions(model, WAYS.at(-1)!, options.note)));
  const setup = [
    `model ${path}, OpenVINO ${version}, ${THREADS} threads`,
    `${ROUNDS} rounds in turns, ${STEPS} decode steps each; ways: ${WAYS.map(nameOf).join(", ")}`,
  ];
  return { setup, figures };
}

function nameOf({ driver, prefillFormat, decodeFormat }: Way): string {
  return `${driver} ${prefillFormat}/${decodeFormat}`;
}

async function speeds(model: string, note: (text: string) => void): Promise<Figure[]> {
  const sides = [];
  for (const way of WAYS) {
    note(`loading ${nameOf(way)}`);
    sides.push(await startSide({ engine: "heddle", ...way, model, threads: THREADS, chunk: PROMPT_TOKENS, cuts: [] }));
  }
  const figures: Figure[] = [];
  for (const { name, tokens, question } of QUESTIONS) {
    const times = WAYS.map((): number[] => []);
    for (const side of sides) await timesOf(side, question);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, side] of sides.entries()) times[i]!.push(...(await timesOf(side, question)));
    for (const [i, way] of WAYS.entries()) {
      const rate = (tokens * 1e3) / quantile(times[i]!, 0.5);
      note(`${name}, ${nameOf(way)}: ${rate.toFixed(0)} tokens/s`);
      figures.push({ name: `${name}, ${nameOf(way)}`, value: rate, unit: "tokens/s" });
    }
    const ratio = (of: number): number =>
      quantile(
        times.at(-1)!.map((ms, round) => times[of]![round]! / ms),
        0.5,
      );
    const floor = question.kind === "prefill" ? { floor: { min: PREFILL_LEAST } } : {};
    figures.push({ name: `${name}, openvino / ort f32`, value: ratio(0), unit: "x", ...floor });
    figures.push({ name: `${name}, openvino / ort int8-row`, value: ratio(1), unit: "x" });
  }
  for (const side of sides) side.close();
  return figures;
}

async function perplexities(model: DecoderModel, note: (text: string) => void): Promise<Figure[]> {
  const text = readFileSync(new URL("../../test/golden/perplexity/text.txt", import.meta.url), "utf8");
  const tokens = loadTokenizer(model.tokenizer).encode(text, { addSpecial: false }).slice(0, TEXT_TOKENS);
  const of = async (way: Way, phase: ServedPath["phase"]): Promise<number> => {
    const format = phase === "prefill" ? way.prefillFormat : way.decodeFormat;
    const taken = phase === "prefill" ? tokens : tokens.slice(0, STEPPED_TOKENS);
    return servedPerplexity({ driver: await stageDriver(way.driver), model, phase, format, threads: THREADS }, taken);
  };
  const figures: Figure[] = [];
  for (const phase of ["prefill", "decode"] as const) {
    const exact = await of(WAYS[0]!, phase);
    for (const way of WAYS.slice(1)) {
      const value = (await of(way, phase)) / exact;
      note(`perplexity by ${phase}, ${nameOf(way)}: ${(value * exact).toFixed(3)} against ${exact.toFixed(3)} in f32`);
      const floor = way.driver === "openvino" ? { floor: { max: PERPLEXITY_MOST } } : {};
      figures.push({ name: `perplexity by ${phase}, ${nameOf(way)} / ort f32`, value, unit: "x", ...floor });
    }
  }
  return figures;
}

async function invariance(model: DecoderModel, way: Way): Promise<Figure> {
  const driver = await stageDriver(way.driver);
  const stage = await driver.load(model, planOf(model, way), LIMITS);
  const value = await batchDifference(stage, model.spec.vocabulary);
  await stage.release();
  const floor = { max: way.driver === "openvino" ? TOLERANCE : driver.describe().batchTolerance };
  return { name: `alone against 7 neighbours, ${nameOf(way)}`, value, unit: "of the largest logit", floor };
}

/** What the cost model says of the stage after its calibration, and what the stage takes. */
async function predictions(model: DecoderModel, way: Way, note: (text: string) => void): Promise<Figure[]> {
  const stage = planOf(model, way);
  const driver = await stageDriver(way.driver);
  const { fromLayer, toLayer, prefillFormat, decodeFormat } = stage;
  const identity = {
    ...{ rackFingerprint: "bench", modelFingerprint: model.fingerprint },
    ...{ fromLayer, toLayer, driver: driver.id, threads: THREADS, prefillFormat, decodeFormat },
  };
  const load = (plan: StagePlan) => driver.load(model, plan, LIMITS);
  const budget = { signal: new AbortController().signal, budgetMs: CALIBRATION_MS };
  const calibration = await calibrateStage({ load, sealedBlocks: true }, model, { identity, stage, limits: LIMITS }, budget);
  const rack: Rack = { version: 1, name: "bench", fingerprint: "bench", devices: [deviceOf(way)], memories: [], links: [] };
  const priced = stepCostFrom({
    ...{ spec: model.spec, modelFingerprint: model.fingerprint, rack },
    ...{ stages: [stage], stageCalibrations: [calibration] },
  });
  if (!priced.ok) throw new HeddleError("internal", { where: "intel bench", detail: `nothing is known of ${priced.error.missing}` });
  const loaded = await load(stage);
  const drive = new StageBench({ stage: loaded, spec: model.spec, first: true, sealedBlocks: true });
  await drive.fillPast(1024, CALIBRATION_MS);
  const figures: Figure[] = [];
  for (const { name, shape, prepare, once } of points(drive)) {
    const times: number[] = [];
    await prepare();
    for (let round = 0; round < ROUNDS; round++) times.push(await once());
    const { valueNs, lowNs, highNs } = priced.value.stageEstimate(0, shape);
    const measured = quantile(times, 0.5);
    const text = [valueNs, lowNs, highNs, measured].map((ns) => (ns / 1e6).toFixed(1));
    note(`${name}: predicted ${text[0]} ms (${text[1]} to ${text[2]}), measured ${text[3]} ms`);
    figures.push({ name: `${name}: predicted / measured`, value: valueNs / measured, unit: "x" });
  }
  await loaded.release();
  return figures;
}

interface Point {
  readonly name: string;
  readonly shape: StepShape;
  readonly prepare: () => Promise<unknown>;
  readonly once: () => Promise<number>;
}

function points(drive: StageBench): readonly Point[] {
  const prompt: Point = {
    name: `prefill ${PROMPT_TOKENS}`,
    shape: { prefill: [{ count: PROMPT_TOKENS, context: 0 }], decodeContexts: [], sampledRows: 0 },
    prepare: async () => undefined,
    once: () => {
      drive.open(1, 0, PROMPT_TOKENS);
      return drive.prefill(PROMPT_TOKENS);
    },
  };
  const decode = (batch: number, context: number): Point => ({
    name: `decode ${batch} x ${context}`,
    shape: { prefill: [], decodeContexts: Array.from({ length: batch }, () => context), sampledRows: batch },
    prepare: () => {
      drive.open(batch, context - 64);
      return drive.decode();
    },
    once: () => drive.decode(),
  });
  return [prompt, decode(1, 64), decode(8, 64), decode(8, 1024)];
}

function deviceOf({ driver }: Way): Rack["devices"][number] {
  return { id: "cpu-0-1", kind: "cpu", driver, threads: THREADS, cores: [0, 1], memory: "dram" };
}

function planOf(model: DecoderModel, way: Way): StagePlan {
  const range = { fromLayer: 0, toLayer: model.spec.layers, device: deviceOf(way).id };
  return { ...range, ...way, threads: THREADS, decodeStep: UNKNOWN, prefill512: UNKNOWN, why: "bench" };
}
