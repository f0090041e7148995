// Goal: what one process learns is not lost to another that learns at the same moment. Method: processes that begin at once, in a cache of their own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { rackFolder } from "../discover/rack-cache.ts";
import { RUNS_KEPT } from "./calibration-store.ts";

const home = mkdtempSync(join(tmpdir(), "heddle-runs-of-two-"));
beforeAll(() => vi.stubEnv("HEDDLE_HOME", home));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const PROCESSES = 2;
const RECORD = `
import { recordRun } from "./dist/src/execute/calibrate/calibration-store.js";
const stage = { modelFingerprint: "m", rackFingerprint: "shared", device: "cpu-0", driver: "ort", threads: 1, fromLayer: 0, toLayer: 2,
  prefillFormat: "int8-row", decodeFormat: "int4" };
const steps = Array.from({ length: 400 }, () => ({ predictedDecodeNs: 1e6, predictedPrefillNs: 0, measuredNs: 2e6 }));
console.log("ready");
process.stdin.once("data", async (first) => {
  for (let i = 0; i < ${RUNS_KEPT / PROCESSES}; i++)
    await recordRun([stage], { stages: steps, overheads: [{ sampledRows: 1, ns: Number(String(first)) + i }] });
  process.exit();
});
`;

it("keeps every run of processes that record theirs at once", async () => {
  const writers = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", RECORD], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  await Promise.all(writers.map((one) => once(one.stdout, "data")));
  const ends = writers.map((one) => once(one, "exit"));
  for (const [i, one] of writers.entries()) one.stdin.write(`${(i + 1) * 100}`);
  expect((await Promise.all(ends)).map(([status]) => status as number)).toEqual([0, 0]);
  const folder = join(rackFolder("shared"), "corrections");
  const [file] = readdirSync(folder);
  const runs = readFileSync(join(folder, file!), "utf8").split("\n");
  const told = runs.map((line) => (JSON.parse(line) as { overheads: { ns: number }[] }).overheads[0]!.ns);
  expect(told.sort((a, b) => a - b)).toEqual([100, 101, 102, 103, 200, 201, 202, 203]);
  expect(readdirSync(rackFolder("shared"))).toEqual(["corrections"]);
});
