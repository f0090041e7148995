// Goal: models of runs and links say what they know and learn what is measured. Method: known times.
import { describe, expect, it, test } from "vitest";
import { wantsAlone } from "./contention.ts";
import type { DataflowRack, StageSpec } from "./dataflow-types.ts";
import { basisOf, createHistories, historyOf, predictUnitNs, recordRun, typicalNs } from "./histories.ts";
import { createLinkModel, predictTransferNs, recordTransfer } from "./link-model.ts";

const rack: DataflowRack = {
  memories: [{ host: 0 }],
  classes: [{}, {}],
  devices: [0, 0, 1].map((one) => ({ class: one, memory: 0, host: 0 })),
  links: [],
};
const kind = { operator: 0, variant: 0, footprint: 3 };

test("a history starts from the prior, then like devices, then what was measured, and follows a device that slows down", () => {
  const histories = createHistories(rack);
  const history = historyOf(histories, kind);
  const at = (device: number) => [
    basisOf(histories, history, { device, priorNs: 100 }),
    predictUnitNs(histories, history, { device, priorNs: 100 }),
  ];
  expect(at(0)).toEqual(["prior", 100]);
  recordRun(histories, history, { device: 0, unitNs: 150, priorNs: 100 });
  expect(at(0)).toEqual(["measured", 150]);
  expect(at(1)).toEqual(["like-device", 150]);
  expect(at(2)).toEqual(["prior", 100]);
  for (let i = 0; i < 30; i++) recordRun(histories, history, { device: 0, unitNs: 300, priorNs: 100 });
  expect(at(0)[1]).toBeGreaterThan(295);
});

test("a cold first run stands until there is a second, and one run that takes far longer than all before counts in part", () => {
  const histories = createHistories(rack);
  const history = historyOf(histories, kind);
  const meanAfter = (unitNs: number): number => {
    recordRun(histories, history, { device: 0, unitNs, priorNs: 100 });
    return predictUnitNs(histories, history, { device: 0, priorNs: 100 });
  };
  expect(meanAfter(900)).toBe(900);
  expect(meanAfter(100)).toBe(100);
  expect(predictUnitNs(histories, history, { device: 1, priorNs: 100 })).toBe(100);
  for (let i = 0; i < 8; i++) meanAfter(100);
  expect(meanAfter(10_000)).toBeCloseTo(125, 6);
  // Slow from now on: known after some ten runs.
  for (let i = 0; i < 16; i++) meanAfter(1_000);
  expect(meanAfter(1_000)).toBeGreaterThan(800);
});

test("a cold first run stands for no more than what like devices take warm", () => {
  const histories = createHistories(rack);
  const history = historyOf(histories, kind);
  for (let i = 0; i < 5; i++) recordRun(histories, history, { device: 0, unitNs: 100, priorNs: undefined });
  recordRun(histories, history, { device: 1, unitNs: 460, priorNs: undefined });
  expect(predictUnitNs(histories, history, { device: 1, priorNs: undefined })).toBe(100);
  for (let i = 0; i < 2; i++) recordRun(histories, history, { device: 1, unitNs: 460, priorNs: undefined });
  expect(predictUnitNs(histories, history, { device: 1, priorNs: undefined })).toBe(460);
});

test("another kind of run on a device takes the ratio learned there, and one without prior a guess", () => {
  const histories = createHistories(rack);
  recordRun(histories, historyOf(histories, kind), { device: 0, unitNs: 160, priorNs: 100 });
  const other = historyOf(histories, { ...kind, operator: 1 });
  expect(predictUnitNs(histories, other, { device: 0, priorNs: 1_000 })).toBe(1_600);
  expect(predictUnitNs(histories, other, { device: 1, priorNs: 1_000 })).toBe(1_600);
  expect(predictUnitNs(histories, other, { device: 2, priorNs: 1_000 })).toBe(1_000);
  expect(basisOf(histories, other, { device: 2, priorNs: undefined })).toBe("guess");
});

test("a stage's typical time is that of its fastest class", () => {
  const variant = { weightBytes: 0, loadNs: 0, compileNs: 0 };
  const variants = [0, 1].map((one) => ({ ...variant, class: one, priorNs: 100 - 40 * one }));
  const stage: StageSpec = { stage: 0, operator: 0, variants };
  expect(typicalNs(createHistories(rack), stage, 0)).toBe(60);
});

