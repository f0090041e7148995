/** A decoder on a gang of processes beside the same decoder on one: how far the logits are apart, what a token takes, and what of it are collectives. */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { HeddleError } from "../src/base/heddle-error.ts";
import { quantile } from "../src/base/statistics.ts";
import { NS_PER_MS } from "../src/base/units.ts";
import { modelsFolder } from "../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../src/execute/model-store/catalog.ts";
import { loadDecoder } from "../src/sdk/load-decoder.ts";
import { openRack } from "../src/sdk/open-rack.ts";
import type { OpenRack, RunSummary } from "../src/sdk/sdk-types.ts";
import { largestDifference, likeliest, rackOfCpus, stepInputs } from "../test/support/decode-on-rack.ts";
import { tinyGguf } from "../test/support/tiny-gguf.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const PROMPT = Array.from({ length: 32 }, (_unused, i) => 3 + ((i * 37) % 250));
const STEPS = 32;
/** Runs that load and are measured by nobody: the prompt, and two tokens. */
const WARM_UP = 3;
const CONTEXT = 256;
const CLOSE = 1e-4;

interface Case {
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

export const bench: Bench = {
  name: "gang",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const [only, ...more] = rest;
    if (more.length > 0 || (only !== undefined && only !== "tiny"))
      throw new HeddleError("usage", { where: "bench gang", detail: `${rest.join(" ")}: it takes "tiny", or nothing` });
    const folder = mkdtempSync(join(tmpdir(), "heddle-bench-gang-"));
    const setup = [
      `f32, a prompt of ${PROMPT.length} tokens and ${STEPS} more, greedy; one thread a process, ${availableParallelism()} cores on this machine`,
    ];
    const figures: Figure[] = [];
    for (const one of casesIn(folder, only === "tiny", note)) {
      const trace = join(folder, `${one.name}.trace.json`);
      note(`${one.name}: one process, then ${one.size}`);
      const alone = await decode(one, 1);
      const gang = await decode(one, one.size, { trace, tokens: alone.tokens });
      const rows = figuresOf(one, alone, gang);
      setup.push(`${one.name}: ${verdictOf(one, alone, gang)}; timeline of the gang: ${trace}`);
      figures.push(...rows);
    }
    return { setup, figures };
  },
};

function casesIn(folder: string, onlyTiny: boolean, note: (text: string) => void): readonly Case[] {
  const tiny = join(folder, "tiny.gguf");
  writeFileSync(tiny, tinyGguf({ width: 256, layers: 4, heads: 4, kvHeads: 2 }));
  const cases = [{ name: "tiny", path: tiny, size: 2 }];
  if (onlyTiny) return cases;
  const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
  // Its three KV heads divide by three alone.
  if (existsSync(path)) return [...cases, { name: "SmolLM2", path, size: 3 }];
  note(`${DEFAULT_MODEL} is left out: not in the cache (heddle model pull)`);
  return cases;
}

interface Decoded {
  readonly tokens: readonly number[];
  readonly logits: readonly Float32Array[];
  readonly summaries: readonly RunSummary[];
  /** From submitting a token to its logits in this process. Units: ms. */
  readonly tokenMs: readonly number[];
}

/** Feeds the likeliest tokens, or those given, so that both sides see the same. */
async function decode(
  { path }: Case,
  size: number,
  given: { readonly trace?: string; readonly tokens?: readonly number[] } = {},
): Promise<Decoded> {
  const graph = await loadDecoder(path, { contextLength: CONTEXT, tensorParallel: size });
  const rack: OpenRack = await openRack(rackOfCpus(size), given.trace === undefined ? {} : { trace: given.trace });
  try {
    const state = rack.state(graph);
    const tokens = [...PROMPT];
    const logits: Float32Array[] = [];
    const summaries: RunSummary[] = [];
    const tokenMs: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      const began = performance.now();
      const run = rack.submit(graph, stepInputs(tokens, step === 0 ? 0 : tokens.length - 1), { state });
      const row = (await run.outputs())["logits"]!.data as Float32Array;
      tokenMs.push(performance.now() - began);
      logits.push(row);
      summaries.push(await run.done);
      tokens.push(given.tokens?.[tokens.length] ?? likeliest(row));
    }
    return { tokens, logits, summaries, tokenMs };
  } finally {
    await rack.close();
  }
}

function figuresOf({ name, size }: Case, alone: Decoded, gang: Decoded): readonly Figure[] {
  const label = `${name}, ${size} processes`;
  return [
    {
      name: `${label}: largest difference of logits`,
      value: largestDifference(gang.logits, alone.logits),
      unit: "of the largest",
      floor: { max: CLOSE },
    },
    { name: `${name}, one process: a token`, value: typical(alone.tokenMs), unit: "ms" },
    { name: `${label}: a token`, value: typical(gang.tokenMs), unit: "ms" },
    { name: `${label}: of it in collectives, waits included`, value: typical(collectiveMs(gang)), unit: "ms" },
    { name: `${label}: collectives a token`, value: members(gang)[0]![0]!.collectives, unit: "" },
    { name: `${label}: sent a token by all`, value: sentBytes(gang) / 1e3, unit: "kB" },
  ];
}

function verdictOf({ size }: Case, alone: Decoded, gang: Decoded): string {
  const ratio = typical(gang.tokenMs) / typical(alone.tokenMs);
  const share = typical(collectiveMs(gang)) / typical(gang.tokenMs);
  const what = ratio > 1 ? `${ratio.toFixed(2)} times slower than` : `${(1 / ratio).toFixed(2)} times as fast as`;
  return `a gang of ${size} processes on this machine is ${what} one process; ${(100 * share).toFixed(0)} % of a token's time goes to collectives`;
}

/** Median, warm. */
function typical(values: readonly number[]): number {
  return quantile(
    [...values].slice(WARM_UP).sort((a, b) => a - b),
    0.5,
  );
}

function members({ summaries }: Decoded) {
  return summaries.slice(WARM_UP).map(({ stages }) => stages.flatMap((stage) => stage.members ?? []));
}

/** Of the member that spent most; one a token, warm-up included so that it lines up with the times. */
function collectiveMs({ summaries }: Decoded): readonly number[] {
  return summaries.map(({ stages }) =>
    Math.max(...stages.flatMap((stage) => (stage.members ?? []).map(({ collectiveNs }) => collectiveNs / NS_PER_MS))),
  );
}

function sentBytes(gang: Decoded): number {
  return members(gang)[0]!.reduce((sum, { collectiveBytes }) => sum + collectiveBytes, 0) / 2;
}
