/**
 * Goal: every program of `examples/` does what it is for, as a user runs it. Method: the built programs with their models, which are fetched where they
 * are not there; what they print is compared with what stands in the pictures, was said, or the reference computes, and their timelines with the claim
 * that two devices work at once. Each comparison is shown to see a fault.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { modelFile } from "../../examples/model-file.ts";
import { fetchOcrModels, fetchSpeechModels } from "../../scripts/example-models.ts";
import { type DataflowCommand, HOME } from "../../src/engine/dataflow/dataflow-types.ts";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import { type ReadSlice, readChromeTrace } from "../support/read-chrome-trace.ts";
import { referenceLogits } from "../support/reference-decoder.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";

// Programs start processes that each load a library: slow where others use the machine.
vi.setConfig({ testTimeout: 240_000 });
const folder = mkdtempSync(join(tmpdir(), "heddle-examples-"));
/** A fetch from the registry: 85 MB at most. Unit: ms. */
const FETCH_MS = 240_000;
const DESK = "examples/racks/emulated-desk.yaml";

describe("text in pictures", () => {
  const PICTURES = ["receipt", "sign", "page", "label", "screen", "upside-down"];
  /** Lines read to the letter, of 39; the one that is not misses a space. Measured on x64 with ONNX Runtime 1.30. */
  const EXACT = 38;
  let missing: string | undefined;
  beforeAll(async () => {
    missing = await failureOf(fetchOcrModels);
  }, FETCH_MS);

  it("reads six pictures with two devices that work at once", async (context) => {
    skipWithout(context, missing);
    const trace = join(folder, "ocr.json");
    const printed = await runExample("ocr", ["--trace", trace]);
    const read = linesByPicture(printed);
    const truth = new Map(PICTURES.map((name) => [name, readFileSync(`examples/ocr/images/${name}.txt`, "utf8").trim().split("\n")]));
    expect(exact(read, truth)).toBeGreaterThanOrEqual(EXACT);
    const close = (lines: ReadonlyMap<string, readonly string[]>) => [...lines].map(([name, all]) => [name, all.map(spaceless)]);
    expect(close(read)).toEqual(close(truth));
    expect(exact(new Map([...read].map(([name, all]) => [name, all.map((line) => `${line}.`)])), truth)).toBe(0);
    const { slices, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
    expect(flaws).toEqual([]);
    expect(togetherNs(slices, ["cpu-0", "cpu-1"])).toBeGreaterThan(0);
    expect(togetherNs(oneAfterAnother(slices), ["cpu-0", "cpu-1"])).toBe(0);
  });
});

describe("speech", () => {
  const SAID =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was " +
    "the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair, we " +
    "had everything before us, we had nothing before us, we were all going direct to Heaven, we were all going direct the other way. In short, the " +
    "period was so far like the present period, that some of its noisiest authorities insisted on its being received, for good or for evil, in the " +
    "superlative degree of comparison only.";
  /** Words wrong, of 119: measured 4 (a season twice, one word left out, noisyest). Integers round otherwise on other processors. */
  const WRONG_MAX = 6;
  let missing: string | undefined;
  beforeAll(async () => {
    missing = await failureOf(fetchSpeechModels);
  }, FETCH_MS);

  it("writes down a recording with two devices that work at once", async (context) => {
    skipWithout(context, missing);
    const trace = join(folder, "speech.json");
    // Twice over: once takes the encoder about as long as the decoder is loaded, and nothing is left to do at once.
    const twice = join(folder, "twice.wav");
    writeFileSync(twice, repeated(readFileSync(modelFile("moonshine-voice--two_cities.wav"))));
    const printed = await runExample("speech", ["--trace", trace, twice]);
    const text = printed.split("\n").filter((line) => !/ runs, busy for /.test(line));
    const said = `${SAID} ${SAID}`;
    expect(wordsWrong(text.join(" "), said)).toBeLessThanOrEqual(2 * WRONG_MAX);
    expect(wordsWrong(text.slice(1).join(" "), said)).toBeGreaterThan(2 * WRONG_MAX);
    const { slices, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
    expect(flaws).toEqual([]);
    expect(togetherNs(slices, ["cpu-0", "cpu-1"])).toBeGreaterThan(0);
    expect(togetherNs(oneAfterAnother(slices), ["cpu-0", "cpu-1"])).toBe(0);
  });
});

describe("a language model", () => {
  const TOKENS = 12;
  const PROMPT = "the rack runs a model and";
  const tiny = writeTinyGguf(join(folder, "tiny.gguf"), { layers: 3 });
  const common = ["--model", tiny, "--prompt", PROMPT, "--tokens", String(TOKENS), "--ids"];
  const reference = greedy(tiny, PROMPT, TOKENS);

  it("reads the prompt on one device and writes on another: the tokens of one device, and of the reference", async () => {
    const alone = idsOf(await runExample("llm", [...common, "--prefill", "cpu-0", "--decode", "cpu-0"]));
    const apart = await runExample("llm", [...common, "--prefill", "cpu-0", "--decode", "cpu-1"]);
    expect(alone).toEqual(reference);
    expect(idsOf(apart)).toEqual(reference);
    expect(apart).toMatch(/^cpu-0: .*\ncpu-1: /m);
    expect(greedy(tiny, `${PROMPT} the`, TOKENS)).not.toEqual(reference);
  });

  it("does so on a rack of a CPU, an emulated IPU and an emulated dataflow accelerator", async () => {
    const ipu = await runExample("llm", [...common, "--rack", DESK, "--prefill", "ipu", "--decode", "cpu"]);
    expect(idsOf(ipu)).toEqual(reference);
    const parts = "layers.*.ffn/*=dataflow,layers.*.attention/*=cpu";
    const ledger = join(folder, "desk-ledger");
    const three = await runExample("llm", [
      ...common,
      "--rack",
      DESK,
      "--prefill",
      parts,
      "--decode",
      "ipu",
      "--ledger",
      ledger,
      "--trace",
      `${ledger}.json`,
    ]);
    expect(idsOf(three)).toEqual(reference);
    expect(three).toMatch(/keys and values handed over, cpu to ipu: \d+ kB/);
    const { slices, flaws } = readChromeTrace(readFileSync(`${ledger}.json`, "utf8"));
    expect(flaws).toEqual([]);
    const kinds = new Set(slices.filter(({ thread }) => thread === "dataflow").map(({ kind }) => kind));
    for (const kind of ["reconfigure", "padding", "compute"]) expect(kinds).toContain(kind);
    expect(movedBetweenDevices(join(ledger, "rack.ledger"))).toBeGreaterThan(0);
    expect(three.match(/^(cpu|dataflow|ipu): /gm)).toEqual(["cpu: ", "dataflow: ", "ipu: "]);
  });

  const smol = join(homedir(), ".cache/heddle/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
  it.skipIf(!existsSync(smol))(
    `SmolLM2 writes apart what it writes alone${existsSync(smol) ? "" : ", left out: not in the cache"}`,
    async () => {
      // As printed with --decode cpu-0.
      const alone = [260, 3003, 14797, 282, 260, 1205, 3323, 42, 2382, 28, 4461, 28];
      expect(idsOf(await runExample("llm", ["--tokens", String(alone.length), "--ids"]))).toEqual(alone);
    },
  );
});

/** What the built example prints. */
/** A WAVE file whose samples, its last chunk, come twice. */
function repeated(wav: Buffer): Buffer {
  const at = wav.indexOf("data", 12, "latin1");
  const samples = wav.subarray(at + 8, at + 8 + wav.readUInt32LE(at + 4));
  const head = Buffer.from(wav.subarray(0, at + 8));
  head.writeUInt32LE(2 * samples.length, at + 4);
  return Buffer.concat([head, samples, samples]);
}

function runExample(name: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`dist/examples/${name}/main.js`, ...args]);
    let [out, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${name} ended with ${code}: ${errors}`))));
  });
}

/** Transfers from one device's memory to another's that the engine commanded, by replaying its ledger. */
function movedBetweenDevices(file: string): number {
  const ledger = readLedger(readFileSync(file));
  const engine = engineOfLedger(ledger.header);
  const commands = ledger.events.flatMap(({ event, at }) => engine.step(event, at)) as readonly DataflowCommand[];
  return commands.filter((command) => command.type === "transfer" && command.source !== HOME && command.target !== HOME).length;
}

async function failureOf(fetch: () => unknown): Promise<string | undefined> {
  try {
    await fetch();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Says what could not be fetched, where a reader of the log sees it. */
function skipWithout(context: TestContext, missing: string | undefined): void {
  if (missing === undefined) return;
  process.stderr.write(`left out, its models could not be fetched: ${context.task.name}: ${missing}\n`);
  context.skip(missing);
}

function linesByPicture(printed: string): Map<string, string[]> {
  const read = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of printed.split("\n")) {
    const name = /images\/(.*)\.png$/.exec(line)?.[1];
    if (name !== undefined) {
      lines = [];
      read.set(name, lines);
    } else if (line.startsWith("  ")) lines.push(line.slice(2));
  }
  return read;
}

function exact(read: ReadonlyMap<string, readonly string[]>, truth: ReadonlyMap<string, readonly string[]>): number {
  return [...truth].flatMap(([name, lines]) => lines.filter((line, at) => read.get(name)?.[at] === line)).length;
}

const spaceless = (line: string): string => line.replaceAll(" ", "");

/** Words to change, put in or take out until what was heard is what was said. */
function wordsWrong(heard: string, said: string): number {
  const words = (text: string): string[] => text.toLowerCase().match(/[a-z]+/g) ?? [];
  const target = words(said);
  let row = target.map((_, at) => at + 1);
  for (const [before, word] of words(heard).entries()) {
    let [corner, left] = [before, before + 1];
    row = row.map((above, at) => {
      const here = Math.min(above + 1, left + 1, corner + (word === target[at] ? 0 : 1));
      [corner, left] = [above, here];
      return here;
    });
  }
  return row.at(-1)!;
}

/** How long runs were under way on both devices at once. */
function togetherNs(slices: readonly ReadSlice[], [left, right]: readonly [string, string]): number {
  const runs = (device: string): ReadSlice[] => slices.filter(({ thread, kind }) => kind === "run" && thread.startsWith(device));
  const shared = (a: ReadSlice, b: ReadSlice): number => Math.max(0, Math.min(a.endNs, b.endNs) - Math.max(a.startNs, b.startNs));
  return runs(left).reduce((sum, a) => runs(right).reduce((all, b) => all + shared(a, b), sum), 0);
}

/** The same slices without any two at once. */
function oneAfterAnother(slices: readonly ReadSlice[]): ReadSlice[] {
  let end = 0;
  return slices.map((slice) => {
    const startNs = end;
    end += slice.endNs - slice.startNs;
    return { ...slice, startNs, endNs: end };
  });
}

function idsOf(printed: string): number[] {
  const line = /^ids: (.*)$/m.exec(printed)?.[1] ?? "";
  return line
    .split(" ")
    .filter((id) => id !== "")
    .map(Number);
}

function greedy(path: string, prompt: string, count: number): number[] {
  const model = openDecoderModel(path);
  const tokens = loadTokenizer(model.tokenizer).encode(prompt, { addSpecial: true });
  const made: number[] = [];
  while (made.length < count) {
    const scores = referenceLogits(model, [...tokens, ...made]).at(-1)!;
    made.push(scores.indexOf(Math.max(...scores)));
  }
  return made;
}
