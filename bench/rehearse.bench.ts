/**
 * A rack of one CPU, one emulated dataflow accelerator and one emulated IPU runs a language model dynamically: what the rack's engine learns in few
 * tasks, how near its forecast comes to what then happens, and what better knowledge would have gained.
 *
 * The accelerator and the IPU are emulated: no figure is one of the devices they are named after.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeddleError } from "../src/base/heddle-error.ts";
import { seededPrng } from "../src/base/prng.ts";
import { quantile } from "../src/base/statistics.ts";
import type { TaskId } from "../src/engine/dataflow/dataflow-types.ts";
import type { Learned } from "../src/engine/dataflow/learned-state.ts";
import type { Rack } from "../src/rack/rack.ts";
import { readRack } from "../src/rack/rack-file.ts";
import { loadDecoder } from "../src/sdk/load-decoder.ts";
import { openRack } from "../src/sdk/open-rack.ts";
import type { DecoderGraph, OpenRack } from "../src/sdk/sdk-types.ts";
import { forecastRun, type RecordedRack } from "../src/simulate/dataflow/forecast-run.ts";
import { writeTinyGguf } from "../test/support/tiny-gguf.ts";
import type { Bench, BenchOptions, BenchReport, Figure } from "./bench.ts";
import { firstEventOf, recordedRack } from "./recorded-rack.ts";
import { generate, type Pins } from "./rehearse/generate.ts";

const RACK = new URL("../../examples/racks/emulated-desk.yaml", import.meta.url);
/** Wall seconds a second of the accelerator takes here: a model as small as this one would leave it without work at the file's. */
const ACCELERATOR_SLOWDOWN = 4000;
const MODEL = { layers: 2, width: 384, heads: 6, kvHeads: 2, feedForward: 1536, vocabulary: 512, contextLength: 512 } as const;
const PROMPT_TOKENS = 100;
const NEW_TOKENS = 8;
const AT_ONCE = 5;
/** How often a rack that knows nothing learns, and the batches that follow each time. */
const LEARNINGS = 5;
const BATCHES = 2;
const WARM_BATCHES = 8;
const LEARNING_TASKS_MAX = 200;
const ERROR_MAX = 0.1;
const REGRET_MAX = 0.05;
const SEED = 7;

export const bench: Bench = { name: "rehearse", run };

