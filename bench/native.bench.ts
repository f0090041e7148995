/**
 * heddle's drivers against llama.cpp (node-llama-cpp) on the same GGUF file and cores. Each engine has its own processes; the peer is
 * taken at the best of a sweep of its settings and heddle at the best of its ways to take prompts and to decode, question by question, as plans for
 * such loads would be; the two then answer in turns: figures are medians and medians of the ratios of one turn.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../src/base/assert.ts";
import { HeddleError } from "../src/base/heddle-error.ts";
import { quantile } from "../src/base/statistics.ts";
import { loadOpenvinoRuntime } from "../src/execute/drivers/openvino/openvino-runtime.ts";
import { kernelRefusal } from "../src/execute/kernels/kernel-module.ts";
import { modelsFolder } from "../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import type { Bench, BenchOptions, BenchReport, Figure } from "./bench.ts";
import { type Rival, sweepPeer } from "./native/peer-sweep.ts";
import { type Side, startSide, timesOf } from "./native/side.ts";
import type { HeddleSetup, SideQuestion, SideSetup } from "./native/side-protocol.ts";

const CONCURRENCIES: readonly number[] = [1, 4, 8, 16];
const CONTEXTS: readonly number[] = [64, 1024];
const PROMPT_TOKENS = 512;
const CHUNKS: readonly number[] = [512, 256, 128];
const MIXED_CHUNKS: readonly number[] = [4, 8, 16, 32];
const STREAMS = 8;
const CORES = 2;
const ROUNDS = 5;
const DECODE_STEPS = 12;
/** Turns in which heddle's ways are compared. */
const OWN_REPEATS = 3;
const SINGLE = "decode 1 x 64";
const PREFILL = "prefill";
/** Floors of the ratios: heddle / llama.cpp. */
const FLOORS = { single: 0.75, prefill: 1.5, concurrent: 2, gapRatioMax: 2, splitMax: 1.1 };

export const bench: Bench = { name: "native", run };

async function run(options: BenchOptions): Promise<BenchReport> {
  const model = options.rest[0] ?? join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
  if (!existsSync(model))
    throw new HeddleError("file-unreadable", { where: model, detail: "run `heddle model pull` first, or name a GGUF file" });
  const setup: string[] = [`model ${model}`, `${ROUNDS} rounds, ${DECODE_STEPS} decode steps each; prompts of ${PROMPT_TOKENS} tokens`];
  const figures: Figure[] = [];
  const ways = await ownWays();
  for (const threads of [CORES, 1]) {
    const questions = threads === CORES ? allQuestions() : allQuestions().filter(({ name }) => /prefill|^decode [18] x 64$/.test(name));
    const rivals = await sweepPeer(model, { threads, questions, note: options.note });
    setup.push(...rivals.map(({ name, side, swept }) => `peer for ${name}, ${threads} thread(s) at most: ${describe(side)} of ${swept}`));
    const own = await Promise.all(ways.map((way) => startSide(heddle(model, { threads, way }))));
    setup.push(`heddle: ${threads} thread(s), ${own.map(({ setup: one }) => wayText(one)).join(" or ")}`);
    const duels = await chooseOwn(own, rivals, options.note);
    setup.push(...duels.map(({ name, mine, own: { setup: ours } }) => `heddle for ${name}: ${answerText(ours, mine)}`));
    figures.push(...(await duel(duels, { threads, note: options.note })));
    for (const side of new Set(rivals.map((rival) => rival.side))) side.close();
    const best = (wanted: string): Side => duels.find(({ name }) => name === wanted)!.own;
    if (threads === CORES) {
      const smooth = await Promise.all(SMOOTH.map((way) => startSide(heddle(model, { threads, way }))));
      figures.push(...(await gapsBesidePrompt([...own, ...smooth].filter(sharesSteps), options)));
      for (const side of smooth) side.close();
      figures.push(...(await alone(best(SINGLE), model)));
    }
    for (const side of own) side.close();
  }
  return { setup, figures };
}

function allQuestions(): { name: string; question: SideQuestion }[] {
  const decodes = CONTEXTS.flatMap((context) =>
    CONCURRENCIES.map((batch) => ({
      name: `decode ${batch} x ${context}`,
      question: { kind: "decode", batch, context, steps: DECODE_STEPS } as const,
    })),
  );
  return [{ name: PREFILL, question: { kind: "prefill", tokens: PROMPT_TOKENS } }, ...decodes];
}

/** Formats of heddle's for prompts and for decode steps, and the driver that does all of it. */
interface OwnWay extends Pick<HeddleSetup, "prefillFormat" | "decodeFormat"> {
  readonly driver: "ort" | "openvino";
}

