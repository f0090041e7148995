// Goal: `heddle sweep` gives one row a point, the same however it was run: on threads, interrupted and begun again, or by workers of which one is killed.
// Method: the command on an example deployment with a short generated workload, in this process (its threads are compiled) and, where signals or several
// hosts are the point, as compiled processes; a NATS server from its wheel.
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heddle, heddleProcess, type Ran } from "../support/heddle.ts";
import { natsServer, startNats } from "../support/nats-server.ts";

const MAIN = join(process.cwd(), "dist/src/cli/main.js");
const DEPLOYMENT = join(process.cwd(), "examples/deployments/llama-8b-l40s.yaml");
const WORKLOAD = "poisson:rate=4,prompt=200-800,output=20-60,seconds=20";
const GRID = ["--vary", "pools.0.replicas=1,2", "--vary", "workload.rate=1,2", "--vary", "sheet.l40s.memory.bandwidthBytesPerSecond=x1,x2"];
const POINTS = 8;
const folder = mkdtempSync(join(tmpdir(), "heddle-sweep-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** More points than end before a signal comes. */
const MANY = ["--vary", "seed=1,2,3,4,5,6"];
const MANY_POINTS = 6 * POINTS;

function words(out: string, more: readonly string[] = [], workload = WORKLOAD): string[] {
  return ["sweep", DEPLOYMENT, "--workload", workload, ...GRID, "--slo", "ttft=1s,tpot=50ms", "--out", join(folder, out), ...more];
}

function sweep(out: string, more: readonly string[] = []): Promise<Ran> {
  return heddle(...words(out, more));
}

/** A process that goes on beside the test. */
function begin(...given: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...given], { stdio: "ignore" });
}

