/**
 * Goal: a rack says what its devices refuse of a model, and a pin to where an operator cannot run is an error that names the operator and the devices
 * that could. Method: a small ONNX model with planted operators, asked of real drivers; racks with a missing driver, a missing peak, a small memory.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { addExecuteCommand } from "../../src/cli/commands/execute.ts";
import { addPartitionCommand } from "../../src/cli/commands/partition.ts";
import { addRackCommand } from "../../src/cli/commands/rack.ts";
import { supportText } from "../../src/cli/support-report.ts";
import type { DeviceSupport } from "../../src/execute/discover/model-support.ts";
import { bytesOfArray, createOnnxBuilder } from "../../src/graph/onnx/builder.ts";
import { printedBy } from "../support/printed-by.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";

const TIMEOUT_MS = 120_000;
const folder = mkdtempSync(join(tmpdir(), "heddle-support-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const printed = printedBy(addRackCommand, addPartitionCommand, addExecuteCommand);

/** A product that every CPU takes, one in bf16, and operators that nobody has. */
function writeModel(name: string, planted: readonly ("odd" | "bf16")[]): string {
  const builder = createOnnxBuilder(name);
  const x = builder.input("x", "float32", [4, 8]);
  const weight = builder.constant("float32", [8, 8], bytesOfArray(Float32Array.from({ length: 64 }, (_unused, i) => i / 64)));
  let y = builder.node("MatMul", [x, weight], { name: "product" });
  if (planted.includes("odd")) {
    for (const index of [0, 1]) {
      const odd = builder.node("Oddity", [y], { name: `odd.${index}`, domain: "com.microsoft" });
      builder.output(odd, "float32", [4, 8]);
    }
  }
  if (planted.includes("bf16")) {
    const half = builder.node("Cast", [y], { name: "to-half", attributes: { to: 16 } });
    y = builder.node("Cast", [builder.node("MatMul", [half, half], { name: "half" })], { name: "from-half", attributes: { to: 1 } });
  }
  builder.output(y, "float32", [4, 8]);
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, builder.build().model);
  return path;
}

interface RackOptions {
  readonly npuDriver?: string;
  readonly npuPeak?: string;
  readonly npuBytes?: number;
  /** The second device alone, without the CPU. */
  readonly npuAlone?: boolean;
}