function heddle(model: string, { threads, way, cuts = [] }: { threads: number; way: OwnWay; cuts?: readonly number[] }): HeddleSetup {
  return { engine: "heddle", model, threads, ...way, chunk: PROMPT_TOKENS, cuts };
}

/** Ways that decode no quicker than another but take a prompt's rows into the steps of the streams: for gaps alone. */
const SMOOTH: readonly OwnWay[] =
  kernelRefusal() === undefined ? [{ driver: "ort", prefillFormat: "block-int8", decodeFormat: "block-int8" }] : [];

/** What every machine has first; heddle's own kernels and OpenVINO's prompts and paged attention where the machine has them. */
async function ownWays(): Promise<readonly OwnWay[]> {
  const ort = { driver: "ort", prefillFormat: "int8-row" } as const;
  const ways: OwnWay[] = [{ ...ort, decodeFormat: "int8-row" }];
  if (kernelRefusal() === undefined) ways.push({ ...ort, decodeFormat: "block-int8" });
  const openvino = await loadOpenvinoRuntime();
  if (openvino.ok && openvino.value.kernels?.refusal() === undefined) {
    for (const prefillFormat of ["bf16", "block-int8"] as const)
      ways.push({ driver: "openvino", prefillFormat, decodeFormat: "block-int8" });
  }
  return ways;
}

/** Prompts are rows of the steps that decode; where they are runs of their own, a gap is at least the sum of both. */
function sharesSteps({ setup }: Side): boolean {
  return setup.engine === "heddle" && setup.prefillFormat === setup.decodeFormat;
}

function wayText(setup: SideSetup): string {
  return setup.engine === "heddle" ? `${setup.prefillFormat}/${setup.decodeFormat} on ${setup.driver}` : setup.engine;
}

function answerText(setup: SideSetup, question: SideQuestion): string {
  if (setup.engine !== "heddle") return setup.engine;
  return question.kind === "prefill"
    ? `${setup.prefillFormat} on ${setup.driver}, chunks of ${question.chunk}`
    : `${setup.decodeFormat} on ${setup.driver}`;
}

/** A question, the peer at its best for it and heddle at its, with the chunks it takes a prompt in. */
interface Duel extends Rival {
  readonly own: Side;
  readonly mine: SideQuestion;
}

/** The quickest of heddle's sides for each question, prompts in the best of their chunks; prompts also on `ort` where another side is quicker. */
async function chooseOwn(own: readonly Side[], rivals: readonly Rival[], note: (text: string) => void): Promise<readonly Duel[]> {
  const duels: Duel[] = [];
  for (const rival of rivals) {
    const { name, question } = rival;
    const answers: { own: Side; mine: SideQuestion; ms: number }[] = [];
    const asked = question.kind === "prefill" ? CHUNKS.map((chunk) => ({ ...question, chunk })) : [question];
    for (const side of question.kind === "prefill" ? promptSides(own) : own)
      for (const mine of asked) {
        const times: number[] = [];
        for (let i = 0; i < OWN_REPEATS; i++) times.push(...(await timesOf(side, mine)));
        const ms = quantile(times, 0.5);
        note(`heddle ${name}: ${ms.toFixed(1)} ms (${answerText(side.setup, mine)})`);
        answers.push({ own: side, mine, ms });
      }
    answers.sort((a, b) => a.ms - b.ms);
    const [best] = answers;
    assert(best !== undefined, "heddle has a way for each question", { name });
    duels.push({ ...rival, own: best.own, mine: best.mine });
    const built = answers.find((answer) => answer.own === own[0]);
    if (question.kind === "prefill" && built !== undefined && built !== best)
      duels.push({ ...rival, name: `${name} on ort`, own: built.own, mine: built.mine });
  }
  return duels;
}

/** One side for each way of taking prompts. */
function promptSides(own: readonly Side[]): readonly Side[] {
  const key = ({ setup }: Side): string => (setup.engine === "heddle" ? `${setup.driver} ${setup.prefillFormat}` : "");
  return own.filter((side, i) => own.findIndex((other) => key(other) === key(side)) === i);
}

function describe(side: Side): string {
  const { setup } = side;
  if (setup.engine === "heddle") return "heddle";
  const { threads, flashAttention, batchSize, sequences } = setup;
  return `${threads} threads, flash attention ${flashAttention ? "on" : "off"}, batch ${batchSize}, ${sequences} sequences`;
}