/** Rows of the many points, run in one go. */
async function wholeRows(): Promise<string> {
  const path = join(folder, "whole.csv");
  if (!existsSync(path)) expect((await sweep("whole.csv", ["--threads", "1", ...MANY])).status).toBe(0);
  return readFileSync(path, "utf8");
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

const server = natsServer();
let stop = (): void => {};
let exit: Promise<number | null> | undefined;

// Begun first: the point of the worker that is killed comes back when its lease is over, while the other cases run.
beforeAll(async () => {
  if ("absent" in server) return;
  const nats = await startNats(server.path);
  const worker = (): ChildProcess => begin("sweep", "--worker", "--nats", nats.url, "--threads", "1");
  const [killed, child] = [worker(), begin(...words("shared.csv", ["--nats", nats.url, ...MANY]))];
  const running = [killed, child];
  stop = () => {
    for (const each of running) each.kill("SIGKILL");
    nats.stop();
  };
  exit = ended(child);
  const journal = join(folder, "shared.csv.journal");
  await lines(journal, 3);
  // It has begun the next point by now.
  killed.kill("SIGKILL");
  expect(lineCount(journal) - 1).toBeLessThan(MANY_POINTS);
  running.push(worker());
}, 60_000);
afterAll(() => stop());

describe("heddle sweep", () => {
  it("gives a row a point as CSV and as Parquet, alike on one thread and on two", async () => {
    expect((await sweep("one.csv", ["--threads", "1"])).status).toBe(0);
    expect(heddleProcess(...words("two.parquet", ["--threads", "2"])).status).toBe(0);
    const rowsOfCsv = readFileSync(join(folder, "one.csv"), "utf8").trim().split("\n");
    expect(rowsOfCsv).toHaveLength(POINTS + 1);
    const bytes = readFileSync(join(folder, "two.parquet"));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const rows = await parquetReadObjects({ file });
    const names = rowsOfCsv[0]!.split(",");
    expect(rows.map((row) => names.map((name) => String(row[name] ?? "")).join(","))).toEqual(rowsOfCsv.slice(1));
    // The last field turns fastest, and faster memory gives shorter times per token.
    const tpot = rows.map((row) => Number(row["tpot_ms_p50"]));
    for (let point = 0; point < POINTS; point += 2) expect(tpot[point]! / tpot[point + 1]!).toBeGreaterThan(1.5);
    expect(rows.map((row) => row["devices"])).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it("goes on where it was interrupted, and drops a row that was cut off", async () => {
    const child = begin(...words("long.csv", ["--threads", "1", ...MANY]));
    const exit = ended(child);
    const journal = join(folder, "long.csv.journal");
    await lines(journal, 3);
    child.kill("SIGINT");
    expect(await exit).toBe(130);
    const kept = lineCount(journal) - 1;
    expect(kept).toBeGreaterThanOrEqual(2);
    expect(kept).toBeLessThan(MANY_POINTS);
    appendFileSync(journal, '{"index":47,"figu');
    const { status, stderr } = await sweep("long.csv", ["--threads", "1", ...MANY]);
    expect(status).toBe(0);
    expect(stderr).toContain(`${kept} of ${MANY_POINTS} points are in`);
    expect(readFileSync(join(folder, "long.csv"), "utf8")).toBe(await wholeRows());
  });

  it("keeps a point that cannot be as a row with its error", async () => {
    const vary = ["--vary", "pools.0.parallel.tensor=1,64", "--threads", "1"];
    const { status, stderr } = await heddle("sweep", DEPLOYMENT, "--workload", WORKLOAD, ...vary, "--out", join(folder, "cut.csv"));
    expect(status).toBe(0);
    expect(stderr).toContain("1 of 2 points could not be simulated");
    expect(readFileSync(join(folder, "cut.csv"), "utf8")).toMatch(/32 heads over 64 tensor ranks \[cut-invalid\]/);
  });

  it("takes operators from tiles, whose clocks may vary then, and times at the engine", async () => {
    const few = "poisson:rate=2,prompt=200,output=10,seconds=3";
    const words = (...more: string[]) => ["sweep", DEPLOYMENT, "--workload", few, "--threads", "1", "--json", ...more];
    const clocks = ["--vary", "sheet.l40s.cores.clockHz=x1,x0.25"];
    const column = (stdout: string, name: string): number[] =>
      (JSON.parse(stdout) as { columns: { name: string; values: number[] }[] }).columns.find((one) => one.name === name)!.values;
    const tiles = await heddle(...words("--operators", "tile", ...clocks, "--out", join(folder, "tiles.csv")));
    const [whole, quarter] = column(tiles.stdout, "ttft_ms_p50");
    expect(quarter).toBeGreaterThan(whole!);
    expect(column(tiles.stdout, "front_ms_mean")[0]).toBeGreaterThan(19);
    const engine = await heddle(...words("--measure-at", "engine", "--vary", "seed=1,2", "--out", join(folder, "engine.csv")));
    expect(column(engine.stdout, "front_ms_mean")).toEqual([0, 0]);
    const refused = await heddle(...words(...clocks, "--out", join(folder, "sheet.csv")));
    expect(JSON.parse(refused.stdout).error).toMatchObject({ code: "usage" });
    expect(refused.stdout).toContain("without --operators tile");
  });

  it("fails where no point could be simulated, after the rows are written", async () => {
    const out = join(folder, "none.csv");
    const vary = ["--vary", "pools.0.parallel.tensor=48,64", "--threads", "1"];
    const { status, stdout } = await heddle("sweep", DEPLOYMENT, "--workload", WORKLOAD, ...vary, "--out", out, "--json");
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect([status, error.code]).toEqual([4, "sweep-empty"]);
    expect(error.message).toMatch(/all 2 points.*point 0: .*48 tensor ranks \[cut-invalid\].*none\.csv/);
    expect(readFileSync(out, "utf8").trim().split("\n")).toHaveLength(3);
  });

  it.each([
    ["a pool that is not there", ["--vary", "pools.7.replicas=1"], "usage"],
    ["a worker without a queue", ["--worker"], "usage"],
    ["another ending", ["--out", join(folder, "rows.xlsx")], "usage"],
    ["the journal of another sweep", ["--vary", "seed=1,2", "--journal", join(folder, "one.csv.journal")], "journal-other"],
    ["a server that is not there", ["--nats", "nats://127.0.0.1:1"], "queue-lost"],
  ])("refuses %s", async (_name, more, code) => {
    const { stdout } = await sweep("refused.csv", [...more, "--json"]);
    expect(JSON.parse(stdout).error.code).toBe(code);
  });
});

describe.skipIf("absent" in server)(`sweeps over several hosts${"absent" in server ? `, left out: ${server.absent}` : ""}`, () => {
  it("are refused by a worker that reads another workload under the name", { timeout: 60_000 }, async () => {
    const nats = await startNats((server as { path: string }).path);
    const file = join(folder, "trace.jsonl");
    const row = (output: number): string => `{"timestamp": 0, "input_length": 100, "output_length": ${output}, "hash_ids": [1]}\n`;
    writeFileSync(file, row(4));
    const child = begin(...words("other.csv", ["--nats", nats.url], file));
    try {
      await lines(join(folder, "other.csv.journal"), 1);
      writeFileSync(file, row(5));
      const { status, stdout } = await heddle("sweep", "--worker", "--nats", nats.url, "--threads", "1", "--json");
      expect(status).toBe(2);
      expect(JSON.parse(stdout).error.code).toBe("workload-invalid");
    } finally {
      child.kill("SIGKILL");
      nats.stop();
    }
  });

  it("give every point once, also where a worker is killed in the midst of one", { timeout: 120_000 }, async () => {
    expect(await exit).toBe(0);
    expect(readFileSync(join(folder, "shared.csv"), "utf8")).toBe(await wholeRows());
  });
});

/** Waits until a file has so many lines. */
async function lines(path: string, count: number): Promise<void> {
  for (let tries = 0; tries < 1200 && lineCount(path) < count; tries++) await new Promise((resolve) => setTimeout(resolve, 25));
}

function lineCount(path: string): number {
  try {
    return readFileSync(path, "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
}
