/** Goal: heddle execute runs a model on a rack and says truly where. Method: the command on a small model, with files and made-up inputs; .npy read back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { readChromeTrace } from "../../test/support/read-chrome-trace.ts";
import { bytesOfArray, createOnnxBuilder } from "../graph/onnx/builder.ts";
import { addExecuteCommand } from "./commands/execute.ts";
import { addReplayCommand } from "./commands/replay.ts";
import type { ExecuteReport } from "./execute.ts";
import { readNpy, writeNpy } from "./npy.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-execute-"));
const model = join(folder, "model.onnx");
const rack = join(folder, "rack.yaml");
const RACK = `version: 1
name: two-cpus
fingerprint: any
devices:
  - { id: cpu-0, kind: cpu, driver: ort, threads: 1, cores: [0], memory: dram }
  - { id: cpu-1, kind: cpu, driver: ort, threads: 1, cores: [1], memory: dram }
memories:
  - { id: dram, tier: dram, capacityBytes: 4.0e9, bandwidthBytesPerSecond: 10.0e9, basis: data-sheet, source: assumed }
links: []
`;

beforeAll(() => {
  const builder = createOnnxBuilder("small");
  const x = builder.input("x", "float32", ["batch", 2]);
  const w = builder.constant("float32", [2, 2], bytesOfArray(Float32Array.of(1, 2, 3, 4)));
  const y = builder.node("MatMul", [x, w], { name: "/first/product" });
  builder.output(builder.node("Relu", [y], { name: "/second/relu", outputNames: ["y"] }), "float32", ["batch", 2]);
  writeFileSync(model, builder.build().model);
  writeFileSync(rack, RACK);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const command = printedBy(addExecuteCommand, addReplayCommand);
const execute = (...words: string[]): Promise<string> => command("execute", model, "--rack", rack, "--isolation", "inline", ...words);

describe("heddle execute", () => {
  it("runs a model with given inputs where pins say, and writes outputs, timeline and ledger", async () => {
    const input = join(folder, "x.json");
    writeFileSync(input, "[[1, 10], [-1, -10]]");
    const [trace, ledger] = [join(folder, "run.json"), join(folder, "ledger")];
    const pins = ["--pin", "/first/*=cpu-0", "--pin", "/second/*=cpu-1"];
    const text = await execute(
      "--input",
      `x=${input}`,
      ...pins,
      "--repeat",
      "2",
      "--trace",
      trace,
      "--ledger",
      ledger,
      "-o",
      folder,
      "--json",
    );
    const report = JSON.parse(text) as ExecuteReport;
    expect(report.stages.map(({ stage, device }) => [stage, device])).toEqual([
      ["model[/first/product]", "cpu-0"],
      ["model[/second/relu]", "cpu-1"],
    ]);
    expect(report.runNs).toHaveLength(2);
    expect(report.transfers.map(({ from, to, count, bytes }) => [from, to, count, bytes])).toContainEqual(["cpu-0", "cpu-1", 2, 32]);
    expect(report.outputs["y"]).toEqual({ type: "f32", dims: [2, 2], least: 0, greatest: 42 });
    expect(readNpy(readFileSync(join(folder, "y.npy")), "y").data).toEqual(Float32Array.of(31, 42, 0, 0));
    const { slices, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
    expect(flaws).toEqual([]);
    expect(slices.filter(({ kind }) => kind === "run")).toHaveLength(4);
    expect(await command("replay", ledger)).toContain("equal");
  });

  it("makes inputs up by seed and size, the same each time", async () => {
    const outputs = async (seed: string): Promise<unknown> =>
      (JSON.parse(await execute("--random", seed, "--size", "batch=3", "--json")) as ExecuteReport).outputs;
    expect(await outputs("1")).toMatchObject({ y: { dims: [3, 2] } });
    expect(await outputs("1")).toEqual(await outputs("1"));
    expect(await outputs("2")).not.toEqual(await outputs("1"));
    expect(await execute("--random", "1")).toMatch(/stage \(last run\)\tdevice\tpredicted\tmeasured/);
  });

  const wrong: [string[], string, string][] = [
    [[], "usage", "x are not given"],
    [["--input", "z=x.npy"], "usage", "inputs are x"],
    [["--input", "x=/nowhere.npy"], "file-unreadable", "/nowhere.npy"],
    [["--random", "1", "--pin", "/first/*=gpu"], "device-missing", "cpu-0, cpu-1"],
    [["--random", "1", "--pin", "/third/*=cpu-0"], "pin-impossible", "no operator"],
    [["--random", "1", "--pin", "cpu-0"], "usage", "pattern=device"],
  ];
  it.each(wrong)("refuses %j", async (words, code, message) => {
    await expect(execute(...words)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("reads what it writes as .npy, and refuses what is none", () => {
    for (const value of [
      { type: "i64", dims: [2, 1], data: BigInt64Array.of(5n, -6n) },
      { type: "f32", dims: [3], data: Float32Array.of(1, 2, 3) },
      { type: "bool", dims: [], data: Uint8Array.of(1) },
    ] as const) {
      const bytes = writeNpy(value);
      expect(readNpy(bytes, "it")).toEqual(value);
      expect(bytes.length % 64).toBe(value.data.byteLength % 64);
      expect(() => readNpy(bytes.subarray(0, -1), "it")).toThrow("bytes are no");
    }
    expect(() => readNpy(Buffer.from("not one at all"), "it")).toThrow("no .npy file");
  });
});
