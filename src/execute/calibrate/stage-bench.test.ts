// Goal: what a bench times is what it says. Method: a stage that only keeps its tasks.
import { expect, it } from "vitest";
import type { StepTask } from "../../engine/replica-engine-types.ts";
import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import type { LoadedStage } from "../stage-driver.ts";
import { StageBench } from "./stage-bench.ts";

it("gathers other blocks to a place than the sequence before, so that nothing that still lies there saves a copy", async () => {
  const tasks: StepTask[] = [];
  const stage: LoadedStage = {
    run: (task) => {
      tasks.push(task);
      return Promise.resolve({ data: new Float32Array(0), busyNs: 1 });
    },
    kvBytes: () => 0,
    release: () => Promise.resolve(),
  };
  const bench = new StageBench({ stage, spec: { vocabulary: 100 } as DecoderSpec, first: true, sealedBlocks: true });
  await bench.fillPast(4 * BLOCK_TOKENS, 1_000);
  for (let opening = 0; opening < 6; opening++) {
    bench.open(2, 3 * BLOCK_TOKENS);
    await bench.decode();
  }
  const gathers = tasks.flatMap((task) => task.opens.map(({ gather }) => gather.map(({ slot }) => slot)));
  const filled = gathers.filter((slots) => slots.length > 0);
  expect(filled.length).toBe(12);
  filled.slice(1).forEach((slots, index) => {
    for (const [place, slot] of slots.entries()) expect(slot).not.toBe(filled[index]![place]);
  });
});

it("computes the past of every lane before what is timed, where no block is sealed", async () => {
  const tasks: StepTask[] = [];
  const stage: LoadedStage = {
    run: (task) => {
      tasks.push(task);
      return Promise.resolve({ data: new Float32Array(0), busyNs: tasks.length });
    },
    kvBytes: () => 0,
    release: () => Promise.resolve(),
  };
  const bench = new StageBench({ stage, spec: { vocabulary: 100 } as DecoderSpec, first: true, sealedBlocks: false });
  await bench.fillPast(4 * BLOCK_TOKENS, 1_000);
  expect(bench.pastTokens).toBe(4 * BLOCK_TOKENS);
  expect(tasks).toEqual([]);
  bench.open(2, 3 * BLOCK_TOKENS);
  expect(await bench.decode()).toBe(3);
  expect(tasks.map(({ rows }) => rows.map(({ phase, start, count }) => `${phase} ${start}+${count}`).join())).toEqual([
    "prefill 0+128,prefill 0+128",
    "prefill 128+64,prefill 128+64",
    "decode 192+1,decode 192+1",
  ]);
  expect(tasks.every(({ seals, opens }) => seals.length === 0 && opens.every(({ gather }) => gather.length === 0))).toBe(true);
  bench.keep(1);
  await bench.decode();
  expect(tasks.at(-1)?.closes).toEqual([1]);
});
