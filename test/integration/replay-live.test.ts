// Goal: fed a live run's arrivals and durations, the engines give the live command hash of every node, alone and together, also after `kill -9`; an
// altered event is the first divergence; `heddle replay` says so by its exit status. Method: real host processes with a tiny model.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FRAME_EVENT, type Ledger } from "../../src/engine/ledger.ts";
import { frameOf, readFrame } from "../../src/engine/ledger-frame.ts";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { decodePlain, encodePlain } from "../../src/engine/plain-data.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import { recordedRun } from "../../src/simulate/recorded/recorded-run.ts";
import { heddle, heddleProcess } from "../support/heddle.ts";
import { ask, tinyPrompt } from "../support/live-answers.ts";
import { tinyLive } from "../support/tiny-live.ts";

const REQUESTS = 12;
const fleets: LiveFleet[] = [];
let calm = "";
let killed = "";

async function liveRun(kill: boolean): Promise<string> {
  const { plan, costs, folder } = tinyLive({ replicas: 2, stages: 2 });
  const runFolder = join(folder, "run");
  const fleet = startLiveFleet({ plan, costs, ledger: { folder: runFolder, tokens: "dropped" } });
  fleets.push(fleet);
  await fleet.up();
  let seen = 0;
  const onToken = (): void => {
    const pid = fleet.hostPid(0);
    if (++seen === 60 && kill && pid !== undefined) process.kill(pid, "SIGKILL");
  };
  const asked = Array.from({ length: REQUESTS }, (_, i) =>
    ask(fleet, { tokens: tinyPrompt(i % 3, 30 + 41 * (i % 5)), maxNewTokens: 15 + 3 * i, onToken, salt: "" }),
  );
  for (const one of asked) await one.outcome;
  await fleet.close();
  return runFolder;
}

const ledgersOf = (folder: string): Ledger[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".ledger"))
    .map((name) => readLedger(readFileSync(join(folder, name))));

beforeAll(async () => {
  calm = await liveRun(false);
  killed = await liveRun(true);
}, 60_000);
afterAll(() => Promise.all(fleets.map((fleet) => fleet.close())));

describe("a live run", () => {
  it("gives every node's command hash again, alone and together", () => {
    const ledgers = ledgersOf(calm);
    const together = recordedRun(ledgers, engineOfLedger);
    expect(together.firstDivergence).toBeUndefined();
    const alone = ledgers.map((ledger) => replayLedger(ledger, engineOfLedger));
    expect(together.nodes.map(({ hash, events }) => ({ hash, events }))).toEqual(alone.map(({ hash, events }) => ({ hash, events })));
    expect(alone.map((one) => one.firstDivergence)).toEqual([undefined, undefined, undefined]);
    expect(Math.min(...alone.map((one) => one.events))).toBeGreaterThan(10);
  });

  it("with a killed host does too; what it took along is counted", () => {
    const ledgers = ledgersOf(killed);
    expect(ledgers.flatMap(({ events }) => events.filter(({ event }) => event.type === "replica-down"))).not.toEqual([]);
    expect(recordedRun(ledgers, engineOfLedger).firstDivergence).toBeUndefined();
  });

  it("altered at one event diverges there first", () => {
    const ledgers = ledgersOf(calm);
    const altered = ledgers.map((ledger): Ledger => {
      if (ledger.header.node.type !== "fleet") return ledger;
      const arrivals = ledger.events.filter(({ event }) => event.type === "request-arrived");
      const events = ledger.events.map((one) =>
        one === arrivals[4] && one.event.type === "request-arrived" ? { ...one, event: { ...one.event, maxNewTokens: 3 } } : one,
      );
      return { ...ledger, events };
    });
    const fleetLedger = altered.find(({ header }) => header.node.type === "fleet")!;
    const index = fleetLedger.events.filter(({ event }) => event.type === "request-arrived")[4]!.index;
    expect(recordedRun(altered, engineOfLedger).firstDivergence).toMatchObject({ node: "fleet", index });
  });
});

/** Rewrites the first event that `alter` changes, with a right checksum; gives its index. */
function alterFirst(path: string, alter: (event: Record<string, unknown>) => object | false): number {
  const bytes = readFileSync(path);
  const frames: Uint8Array[] = [];
  let index = -1;
  for (let frame = readFrame(bytes, 0); frame.type === "frame"; frame = readFrame(bytes, frame.next)) {
    const record = decodePlain(frame.payload);
    const fields = record.ok ? [...(record.value as unknown[])] : [];
    const changed = index < 0 && fields[0] === FRAME_EVENT && alter(fields[2] as Record<string, unknown>);
    if (changed) index = frames.length - 1;
    frames.push(frameOf(changed ? encodePlain([...fields.slice(0, 2), changed, ...fields.slice(3)]) : frame.payload));
  }
  writeFileSync(path, Buffer.concat(frames));
  return index;
}

describe("heddle replay", () => {
  it("of a run ends with 0 and says all is equal", async () => {
    const { status, stdout } = await heddle("replay", calm, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ equal: true, together: { nodes: 3, unverifiedMessages: 0 } });
    expect(status).toBe(0);
  });

  it("of an altered run ends with 5 and names the event", () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-altered-"));
    for (const name of readdirSync(calm)) copyFileSync(join(calm, name), join(folder, name));
    const index = alterFirst(join(folder, "fleet.ledger"), (event) => event["type"] === "request-arrived" && { ...event, promptTokens: 7 });
    const { status, stdout } = heddleProcess("replay", folder, "--json");
    expect(status).toBe(5);
    expect(stdout).toContain('"code": "replay-diverged"');
    expect(stdout).toContain(`fleet, event ${index} (request-arrived)`);
  });

  it("of a damaged file ends with the status of the table", async () => {
    const path = join(calm, "..", "damaged.ledger");
    const bytes = readFileSync(join(calm, "fleet.ledger"));
    bytes[bytes.length >> 1]! ^= 4;
    writeFileSync(path, bytes);
    const { status, stdout } = await heddle("replay", path, "--json");
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "ledger-invalid" } });
  });
});
