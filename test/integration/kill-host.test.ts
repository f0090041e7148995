// Goal: `kill -9` of a replica host mid-run costs no stream a token: all finish, nothing sent changes, and what follows is what a run forced
// through the same tokens gives; the ledgers replay to the same commands. Method: real processes, killed at seeded moments.
// `HEDDLE_KILL_RUNS=10` repeats it ten times.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import { GREEDY } from "../../src/execute/sampling/sampling.ts";
import { type Asked, ask, tinyPrompt } from "../support/live-answers.ts";
import { type TinyLiveOptions, tinyLive } from "../support/tiny-live.ts";

const STREAMS = 8;
const OUTPUT = 60;
const RUNS = Number(process.env["HEDDLE_KILL_RUNS"] ?? 2);

const fleets: LiveFleet[] = [];
afterAll(() => Promise.all(fleets.map((fleet) => fleet.close())));

async function fleetOf(options: TinyLiveOptions): Promise<{ fleet: LiveFleet; folder: string }> {
  const { plan, costs, folder } = tinyLive(options);
  const fleet = startLiveFleet({ plan, costs, ledger: { folder, tokens: "dropped" } });
  fleets.push(fleet);
  await fleet.up();
  return { fleet, folder };
}

interface Stream {
  readonly prompt: readonly number[];
  readonly asked: Asked;
  /** Tokens that came from the first life of the host. */
  before: number;
}

/** Runs streams and kills the host of replica 0 after so many tokens over all. */
async function killedRun(fleet: LiveFleet, run: { seed: number; killAfter: number; sampling?: typeof GREEDY }): Promise<Stream[]> {
  const pid = fleet.hostPid(0);
  const life = fleet.status[0]?.incarnation;
  let seen = 0;
  const streams = Array.from({ length: STREAMS }, (_, i): Stream => {
    const prompt = tinyPrompt(run.seed * 100 + i, 20 + 37 * i);
    const onToken = (index: number): void => {
      if (fleet.status[0]?.incarnation === life) stream.before = index + 1;
      if (++seen === run.killAfter && pid !== undefined) process.kill(pid, "SIGKILL");
    };
    const sampling = { ...(run.sampling ?? GREEDY), ignoreStop: true, seed: i };
    const asked = ask(fleet, { tokens: prompt, maxNewTokens: OUTPUT, sampling, salt: `run ${run.seed}`, onToken });
    const stream: Stream = { prompt, asked, before: 0 };
    return stream;
  });
  for (const { asked } of streams) {
    expect(await asked.outcome).toMatchObject({ type: "finished", reason: "length", usage: { generated: OUTPUT } });
    expect(asked.tokens).toHaveLength(OUTPUT);
  }
  return streams;
}

describe("one replica", () => {
  it.each(Array.from({ length: RUNS }, (_, i) => i + 1))("kill %i: continuations equal forced runs", async (seed) => {
    const { fleet, folder } = await fleetOf({});
    const streams = await killedRun(fleet, { seed, killAfter: 20 + 97 * (seed % 4) });
    expect(fleet.status[0]?.losses).toBe(1);
    const resumed = streams.filter(({ before }) => before < OUTPUT);
    expect(resumed.length).toBeGreaterThan(0);
    expect(streams.some(({ before }) => before > 0)).toBe(true);
    for (const { prompt, asked, before } of resumed) {
      const forced = ask(fleet, {
        tokens: [...prompt, ...asked.tokens.slice(0, before)],
        maxNewTokens: OUTPUT - before,
        salt: `forced ${before}`,
      });
      await forced.outcome;
      expect(forced.tokens).toEqual(asked.tokens.slice(before));
    }
    await fleet.close();
    replayAll(folder, 3);
  });
});

describe("two replicas", () => {
  it("streams of the killed one go on at the other, sampled ones with the same draws", async () => {
    const options = { replicas: 2 };
    const sampling = { ...GREEDY, temperature: 0.8, topP: 0.95 };
    const calm = await fleetOf(options);
    const expected = await killedRun(calm.fleet, { seed: 9, killAfter: Number.POSITIVE_INFINITY, sampling });
    const { fleet } = await fleetOf(options);
    const streams = await killedRun(fleet, { seed: 9, killAfter: 70, sampling });
    expect(fleet.status[0]?.losses).toBe(1);
    expect(streams.map(({ asked }) => asked.tokens)).toEqual(expected.map(({ asked }) => asked.tokens));
  });
});

/** Every ledger of the run gives the same commands again; a dead host's may end in the middle of a frame. */
function replayAll(folder: string, count: number): void {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ledger"));
  expect(files).toHaveLength(count);
  for (const name of files) {
    const ledger = readLedger(readFileSync(join(folder, name)));
    if (name === "fleet.ledger") expect(ledger.events.length).toBeGreaterThan(STREAMS * OUTPUT);
    const result = replayLedger(ledger, engineOfLedger);
    expect(result.firstDivergence, name).toBeUndefined();
    expect(result.events).toBe(ledger.events.length);
  }
}
