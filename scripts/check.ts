import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/**
 * What `npm test` does: format and lint, types and the package at once, then every test (layer and house rules are tests too); one plain summary line at
 * the end. Tests run the sources as they were built just before.
 */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const scratch = mkdtempSync(join(tmpdir(), "heddle-check-"));
const report = join(scratch, "vitest.json");
const extra = process.argv.slice(2);

const CHECKS: readonly Step[] = [
  { name: "format and lint", command: ["biome", "check", "--error-on-warnings", "."] },
  // The build, which comes first, has checked all but the tests; they are checked against what it declared.
  { name: "types", command: ["tsc", "-p", "tsconfig.test.json"] },
  { name: "types of the page", command: ["tsc", "-p", "tsconfig.page.json"] },
  { name: "package", command: ["publint", "--strict"] },
];
const TESTS: Step = {
  name: "tests",
  command: ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...extra],
};

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  readonly name: string;
  /** When its first test began and its last one ended. Units: ms. */
  readonly startTime: number;
  readonly endTime: number;
  readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
}

/** Files of tests that are told at the end: the check is to end within 10 minutes on two slow cores. */
const SLOWEST = 8;

/** How the suite of devices names one that is not on this machine. */
const ABSENT = "absent device: ";

function readReport(): VitestReport {
  try {
    return JSON.parse(readFileSync(report, "utf8")) as VitestReport;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] };
  }
}

function tellSlowest(files: readonly FileReport[]): void {
  const took = files.map(({ name, startTime, endTime }) => ({
    name: relative(process.cwd(), name),
    seconds: (endTime - startTime) / 1000,
  }));
  const slowest = took.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  if (slowest.length === 0) return;
  process.stdout.write("\nslowest files, seconds\n");
  for (const { name, seconds } of slowest) process.stdout.write(`${seconds.toFixed(1).padStart(8)}  ${name}\n`);
}

/** Whether the step passed. Without `shown` its output follows when it is over, whole. */
async function passes(step: Step, shown: boolean): Promise<boolean> {
  const [binary = "", ...rest] = step.command;
  const env = { ...process.env, HEDDLE_TEST_BUILT: "1" };
  const child = spawn(join("node_modules", ".bin", binary), rest, { stdio: shown ? "inherit" : ["ignore", "pipe", "pipe"], env });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => output.push(data));
  const [status] = (await once(child, "close")) as [number | null];
  if (!shown) process.stdout.write(`\n== ${step.name}\n${Buffer.concat(output).toString()}`);
  return status === 0;
}

const passed = await Promise.all(CHECKS.map((step) => passes(step, false)));
process.stdout.write(`\n== ${TESTS.name}\n`);
passed.push(await passes(TESTS, true));
const failed = [...CHECKS, TESTS].filter((_, i) => !passed[i]).map(({ name }) => name);
const counts = readReport();
tellSlowest(counts.testResults);
rmSync(scratch, { recursive: true, force: true });
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(", ")}\n`);
if (counts.numPendingTests > 0)
  process.stdout.write(`\n${counts.numPendingTests} left out: what they need (a model, shared data) is not on this machine\n`);
const titles = counts.testResults.flatMap(({ assertionResults }) => assertionResults.map(({ title }) => title));
for (const title of titles.filter((each) => each.startsWith(ABSENT))) process.stdout.write(`\nnot tested, ${title}\n`);
process.stdout.write(`\n${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${counts.numPendingTests} skipped\n`);
process.exitCode = failed.length === 0 && counts.numPassedTests > 0 ? 0 : 1;