test("a link learns latency and bandwidth from transfers of several sizes, and one factor from equal ones", () => {
  const spec = { source: 0, target: 1, latencyNs: 1_000, bytesPerSecond: 1e9, channel: 0 };
  const line = createLinkModel(spec);
  for (let i = 0; i < 20; i++) {
    const bytes = 1_000 * (1 + (i % 5));
    recordTransfer(line, bytes, 4_000 + 3 * bytes);
  }
  expect(predictTransferNs(line, 100_000)).toBeCloseTo(304_000, 0);
  const equal = createLinkModel(spec);
  for (let i = 0; i < 5; i++) recordTransfer(equal, 1_000, 5_000);
  expect(predictTransferNs(equal, 1_000)).toBeCloseTo(5_000, 6);
  expect(predictTransferNs(equal, 3_000)).toBeCloseTo(10_000, 6);
});

test("one transfer that was kept waiting does not make a link slow for good", () => {
  const spec = { source: 0, target: 1, latencyNs: 1_000, bytesPerSecond: 1e9, channel: 0 };
  const link = createLinkModel(spec);
  recordTransfer(link, 1_000, 1e9);
  expect(predictTransferNs(link, 1_000)).toBeCloseTo(8_000, 6);
  for (let i = 0; i < 40; i++) recordTransfer(link, 1_000, 1e6);
  expect(predictTransferNs(link, 1_000)).toBeGreaterThan(0.9e6);
});

test("small transfers that take now more, now less say nothing of large ones", () => {
  const spec = { source: 0, target: 1, latencyNs: 200_000, bytesPerSecond: 1e9, channel: 0 };
  const link = createLinkModel(spec);
  for (let i = 0; i < 40; i++) recordTransfer(link, i % 2 === 0 ? 4 : 8, i % 2 === 0 ? 800_000 : 1_200_000);
  expect(predictTransferNs(link, 128_000)).toBeLessThan(5_000_000);
  expect(predictTransferNs(link, 8)).toBeCloseTo(1_200_000, 6);
});

test("what a size took is known when many transfers of another have come after, and forgotten after very many", () => {
  const spec = { source: 0, target: 1, latencyNs: 200_000, bytesPerSecond: 1e9, channel: 0 };
  const link = createLinkModel(spec);
  for (let i = 0; i < 12; i++) recordTransfer(link, 128_000, 6_000_000);
  for (let i = 0; i < 300; i++) recordTransfer(link, i % 2 === 0 ? 4 : 8, i % 2 === 0 ? 800_000 : 1_200_000);
  expect(predictTransferNs(link, 128_000)).toBeGreaterThan(5_500_000);
  expect(predictTransferNs(link, 128_000)).toBeLessThan(6_500_000);
  for (let i = 0; i < 500; i++) recordTransfer(link, 8, 300_000);
  expect(predictTransferNs(link, 128_000)).toBeLessThan(1_000_000);
});

describe("what devices of one machine take from one another", () => {
  const shared = createHistories({
    memories: [{ host: 0 }],
    classes: [{}],
    devices: [0, 1, 2].map((device) => ({ class: 0, memory: 0, host: 0, ...(device < 2 ? { machine: 0 } : {}) })),
    links: [],
  });
  const history = historyOf(shared, { operator: 0, variant: 0, footprint: 0 });
  const run = (unitNs: number, others: number) => recordRun(shared, history, { device: 0, unitNs, priorNs: undefined, others });

  it("is not known of a device that never ran alone, which wants to", () => {
    for (let i = 0; i < 12; i++) run(150, 1);
    expect(wantsAlone(shared.contention, 0)).toBe(true);
    expect(wantsAlone(shared.contention, 2)).toBe(false);
    expect(predictUnitNs(shared, history, { device: 0, priorNs: undefined, others: 0 })).toBe(150);
  });

  it("is the slope of its runs over how many ran beside them", () => {
    for (let i = 0; i < 30; i++) run(i % 3 === 0 ? 100 : 150, i % 3 === 0 ? 0 : 1);
    expect(wantsAlone(shared.contention, 0)).toBe(false);
    expect(predictUnitNs(shared, history, { device: 0, priorNs: undefined, others: 0 })).toBeGreaterThan(90);
    expect(predictUnitNs(shared, history, { device: 0, priorNs: undefined, others: 0 })).toBeLessThan(115);
    expect(predictUnitNs(shared, history, { device: 0, priorNs: undefined, others: 1 })).toBeGreaterThan(140);
    expect(predictUnitNs(shared, history, { device: 0, priorNs: undefined, others: 1 })).toBeLessThan(165);
  });
});
