import { seededPrng } from "../../../base/prng.ts";
import { mean, quantile } from "../../../base/statistics.ts";
import { type MeasuredServer, type StreamedCompletion, streamCompletion } from "./stream-completion.ts";

/** Points to measure: each length at each concurrency. */
export interface EngineGrid {
  readonly promptTokens: readonly number[];
  readonly outputTokens: readonly number[];
  readonly concurrencies: readonly number[];
  /** Requests of a point, as a multiple of its concurrency; the first round of each lane is left out where there is more than one. */
  readonly rounds: number;
}

/** What a server did at one point of the grid, by the client's clock. */
export interface EnginePoint {
  readonly concurrency: number;
  /** As the server counted them; mean over requests. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly requests: number;
  readonly ttftNs: Spread;
  /** (last - first piece) / (tokens - 1), of requests with two tokens or more. */
  readonly tpotNs: Spread;
  /** Gaps between pieces; a piece may hold several tokens. */
  readonly itlNs: Spread;
  readonly e2eNs: Spread;
  /** Of all lanes together, over the time they were all busy. */
  readonly outputTokensPerSecond: number;
}

export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
}

/** What `--kit engine` writes. */
export interface EngineKitFile {
  readonly form: "heddle-engine-kit";
  readonly version: 1;
  readonly model: string;
  readonly points: readonly EnginePoint[];
}

/** Words of the first request, which tells how many tokens a word is. */
const PROBE_WORDS = 32;
const SEED = 1;

/**
 * Measures a running server from outside: closed loops of streamed completions, a lane a concurrent request. Prompts begin with random words, so that no
 * prefix cache answers for the model.
 *
 * Errors: `server-refused`, `interrupted`.
 */
export async function measureEngine(
  server: MeasuredServer,
  grid: EngineGrid,
  onPoint: (point: EnginePoint, done: number, all: number) => void = () => {},
): Promise<EngineKitFile> {
  const words = randomWords(SEED);
  const probe = await streamCompletion(server, words(PROBE_WORDS), 1);
  const longer = await streamCompletion(server, words(2 * PROBE_WORDS), 1);
  const perWord = Math.max(0.1, (longer.promptTokens - probe.promptTokens) / PROBE_WORDS);
  const points: EnginePoint[] = [];
  const all = grid.promptTokens.length * grid.outputTokens.length * grid.concurrencies.length;
  for (const prompt of grid.promptTokens)
    for (const output of grid.outputTokens)
      for (const concurrency of grid.concurrencies) {
        const text = (): string => words(Math.max(1, Math.round(prompt / perWord)));
        const point = await measurePoint(server, { text, output, concurrency, rounds: grid.rounds });
        points.push(point);
        onPoint(point, points.length, all);
      }
  return { form: "heddle-engine-kit", version: 1, model: server.model, points };
}

interface PointPlan {
  readonly text: () => string;
  readonly output: number;
  readonly concurrency: number;
  readonly rounds: number;
}

interface TimedCompletion extends StreamedCompletion {
  readonly sentMs: number;
  readonly endMs: number;
}

async function measurePoint(server: MeasuredServer, { text, output, concurrency, rounds }: PointPlan): Promise<EnginePoint> {
  const lanes = Array.from({ length: concurrency }, async (): Promise<TimedCompletion[]> => {
    const done: TimedCompletion[] = [];
    for (let round = 0; round < rounds; round++) {
      const prompt = text();
      const sentMs = performance.now();
      const completion = await streamCompletion(server, prompt, output);
      done.push({ ...completion, sentMs, endMs: performance.now() });
    }
    return done;
  });
  const perLane = await Promise.all(lanes);
  const counted = perLane.flatMap((lane) => (rounds > 1 ? lane.slice(1) : lane));
  const everything = perLane.flat();
  const seconds = (Math.max(...everything.map(({ endMs }) => endMs)) - Math.min(...everything.map(({ sentMs }) => sentMs))) / 1000;
  let tokens = 0;
  for (const { outputTokens } of everything) tokens += outputTokens;
  return {
    concurrency,
    promptTokens: mean(counted.map(({ promptTokens }) => promptTokens)),
    outputTokens: mean(counted.map(({ outputTokens }) => outputTokens)),
    requests: counted.length,
    ttftNs: spreadOf(counted.map(({ arrivalsNs }) => arrivalsNs[0]!)),
    tpotNs: spreadOf(
      counted.flatMap(({ arrivalsNs, outputTokens }) =>
        outputTokens < 2 || arrivalsNs.length < 2 ? [] : [(arrivalsNs.at(-1)! - arrivalsNs[0]!) / (outputTokens - 1)],
      ),
    ),
    itlNs: spreadOf(counted.flatMap(({ arrivalsNs }) => arrivalsNs.slice(1).map((at, index) => at - arrivalsNs[index]!))),
    e2eNs: spreadOf(counted.map(({ arrivalsNs }) => arrivalsNs.at(-1)!)),
    outputTokensPerSecond: tokens / seconds,
  };
}

function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { mean: 0, p50: 0, p90: 0 };
  return { mean: mean(values), p50: quantile(values, 0.5), p90: quantile(values, 0.9) };
}

/** Texts of words of three letters, each text different from its first word on. */
function randomWords(seed: number): (count: number) => string {
  const random = seededPrng(seed);
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const word = (): string => Array.from({ length: 3 }, () => letters[random.nextBelow(letters.length)]).join("");
  return (count) => Array.from({ length: count }, word).join(" ");
}
