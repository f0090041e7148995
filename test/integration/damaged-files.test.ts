/**
 * Goal: whatever file a command cannot read, its error names that file. Method: every option and argument that takes a file, and every field of a deployment
 * that names one, is given files that are not there, empty, cut off, of another form, or not text at all.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-damaged-files-"));
const DEPLOYMENT = "examples/deployments/llama-8b-l40s.yaml";
const RACK = "examples/racks/two-cpus.yaml";
const PLAIN = ["--workload", "poisson:rate=1,prompt=20,output=5,seconds=4"];
const SLO = ["plan", "Llama-3.1-8B", "--slo", "ttft=2s,tpot=50ms", "--fleet", "l40s:2"];

beforeAll(() => {
  vi.stubEnv("HEDDLE_HOME", join(folder, "home"));
  writeFileSync(join(folder, "plan.json"), JSON.stringify({ rackFingerprint: "none" }));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A deployment with one of its fields changed to name a file. */
function deploymentWith(line: RegExp, changed: string): string[] {
  const path = join(folder, `${changed.replace(/\W+/g, "-")}.yaml`);
  const text = "version: 1\nmodel: Llama-3.1-8B\npools:\n  - name: a\n    device: l40s\n    replicas: 1\n";
  writeFileSync(path, text.replace(line, changed));
  return ["simulate", path, ...PLAIN];
}

const FAULTS = {
  absent: undefined,
  empty: "",
  "cut off": '{ "version": 1, "kind": "heddle-fleet", "rackFingerprint": "a", "pools": [',
  "another form": '["one", { "two": 3 }]',
  "no text": new Uint8Array(300).fill(0xff),
} as const;
type Fault = keyof typeof FAULTS;

/** A command line with `path` for the file that is wrong; the ending that the file must have to be taken for one. */
type Case = readonly [of: string, ending: string, words: (path: string) => readonly string[], only?: readonly Fault[]];