async function run({ note, rest }: BenchOptions): Promise<BenchReport> {
  if (rest.length > 0) throw new HeddleError("usage", { where: rest.join(" "), detail: "this bench has no options" });
  const folder = mkdtempSync(join(tmpdir(), "heddle-rehearse-"));
  try {
    const model = await loadDecoder(writeTinyGguf(join(folder, "model.gguf"), { ...MODEL, format: "F32" }), { contextLength: 256 });
    return await rehearse(cutInHalves(model), folder, note);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function rehearse(model: DecoderGraph, folder: string, note: (text: string) => void): Promise<BenchReport> {
  const rack = withSlowdown(readRack(readFileSync(RACK, "utf8")));
  const prompts = promptsOf(AT_ONCE);
  note("alone on the CPU");
  const alone = await openRack({ ...rack, devices: rack.devices.filter(({ id }) => id === "cpu") });
  const expected = await together(alone, model, prompts);
  // The front end's code is compiled before anything counts; of the other devices nothing is learned here.
  for (let i = 0; i < WARM_BATCHES; i++) await together(alone, model, prompts);
  await alone.close();
  const learnings: Learning[] = [];
  for (let i = 0; i < LEARNINGS; i++) {
    note(`learning ${i + 1} of ${LEARNINGS}`);
    learnings.push(await learnOnce({ rack, model, prompts, expected, ledger: join(folder, `ledger-${i}`), note }));
  }
  const forecasts = learnings.flatMap((one) => one.forecasts);
  const middle = (of: (one: ForecastedBatch) => number): number => quantile(forecasts.map(of), 0.5);
  const count = `${forecasts.length} batches`;
  const figures: Figure[] = [
    {
      name: "tasks of learning",
      value: Math.max(...learnings.map(({ learningTasks }) => learningTasks)),
      unit: "tasks",
      floor: { max: LEARNING_TASKS_MAX },
    },
    {
      name: `forecast / live - 1 (median of ${count})`,
      value: middle(({ error }) => error),
      unit: "",
      floor: { min: -ERROR_MAX, max: ERROR_MAX },
    },
    { name: "the same by all runs before each batch", value: middle(({ recentError }) => recentError), unit: "" },
    { name: "|forecast / live - 1|, median", value: middle(({ error }) => Math.abs(error)), unit: "" },
    { name: "|forecast / live - 1|, worst", value: Math.max(...forecasts.map(({ error }) => Math.abs(error))), unit: "" },
    { name: "regret to full knowledge (median)", value: middle(({ regret }) => regret), unit: "", floor: { max: REGRET_MAX } },
    { name: "regret to full knowledge, worst", value: Math.max(...forecasts.map(({ regret }) => regret)), unit: "" },
    {
      name: "texts that differ from one device's",
      value: learnings.reduce((sum, { wrong }) => sum + wrong, 0),
      unit: "texts",
      floor: { max: 0 },
    },
  ];
  const of = (total: (one: Learning["devices"][number]) => number): string =>
    rack.devices.map(({ id }, at) => `${id} ${learnings.reduce((sum, { devices }) => sum + total(devices[at]!), 0)}`).join(", ");
  const setup = [
    `rack emulated-desk (accelerator ${ACCELERATOR_SLOWDOWN} times slower), emulated; ${AT_ONCE} requests at once, ${PROMPT_TOKENS} tokens and ${NEW_TOKENS} more each`,
    `learned anew ${LEARNINGS} times, each forecast held against the ${BATCHES} batches that follow at once: a machine that changes its speed does so between learnings`,
    `tasks by device before the pinned runs: ${of(({ tasks }) => tasks)}`,
    `of these longer than the device's own time, because this machine did not compute them sooner: ${of(({ lateRuns }) => lateRuns)}`,
  ];
  return { setup, figures };
}

interface ForecastedBatch {
  /** Forecast / live - 1, by what was learned at first. */
  readonly error: number;
  /** The same by all that was measured up to then: what is left of the error without it is the machine's own change of speed since the learning. */
  readonly recentError: number;
  readonly regret: number;
}

interface Learning {
  readonly learningTasks: number;
  readonly wrong: number;
  readonly devices: readonly { readonly tasks: number; readonly lateRuns: number }[];
  readonly forecasts: readonly ForecastedBatch[];
}

interface Rehearsal {
  readonly rack: Rack;
  readonly model: DecoderGraph;
  readonly prompts: readonly (readonly number[])[];
  readonly expected: readonly (readonly number[])[];
  readonly ledger: string;
  readonly note: (text: string) => void;
}

/** A rack that knows nothing learns, then runs batches; what would have happened with other knowledge comes from its ledger. */
async function learnOnce({ rack, model, prompts, expected, ledger, note }: Rehearsal): Promise<Learning> {
  const open = await openRack(rack, { ledger });
  let wrong = 0;
  const batch = async (pin?: Pins): Promise<void> => {
    const texts = await together(open, model, prompts, pin);
    texts.forEach((tokens, at) => {
      if (tokens.join() !== expected[at]!.join()) wrong++;
    });
  };
  // One request first: what is cold is run once, and the engine forgets a first run with the second.
  await generate(open, model, { prompt: prompts[0]!, count: NEW_TOKENS, pin: {} });
  await batch();
  const starts: TaskId[] = [tasksOf(open)];
  for (let i = 0; i < BATCHES; i++) {
    await batch();
    starts.push(tasksOf(open));
  }
  const { devices } = open.report();
  // All that can be on each device, for what is really so.
  for (const { id } of rack.devices) await batch(await pinsTo(open, model, id));
  await open.close();
  const recorded = recordedRack(ledger);
  const learned = learnedBefore(recorded, firstEventOf(recorded, starts[0]!));
  const all = learnedBefore(recorded, recorded.events.length);
  const forecasts = starts.slice(0, BATCHES).map((task, at): ForecastedBatch => {
    const first = firstEventOf(recorded, task);
    const end = firstEventOf(recorded, starts[at + 1]!);
    const forecast = (known: Learned, truth: Learned) => {
      const result = forecastRun(recorded, { first, end }, { known, truth });
      if (!result.ok) throw new HeddleError("internal", { where: "rehearse bench", detail: JSON.stringify(result.error) });
      return result.value;
    };
    const { recordedNs, forecastNs } = forecast(learned, learned);
    const upToThen = learnedBefore(recorded, first);
    const recentError = forecast(upToThen, upToThen).forecastNs / recordedNs - 1;
    const regret = forecast(learned, all).forecastNs / forecast(all, all).forecastNs - 1;
    note(`live ${ms(recordedNs)}, forecast ${ms(forecastNs)}, regret ${(100 * regret).toFixed(1)} %`);
    return { error: forecastNs / recordedNs - 1, recentError, regret };
  });
  return { learningTasks: starts[0]!, wrong, devices, forecasts };
}

function withSlowdown(rack: Rack): Rack {
  const devices = rack.devices.map((device) =>
    device.kind === "dataflow" && device.emulation !== undefined
      ? { ...device, emulation: { ...device.emulation, slowdown: ACCELERATOR_SLOWDOWN } }
      : device,
  );
  return { ...rack, devices };
}

/** Attention and feed-forward as stages of their own: the accelerator takes only the latter. */
function cutInHalves(model: DecoderGraph): DecoderGraph {
  const names = model.program.graph.operators.map(({ name }) => name);
  const partOf = (name: string | undefined): string | undefined => name?.split("/")[0];
  return { ...model, cutAfter: names.filter((name, at) => partOf(name) !== partOf(names[at + 1])) };
}

async function pinsTo(rack: OpenRack, model: DecoderGraph, device: string): Promise<Pins> {
  const stages = await rack.stages(model);
  const able = stages.filter(({ devices }) => devices.some(({ id, ok }) => id === device && ok));
  return Object.fromEntries(able.flatMap(({ operators }) => operators.map((name) => [name, device])));
}

function promptsOf(count: number): readonly (readonly number[])[] {
  const prng = seededPrng(SEED);
  return Array.from({ length: count }, () => Array.from({ length: PROMPT_TOKENS }, () => Math.floor(prng.nextFloat() * MODEL.vocabulary)));
}

function together(
  rack: OpenRack,
  model: DecoderGraph,
  prompts: readonly (readonly number[])[],
  pin: Pins = {},
): Promise<readonly (readonly number[])[]> {
  return Promise.all(prompts.map((prompt) => generate(rack, model, { prompt, count: NEW_TOKENS, pin })));
}

function tasksOf(rack: OpenRack): number {
  return rack.report().devices.reduce((sum, { tasks }) => sum + tasks, 0);
}

function learnedBefore(recorded: RecordedRack, first: number): Learned {
  const result = forecastRun(recorded, { first, end: first });
  if (!result.ok) throw new HeddleError("internal", { where: "rehearse bench", detail: JSON.stringify(result.error) });
  return result.value.learned;
}

function ms(ns: number): string {
  return `${(ns / 1e6).toFixed(0)} ms`;
}