/** Both engines answer every question in turns. */
async function duel(duels: readonly Duel[], { threads, note }: { threads: number; note: (text: string) => void }): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, question, side, own, mine } of duels) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(...(await timesOf(own, mine)));
      theirs.push(...(await timesOf(side, question)));
    }
    const tokens = question.kind === "decode" ? question.batch : PROMPT_TOKENS;
    const rate = (times: readonly number[]): number => (tokens * 1e3) / quantile(times, 0.5);
    const ratio = quantile(
      ours.map((ms, i) => theirs[i]! / ms),
      0.5,
    );
    const title = `${name}, ${threads} core${threads === 1 ? "" : "s"}`;
    note(`${title}: heddle ${rate(ours).toFixed(0)}, llama.cpp ${rate(theirs).toFixed(0)} tokens/s, ratio ${ratio.toFixed(2)}`);
    figures.push({ name: `${title}: heddle`, value: rate(ours), unit: "tokens/s" });
    figures.push({ name: `${title}: llama.cpp`, value: rate(theirs), unit: "tokens/s" });
    const floor = threads === CORES ? floorOf(name, question) : undefined;
    figures.push({ name: `${title}: ratio`, value: ratio, unit: "x", ...(floor === undefined ? {} : { floor: { min: floor } }) });
  }
  return figures;
}

function floorOf(name: string, question: SideQuestion): number | undefined {
  if (name === PREFILL) return FLOORS.prefill;
  if (question.kind !== "decode") return undefined;
  return question.batch === 1 ? FLOORS.single : question.batch === STREAMS ? FLOORS.concurrent : undefined;
}

/** Gaps of streams while a prompt comes in, at the best of ways and chunks. */
async function gapsBesidePrompt(sides: readonly Side[], { note }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  const middle = (values: readonly number[]): number => quantile(values, 0.5);
  let best = Number.POSITIVE_INFINITY;
  for (const side of sides)
    for (const chunk of MIXED_CHUNKS) {
      const rounds: { ratio: number; total: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const answer = await side.ask({ kind: "mixed", batch: STREAMS, tokens: PROMPT_TOKENS, chunk });
        assert(answer.kind === "times" && answer.aloneMs !== undefined, "a mixed run gives two lists", answer);
        rounds.push({
          ratio: quantile(answer.ms, 0.99) / quantile(answer.aloneMs, 0.5),
          total: answer.ms.reduce((sum, ms) => sum + ms, 0),
        });
      }
      const ratio = middle(rounds.map((one) => one.ratio));
      const total = middle(rounds.map((one) => one.total));
      best = Math.min(best, ratio);
      const how = `${wayText(side.setup)}, chunk ${chunk}`;
      note(`${how}, beside ${STREAMS} streams: p99 gap ${ratio.toFixed(2)} x their median alone, prompt done in ${total.toFixed(0)} ms`);
      figures.push({ name: `p99 gap of ${STREAMS} streams / median alone, ${how}`, value: ratio, unit: "x" });
      figures.push({ name: `${PROMPT_TOKENS}-token prompt beside ${STREAMS} streams, ${how}`, value: total, unit: "ms" });
    }
  figures.push({ name: "p99 gap / median alone, best way and chunk", value: best, unit: "x", floor: { max: FLOORS.gapRatioMax } });
  return figures;
}

/** Figures without a rival: the cost of a cut, the share of the memory's bandwidth. */
async function alone(single: Side, model: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  const { layers } = openDecoderModel(model).spec;
  const { setup } = single;
  assert(setup.engine === "heddle", "heddle's side is its own", setup);
  const cut = await startSide({ ...setup, cuts: [Math.floor(layers / 2)] });
  const question: SideQuestion = { kind: "decode", batch: 1, context: 64, steps: DECODE_STEPS };
  const shares: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [ms = 0] = await timesOf(single, question);
    const [cutMs = 0] = await timesOf(cut, question);
    whole.push(ms);
    shares.push(cutMs / ms);
  }
  cut.close();
  figures.push({
    name: "2 stages in one process / whole, per token",
    value: quantile(shares, 0.5),
    unit: "x",
    floor: { max: FLOORS.splitMax },
  });
  const bandwidth = await single.ask({ kind: "bandwidth" });
  assert(bandwidth.kind === "bandwidth", "a bandwidth question gets one", bandwidth);
  const read = bandwidth.weightBytes / (quantile(whole, 0.5) / 1e3);
  figures.push({ name: "weights read per decode step", value: bandwidth.weightBytes / 2 ** 20, unit: "MiB" });
  figures.push({ name: "memory copy, read and written", value: bandwidth.copyBytesPerSecond / 1e9, unit: "GB/s" });
  figures.push({ name: "share of that bandwidth decode reaches", value: read / bandwidth.copyBytesPerSecond, unit: "" });
  return figures;
}
