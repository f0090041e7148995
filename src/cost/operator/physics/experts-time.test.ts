/**
 * Goal: kernels that unpack integer weights choose their tiles by the tokens of an expert, and multiply by instructions of one warp; what is sorted is what came.
 * Method: tiles as vLLM's kernel chooses them; times by hand from constants that leave nothing but multiplications.
 */
import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { ExpertQuery } from "../operator-query.ts";
import { type DeviceFigures, deviceFigures } from "./device-figures.ts";
import { unpackedTileRows } from "./experts-time.ts";
import { START } from "./fit/start.ts";
import { operatorNs } from "./operator-time.ts";

const QUERY: ExpertQuery = {
  op: "experts",
  tokens: 16_384,
  width: 4096,
  inner: 1536,
  active: 8,
  experts: 128,
  ranks: { tensor: 1, expert: 1 },
  type: "bf16",
  weightType: "i4",
  load: "balanced",
};
const H100 = deviceFigures(deviceSheet("h100-sxm"));

function onlyMultiplying(device: DeviceFigures, query: ExpertQuery, unpackRows?: number): number {
  const { unpackRows: _, ...plain } = START.experts.packed;
  const free = { ...plain, launchNs: 0, memoryShare: 1e9, computeShare: 1, serialShare: 0, copies: 0, gathers: 0 };
  const packed = { ...free, ...(unpackRows === undefined ? {} : { unpackRows }) };
  return operatorNs(device, { ...START, experts: { ...START.experts, packed, half: free } }, query);
}

describe("tiles of kernels that unpack weights", () => {
  it.each([
    [1, 1, 8],
    [115, 1, 8],
    // 7.2 rows an expert in the mean fill 8 to nine tenths: the next.
    [116, 1, 16],
    [230, 1, 16],
    [600, 1, 48],
    [1000, 1, 64],
    [16_384, 1, 64],
    // A rank counts the tokens of all ranks on the two experts that it holds.
    [16, 64, 64],
  ])("%i tokens over %i ranks: %i rows", (tokens, expert, rows) => {
    expect(unpackedTileRows({ ...QUERY, tokens, ranks: { tensor: 1, expert } })).toBe(rows);
  });

  it("unpacking costs rows for each tile, however few are used", () => {
    const few: ExpertQuery = { ...QUERY, tokens: 16 };
    // 128 experts with a row each, in tiles of 8; unpacking as much as 56 rows.
    expect(onlyMultiplying(H100, few, 56) / onlyMultiplying(H100, few, 0)).toBeCloseTo(64 / 8, 9);
    expect(onlyMultiplying(H100, QUERY, 64) / onlyMultiplying(H100, QUERY, 0)).toBeCloseTo(2, 9);
  });
});

describe("sorting tokens by experts", () => {
  // Nothing but what is gathered: 2 bytes a value, once.
  const half = { ...START.experts.half, launchNs: 0, memoryShare: 1, computeShare: 1e9, serialShare: 0, copies: 0, gathers: 1 };
  const { weightType: _, ...plain } = QUERY;
  const spread: ExpertQuery = { ...plain, ranks: { tensor: 1, expert: 32 } };
  const priced = (query: ExpertQuery, gathers: number): number =>
    operatorNs(H100, { ...START, experts: { ...START.experts, half: { ...half, gathers } } }, query);
  const moved = (query: ExpertQuery): number => (priced(query, 1) - priced(query, 0)) * H100.bytesPerNs;

  it("moves all tokens of the group where all of them come, and those of its experts alone where they are sent", () => {
    expect(moved(spread)).toBeCloseTo(16_384 * 8 * 4096 * 2, -3);
    expect(moved({ ...spread, dispatched: true })).toBeCloseTo((16_384 * 8 * 4096 * 2) / 32, -3);
  });
});

describe("rate of multiplications", () => {
  const operations = 2 * 3 * 16_384 * 8 * 4096 * 1536;

  it("is that of single warps where weights are unpacked: 62.9 % of 4,096 a core and clock", () => {
    expect(onlyMultiplying(H100, QUERY)).toBeCloseTo(operations / (132 * 1.83 * 4096 * 0.629), -2);
    const { weightType: _, ...half } = QUERY;
    expect(onlyMultiplying(H100, half)).toBeCloseTo(operations / 989_400, -3);
  });

  it("does not grow with peaks that only other instructions reach, nor exceed the peak", () => {
    const b200 = deviceFigures(deviceSheet("b200-sxm"));
    // 148 cores at 1.856 GHz for 132 at 1.83, whatever the peak.
    expect(onlyMultiplying(H100, QUERY) / onlyMultiplying(b200, QUERY)).toBeCloseTo((148 * 1.856) / (132 * 1.83), 6);
    const a100 = deviceFigures(deviceSheet("a100-sxm"));
    expect(onlyMultiplying(a100, QUERY)).toBeCloseTo(operations / 312_000, -3);
    expect(deviceFigures(deviceSheet("mi300x")).warpFlopsPerNs).toBeUndefined();
  });
});
