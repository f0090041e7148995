/**
 * Goal: the llama device keeps the contract of devices with whole models as its stages, goes on from a sequence that was handed over as it would have,
 * and refuses single operators. Method: the suite on a tiny GGUF file; llama.cpp's own answers; two devices that hand a sequence on.
 */
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DeviceTensor, OpenDevice } from "../../src/execute/device/device-driver.ts";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import { llamaRuntime, openLlamaDevice } from "../../src/execute/drivers/llama/device.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { argmax } from "../../src/execute/sampling/ranking.ts";
import { ggufProgram } from "../../src/graph/program/gguf-program.ts";
import type { StageModel } from "../../src/graph/program/program.ts";
import type { Device } from "../../src/rack/rack.ts";
import { affineProgram, drawn, type StageSample, wholeStage } from "../support/device-samples.ts";
import { failingDriver } from "../support/failing-runtime.ts";
import { loadPeer } from "../support/llama-peer.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";
import { deviceSuite } from "./device.suite.ts";

const TIMEOUT_MS = 60_000;
const MEMORY_BYTES = 64 << 20;
const row: Device = { id: "llama-0", kind: "cpu", driver: "llama", threads: 1, cores: [0], memory: "dram" };
const folder = mkdtempSync(join(tmpdir(), "heddle-llama-device-"));
const path = writeTinyGguf(join(folder, "tiny.gguf"));

function stageOf(file: string, contextLimit = 64): StageModel {
  const { spec, fingerprint } = openDecoderModel(file);
  return wholeStage(ggufProgram({ file, fingerprint, spec, contextLimit, fileBytes: statSync(file).size }));
}

const ints = (ids: readonly number[]): HostTensor => ({ type: "i64", dims: [ids.length], data: BigInt64Array.from(ids, BigInt) });
const none: HostTensor = { type: "u8", dims: [0], data: new Uint8Array(0) };

deviceSuite({
  name: "llama",
  row,
  driver: () => deviceDriverByName("llama"),
  failing: async () => failingDriver(llamaRuntime, openLlamaDevice),
  samples: (): StageSample[] => [{ name: "whole model", stage: stageOf(path), inputs: { tokens: ints([3, 141, 59]), sequence: none } }],
});

async function open(): Promise<OpenDevice> {
  return (await deviceDriverByName("llama")).open({ device: row, memoryBytes: MEMORY_BYTES });
}

/** Greedy tokens from a sequence, and the sequence after them. */
async function continued(
  device: OpenDevice,
  tokens: readonly number[],
  before: HostTensor,
  count: number,
): Promise<[number[], HostTensor]> {
  const resident = await device.load(await device.compile(stageOf(path)));
  const out: number[] = [];
  let next = tokens;
  let sequence: DeviceTensor = await device.upload(before);
  while (out.length < count) {
    const { outputs } = await resident.run({ tokens: await device.upload(ints(next)), sequence });
    const logits = await device.download(outputs["logits"]!);
    next = [argmax(logits.data as Float32Array)];
    out.push(next[0]!);
    sequence = outputs["sequence.next"]!;
  }
  const saved = await device.download(sequence);
  await resident.release();
  return [out, saved];
}

describe("whole models as stages", { timeout: TIMEOUT_MS }, () => {
  const prompt = [3, 141, 59, 26, 53];

  test("a sequence saved on one device goes on at another as it would have, as often as one likes", async () => {
    const peer = await loadPeer(path);
    const expected = await peer.greedy(prompt, 20);
    await peer.dispose();
    const [first, second] = [await open(), await open()];
    expect(first.describe()).toMatchObject({ boundary: "model", stateBoundary: "sequence" });
    const [begun, saved] = await continued(first, prompt, none, 8);
    expect(begun).toEqual(expected.slice(0, 8));
    // The sequence ends before the last token drawn.
    for (let again = 0; again < 2; again++) {
      const [rest] = await continued(second, [begun.at(-1)!], saved, 12);
      expect(rest).toEqual(expected.slice(8));
    }
    await first.close();
    await second.close();
  });

  test("refuses single operators, damaged sequences, unknown tokens and what does not fit", async () => {
    const device = await open();
    const affine = affineProgram(drawn(3));
    expect(device.supports(affine.graph, 0)).toEqual({
      ok: false,
      reason: expect.stringMatching(/whole GGUF model.*not operators such as/),
    });
    const [, saved] = await continued(device, prompt, none, 1);
    const resident = await device.load(await device.compile(stageOf(path)));
    const run = async (tokens: readonly number[], before: HostTensor): Promise<unknown> =>
      resident.run({ tokens: await device.upload(ints(tokens)), sequence: await device.upload(before) });
    const damaged = (saved.data as Uint8Array).slice();
    damaged[damaged.length - 1]! ^= 1;
    await expect(run([1], { ...saved, data: damaged })).rejects.toMatchObject({ code: "input-invalid", where: "sequence" });
    await expect(run([100_000], none)).rejects.toMatchObject({ code: "input-invalid", where: "tokens" });
    await expect(run([], none)).rejects.toMatchObject({ code: "input-invalid" });
    await expect(
      run(
        Array.from({ length: 65 }, () => 3),
        none,
      ),
    ).rejects.toThrow(/at most 64/);
    // And none of that keeps it from working.
    await expect(run([7], saved)).resolves.toBeDefined();
    await device.close();
  });

  test("another model's sequence is refused, and a file that is not there", async () => {
    const device = await open();
    const [, saved] = await continued(device, prompt, none, 1);
    const other = writeTinyGguf(join(folder, "other.gguf"), { layers: 3 });
    const resident = await device.load(await device.compile(stageOf(other)));
    const sequence = await device.upload(saved);
    await expect(resident.run({ tokens: await device.upload(ints([1])), sequence })).rejects.toMatchObject({ code: "input-invalid" });
    const { spec } = openDecoderModel(path);
    const gone = ggufProgram({ file: join(folder, "gone.gguf"), fingerprint: "x", spec, contextLimit: 8, fileBytes: 1 });
    expect(device.supports(gone.graph, 0)).toMatchObject({ ok: false, reason: expect.stringContaining("not on this machine") });
    await device.close();
  });
});