const CASES: readonly Case[] = [
  ["simulate", "yaml", (path) => ["simulate", path, ...PLAIN]],
  ["simulate a plan", "plan.json", (path) => ["simulate", path, ...PLAIN]],
  ["simulate --workload", "jsonl", (path) => ["simulate", DEPLOYMENT, "--workload", path]],
  ["simulate --workload", "csv", (path) => ["simulate", DEPLOYMENT, "--workload", path]],
  ["simulate --lengths", "jsonl", (path) => ["simulate", DEPLOYMENT, "--workload", "poisson:rate=1,seconds=4", "--lengths", path]],
  ["simulate --tokenizer", "json", (path) => ["simulate", DEPLOYMENT, "--workload", RACK, "--tokenizer", path]],
  ["a deployment's model", "json", (path) => deploymentWith(/model.*/, `model: ${path}`)],
  ["a deployment's device", "yaml", (path) => deploymentWith(/device.*/, `device: ${path}`)],
  ["a deployment's fabric", "fabric.yaml", (path) => deploymentWith(/^/, `fabric: ${path}\n`)],
  ["what-if", "fleet.json", (path) => ["what-if", path, "--change", "pools.0.replicas=2"], ["absent", "cut off"]],
  [
    "what-if of a deployment",
    "yaml",
    (path) => ["what-if", path, "--change", "pools.0.replicas=2", ...PLAIN],
    ["absent", "empty", "another form", "no text"],
  ],
  ["what-if --workload", "jsonl", (path) => ["what-if", DEPLOYMENT, "--change", "pools.0.replicas=2", "--workload", path]],
  ["sweep", "yaml", (path) => ["sweep", path, ...PLAIN, "--vary", "pools.0.replicas=1,2", "--out", join(folder, "out.csv")]],
  ["sweep --workload", "jsonl", (path) => ["sweep", DEPLOYMENT, "--workload", path, "--vary", "pools.0.replicas=1,2"]],
  [
    "sweep --journal",
    "journal",
    (path) => ["sweep", DEPLOYMENT, ...PLAIN, "--vary", "pools.0.replicas=1", "--journal", path, "--out", join(folder, "out.csv")],
    ["another form", "no text"],
  ],
  ["import", "jsonl", (path) => ["import", path, "--deployment", DEPLOYMENT, "--out", join(folder, "fleet.json")]],
  ["import --deployment", "yaml", (path) => ["import", RACK, "--deployment", path, "--out", join(folder, "fleet.json")]],
  [
    "import --metrics",
    "txt",
    (path) => ["import", RACK, "--deployment", DEPLOYMENT, "--metrics", path, "--out", join(folder, "fleet.json")],
    ["absent", "empty", "cut off", "another form", "no text"],
  ],
  ["calibrate --import", "json", (path) => ["calibrate", "--import", path]],
  ["calibrate --deployment", "yaml", (path) => ["calibrate", "--kit", "engine", "--url", "http://127.0.0.1:9", "--deployment", path]],
  ["rack show", "yaml", (path) => ["rack", "show", path]],
  ["rack show --model", "onnx", (path) => ["rack", "show", RACK, "--model", path]],
  ["rack catalog", "yaml", (path) => ["rack", "catalog", path]],
  ["rack collectives", "yaml", (path) => ["rack", "collectives", path]],
  ["inspect", "onnx", (path) => ["inspect", path]],
  ["inspect", "gguf", (path) => ["inspect", path]],
  ["inspect", "pt2", (path) => ["inspect", path]],
  ["inspect", "et", (path) => ["inspect", path]],
  ["inspect", "json", (path) => ["inspect", path]],
  ["inspect --rack", "yaml", (path) => ["inspect", "Llama-3.1-8B", "--rack", path]],
  ["train-step", "json", (path) => ["train-step", path, "--device", "h100-sxm", "--devices", "8", "--batch", "8", "--sequence", "128"]],
  [
    "train-step --device",
    "yaml",
    (path) => ["train-step", "Llama-3.1-8B", "--device", path, "--devices", "8", "--batch", "8", "--sequence", "128"],
  ],
  ["partition", "onnx", (path) => ["partition", path, "--rack", RACK]],
  ["partition --rack", "yaml", (path) => ["partition", "Llama-3.1-8B", "--rack", path]],
  ["execute", "onnx", (path) => ["execute", path, "--rack", RACK]],
  ["serve", "plan.json", (path) => ["serve", path, "--port", "0"]],
  ["verify", "plan.json", (path) => ["verify", path]],
  ["replay", "ledger", (path) => ["replay", path]],
  ["validate-device --rack", "yaml", (path) => ["validate-device", "cpu-0", "--rack", path]],
  ["validate-device --model", "gguf", (path) => ["validate-device", "ort", "--model", path], ["no text"]],
  ["plan --slo --workload", "jsonl", (path) => [...SLO, "--workload", path]],
  ["plan --slo --fabric", "yaml", (path) => [...SLO, ...PLAIN, "--fabric", path]],
  ["plan --deployment", "yaml", (path) => ["plan", "--deployment", path, "--emit", "vllm"]],
  ["plan --check-with", "whl", (path) => ["plan", "--deployment", DEPLOYMENT, "--emit", "vllm", "--check-with", path]],
  ["worker --rack", "yaml", (path) => ["worker", "--device", "cpu-0", "--rack", path, "--listen", "tcp://127.0.0.1:0"]],
  [
    "worker --token-file",
    "txt",
    (path) => ["worker", "--role", "ipu", "--token-file", path, "--listen", "tcp://127.0.0.1:0"],
    ["absent", "empty"],
  ],
];

it.each(CASES.map((one) => ({ name: `${one[0]} (.${one[1]})`, one })))("$name", async ({ one: [of, ending, words, only] }) => {
  for (const fault of only ?? (Object.keys(FAULTS) as Fault[])) {
    const path = join(folder, `${of}-${fault}.${ending}`.replaceAll(" ", "-"));
    const content = FAULTS[fault];
    if (content !== undefined) writeFileSync(path, content);
    const { status, text } = await printed(words(path));
    expect(status, `${fault}: ${text}`).not.toBe(0);
    expect(text, fault).toContain(path);
    expect(text, fault).not.toMatch(/\[internal\]|\n\s+at /);
  }
});

async function printed(words: readonly string[]): Promise<{ status: number; text: string }> {
  let text = "";
  const take = (chunk: unknown): boolean => {
    text += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(take);
  vi.spyOn(process.stderr, "write").mockImplementation(take);
  const status = await runCommandLine(["node", "heddle", ...words]);
  return { status, text };
}