function writeRackFile(name: string, options: RackOptions = {}): string {
  const { npuDriver = "ort-wasm", npuPeak = "f32", npuBytes = 1e9, npuAlone = false } = options;
  const peak = (type: string): string => `[{ type: ${type}, operationsPerSecond: 1.0e12, basis: data-sheet, source: test }]`;
  const memory = (id: string, bytes: number): string =>
    `  - { id: ${id}, tier: dram, capacityBytes: ${bytes}, bandwidthBytesPerSecond: 1.0e10, basis: data-sheet, source: test }`;
  const link = (from: string, to: string): string =>
    `  - { from: ${from}, to: ${to}, via: process, latencyNs: 1000, bandwidthBytesPerSecond: 1.0e9, basis: data-sheet, source: test }`;
  const text = [
    "version: 1",
    `name: ${name}`,
    "fingerprint: any",
    "devices:",
    ...(npuAlone ? [] : [`  - { id: cpu, kind: cpu, driver: ort, threads: 1, cores: [0], memory: dram, peaks: ${peak("f32")} }`]),
    `  - { id: npu, kind: npu, driver: ${npuDriver}, threads: 1, cores: [1], memory: own, peaks: ${peak(npuPeak)} }`,
    "memories:",
    memory("dram", 1e9),
    memory("own", npuBytes),
    ...(npuAlone ? ["links: []"] : ["links:", link("cpu", "npu"), link("npu", "cpu")]),
  ].join("\n");
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

async function supports(rack: string, model: string): Promise<{ devices: DeviceSupport[]; absent: { driver: string; install: string }[] }> {
  const text = await printed("rack", "show", rack, "--model", model, "--json");
  return JSON.parse(text) as Awaited<ReturnType<typeof supports>>;
}

describe("what devices say of a model", { timeout: TIMEOUT_MS }, () => {
  it("lists what is refused by type, count and reason, and what is not installed", async () => {
    const { devices, absent } = await supports(writeRackFile("two"), writeModel("planted", ["odd", "bf16"]));
    const [cpu, wasm] = devices;
    expect([cpu?.device, wasm?.device]).toEqual(["cpu", "npu"]);
    for (const device of [cpu, wasm]) {
      if (device?.state !== "asked") throw new TypeError(JSON.stringify(device));
      expect(device.operators).toBe(6);
      const odd = device.refused.find(({ type }) => type === "com.microsoft.Oddity");
      expect(odd).toMatchObject({ count: 2, example: "odd.0", reason: expect.stringContaining("Oddity") as unknown });
      expect(device.refused.filter(({ type }) => type === "MatMul").map(({ example }) => example)).toEqual(["half"]);
    }
    expect(absent.find(({ driver }) => driver === "llama")?.install).toContain("npm install node-llama-cpp");
    const text = supportText("planted", devices, absent);
    expect(text).toMatch(/cpu\tort\t\d of 6 operators\n/);
    expect(text).toMatch(/cpu refuses \d of 6 operators:\n {2}com.microsoft.Oddity, 2 \(first: odd.0\): /);
  });

  it("names a driver that is not there, and accepts a model without planted operators", async () => {
    const words = ["rack", "show", writeRackFile("strange", { npuDriver: "acme" }), "--model", writeModel("plain", [])];
    expect(await printed(...words)).toMatch(/cpu\tort\tall 1 operators\n/);
    const { devices } = await supports(words[2]!, words[4]!);
    expect(devices).toEqual([
      { device: "cpu", driver: "ort", state: "asked", operators: 1, refused: [] },
      { device: "npu", driver: "acme", state: "missing", detail: expect.stringContaining("no driver of this name") as unknown },
    ]);
  });

  it("counts a decoder's operators over all its layers, and whole-model devices say whole", async () => {
    const path = writeTinyGguf(join(folder, "tiny.gguf"), { layers: 5 });
    const more = writeTinyGguf(join(folder, "more.gguf"), { layers: 6 });
    const [cpu, whole] = (await supports(writeRackFile("llama", { npuDriver: "llama" }), path)).devices;
    const [cpuOfMore] = (await supports(writeRackFile("strange", { npuDriver: "acme" }), more)).devices;
    expect(whole).toEqual({ device: "npu", driver: "llama", state: "whole" });
    if (cpu?.state !== "asked" || cpuOfMore?.state !== "asked") throw new TypeError(JSON.stringify(cpu));
    expect(cpu.refused).toEqual([]);
    // One layer more, each of as many operators; beside them embedding and head.
    const layer = cpuOfMore.operators - cpu.operators;
    expect(layer).toBeGreaterThan(10);
    expect(cpu.operators - 5 * layer).toBeGreaterThan(0);
    expect(cpu.operators - 5 * layer).toBeLessThan(layer);
    const strange = writeTinyGguf(join(folder, "strange.gguf"), { pre: "nobody-knows" });
    const alone = writeRackFile("llama-alone", { npuDriver: "llama", npuAlone: true });
    const [unread] = (await supports(alone, strange)).devices;
    expect(unread).toMatchObject({ state: "whole", refused: expect.stringMatching(/\w{2}/) as unknown });
    const [refused] = (await supports(alone, writeModel("plain", []))).devices;
    expect(refused).toMatchObject({ state: "whole", refused: expect.stringContaining("GGUF") as unknown });
  });

  it("refuses to be asked about what holds no operators", async () => {
    const config = join(folder, "config.json");
    writeFileSync(config, "{}");
    await expect(supports(writeRackFile("two"), config)).rejects.toMatchObject({ code: "model-unsupported" });
  });
});

describe("pins that cannot be kept", { timeout: TIMEOUT_MS }, () => {
  const place = (rack: string, model: string, pin: string): Promise<string> =>
    printed("partition", model, "--rack", rack, "--seconds", "0.2", "--pin", pin);

  it("an operator that the driver refuses", async () => {
    const refused = place(writeRackFile("two"), writeModel("planted", ["odd"]), "odd.1=cpu");
    await expect(refused).rejects.toMatchObject({ code: "pin-impossible", where: "--pin odd.1=cpu" });
    await expect(refused).rejects.toThrow(/odd\.1 \(com\.microsoft\.Oddity\): .*not a registered.*no device of the rack could run it/s);
    // A driver that is not here says nothing: the device could.
    const elsewhere = place(writeRackFile("strange", { npuDriver: "acme" }), writeModel("planted", ["odd"]), "odd.1=cpu");
    await expect(elsewhere).rejects.toThrow(/odd\.1 \(com\.microsoft\.Oddity\):.*devices that could: npu/s);
  });

  it("a type that the device has no peak for", async () => {
    const refused = place(writeRackFile("narrow", { npuPeak: "i8" }), writeModel("plain", []), "product=npu");
    await expect(refused).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(refused).rejects.toThrow(/product \(MatMul\): npu has no peak for its type; devices that could: cpu/);
  });

  it("weights that the device has no room for", async () => {
    const refused = place(writeRackFile("small", { npuBytes: 200 }), writeModel("plain", []), "product=npu");
    await expect(refused).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(refused).rejects.toThrow(/product \(MatMul\): 256 bytes, of which npu has room for \d+; devices that could: cpu/);
  });

  it("where it would be executed, for an operator, a type and a memory", async () => {
    const execute = (rack: string, model: string, pin: string): Promise<string> =>
      printed("execute", model, "--rack", rack, "--random", "1", "--isolation", "inline", "--pin", pin);
    const odd = execute(writeRackFile("two"), writeModel("planted", ["odd"]), "odd.0=cpu");
    await expect(odd).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(odd).rejects.toThrow(/cannot run odd\.0: .*Oddity.*no device can/s);
    const half = execute(writeRackFile("two"), writeModel("halved", ["bf16"]), "half=npu");
    await expect(half).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(half).rejects.toThrow(/cannot run half: .*bf16/s);
    const large = execute(writeRackFile("small", { npuBytes: 200 }), writeModel("plain", []), "product=npu");
    await expect(large).rejects.toMatchObject({ code: "pin-impossible", where: "pins to npu" });
    await expect(large).rejects.toThrow(/room for 200 of 256 bytes of product; cpu could/);
  });

  it("and one that can is kept", async () => {
    expect(await place(writeRackFile("two"), writeModel("plain", []), "product=npu")).toContain("npu");
  });
});
