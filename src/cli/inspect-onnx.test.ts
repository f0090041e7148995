/** Goal: heddle inspect takes ONNX models with the sizes a user gives, and refuses what does not apply. Method: the command on models made here. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, test, vi } from "vitest";
import { writeLargeOnnx } from "../../bench/large-onnx.ts";
import { printedBy } from "../../test/support/printed-by.ts";
import { cacheModel, functionModel, mixedModel, quantisedModel } from "../../test/support/tiny-onnx.ts";
import type { ByteSource } from "../base/bytes.ts";
import { openFileBytes } from "../execute/file-bytes.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import type { Inspection } from "../inspect/inspection.ts";
import { addInspectCommand } from "./commands/inspect.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-inspect-onnx-"));
const path = (name: string): string => join(folder, `${name}.onnx`);
for (const [name, file] of Object.entries({
  cache: cacheModel(),
  functions: functionModel(),
  mixed: mixedModel().model,
  quantised: quantisedModel(),
}))
  writeFileSync(path(name), file);

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const command = printedBy(addInspectCommand);
const printed = (...words: string[]): Promise<string> => command("inspect", ...words);

async function sizesOf(...words: string[]): Promise<unknown> {
  const found = JSON.parse(await printed(...words, "--json")) as Inspection;
  return Object.fromEntries(found.sizes!.map(({ symbol, value }) => [symbol, value]));
}

describe("sizes", () => {
  it("that were not given are printed with the result", async () => {
    const text = await printed(path("mixed"));
    expect(text).toContain("mixed.onnx (ONNX, opset 17)");
    expect(text).toMatch(/run, batch 1, height 224\t/);
    expect(text).toContain("sizes that were not given: batch 1, height 224; --size name=value gives others");
  });

  it.each([
    [["--size", "height=64", "--batch", "3"], "mixed", { batch: 3, height: 64 }],
    [
      ["--size", "batch_size=2", "--size", "past_sequence_length=9", "--size", "sequence_length=4"],
      "cache",
      { batch: 2, tokens: 4, context: 13 },
    ],
    [["--prompt", "4", "--context", "13"], "cache", { batch: 1, tokens: 4, context: 13 }],
    [["--context", "13"], "cache", { batch: 1, tokens: 1, context: 13 }],
    [["--prompt", "7"], "cache", { batch: 1, tokens: 7, context: 7 }],
    [["--size", "past_sequence_length=9"], "cache", { batch: 1, tokens: 1, context: 10 }],
  ])("are taken from %j", async (options, name, sizes) => {
    expect(await sizesOf(path(name), ...options)).toEqual(sizes);
  });

  it.each([
    [["--size", "width=64"], "mixed", "the model's sizes: batch, height"],
    [["--size", "height"], "mixed", "name=value"],
    [["--size", "height=1e4"], "mixed", "name=value"],
    [["--size", "height=99999999999"], "mixed", "name=value"],
    [["--prompt", "64"], "mixed", "no input has such a size; the model's sizes: batch, height"],
    [["--context", "64"], "functions", "no input has such a size"],
    [["--batch", "2", "--size", "batch=3"], "mixed", "--size says 3"],
    [["--prompt", "9", "--context", "4"], "cache", "part of its context"],
    [["--context", "4", "--size", "past_sequence_length=9"], "cache", "the context is 4"],
    [["--dtype", "f16"], "mixed", "the file says"],
    [["--kv-dtype", "f16"], "cache", "the file says"],
  ])("are refused: %j", async (options, name, detail) => {
    await expect(printed(path(name), ...options)).rejects.toMatchObject({ code: "usage", message: expect.stringContaining(detail) });
  });

  it("of a configuration are not given by name", async () => {
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify({ model_type: "llama" }));
    await expect(printed(config, "--size", "batch=2")).rejects.toMatchObject({ code: expect.stringMatching(/usage|invalid|unknown/) });
  });
});

test("states, packed weights and experts are told", async () => {
  const text = await printed(path("quantised"), "--operators", "--batch", "2", "--context", "100");
  expect(text).toContain("state       25.6 kB after the run, 256 B more with each token of every sequence");
  expect(text).toContain("kv past_key_values.0.key: f32 [batch, 2, context, 8], 12.8 kB, 128 B a token");
  expect(text).toContain("with constants, scales and zero points");
  expect(text).toContain("touched(4,2)");
  expect(text).toContain("real routing visits fewer");
  expect(text).not.toContain("unknown");
});

test("a damaged file is a coded error", async () => {
  const damaged = path("damaged");
  writeFileSync(damaged, cacheModel().subarray(0, 100));
  await expect(printed(damaged)).rejects.toMatchObject({ code: "onnx-invalid" });
});

describe("large files", () => {
  it("are not read where their weights are, and counted to the last", async () => {
    const parameters = writeLargeOnnx(path("large"), { layers: 4, width: 1000, data: "inline" });
    const bytes = openFileBytes(path("large"));
    let read = 0;
    const counting: ByteSource = {
      byteLength: bytes.byteLength,
      read: (offset, length) => {
        read += length;
        return bytes.read(offset, length);
      },
    };
    readOnnx(counting);
    bytes.close();
    // A window of 256 KiB before and behind each weight at most.
    expect(read).toBeLessThan(bytes.byteLength / 4);
    const found = JSON.parse(await printed(path("large"), "--batch", "3", "--json")) as Inspection;
    expect(found.parameters.total).toBe(parameters);
    expect(found.phases[0]!.total).toMatchObject({ flops: 2 * 3 * parameters, weightBytes: 4 * parameters });
  });

  it("with weights beside them need no such file", async () => {
    const parameters = writeLargeOnnx(path("beside"), { layers: 4, width: 1000, data: "external" });
    const found = JSON.parse(await printed(path("beside"), "--json")) as Inspection & { stored: { parameters: number } };
    expect(found.parameters.total).toBe(parameters);
    expect(found.stored.parameters).toBe(parameters);
  });
});
