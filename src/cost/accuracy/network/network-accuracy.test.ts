import { describe, expect, it } from "vitest";
import { dataFolder } from "../../../cli/accuracy/data-folder.ts";
import {
  busRatios,
  collectiveTables,
  dispatchTables,
  hgx,
  ncclTestsTable,
  publishedDeepep,
  publishedTransfers,
} from "../../../cli/accuracy/network-tables.ts";
import { curveNs } from "../../network/collectives/collective-curve.ts";
import { collectiveModel } from "../../network/collectives/collective-model.ts";
import { startCurve } from "../../network/collectives/start-curves.ts";
import type { MeasuredTable } from "../../operator/measured-table.ts";
import { collectiveSets } from "./collective-set.ts";
import { scoreRatioRamp, scoreRingConstants } from "./score-bus-ratios.ts";
import { heldOutPairs, scoreCollectives } from "./score-collectives.ts";
import { scoreDispatch } from "./score-dispatch.ts";
import { scoreNcclTests } from "./score-nccl-tests.ts";
import { scorePublishedDeepep } from "./score-published-deepep.ts";
import { fitPath, scoreKvTransfers, scoreTransferRates } from "./score-transfers.ts";

const SHARED = dataFolder("../shared/data");
const there = SHARED.has("aiconfigurator-ops");

/** A table made with known constants; `bend` multiplies the times of 8 ranks. */
function madeTable(bend: number): MeasuredTable {
  const curve = startCurve("nccl", "all-reduce", true);
  const rows = [2, 4, 8].flatMap((ranks) =>
    Array.from({ length: 18 }, (_, i) => {
      const query = { op: "collective", kind: "all-reduce", bytes: 512 * 2 ** i, ranks, ranksPerNode: ranks } as const;
      return { query, ns: curveNs(curve, 450, query) * (ranks === 8 ? bend : 1), row: 0, variant: "NCCL half" };
    }),
  );
  return { file: "h100_sxm/comm/nccl/2.29.2/nccl_perf.parquet", device: "", engine: "TRTLLM 2.29.2", rows, skipped: {} };
}

describe("scores of the network models", () => {
  it("see what was held out only through the rest: a made fault of the held-out ranks is not learnt", () => {
    const errors = (bend: number) => {
      const [set] = collectiveSets([madeTable(bend)]).sets;
      return heldOutPairs(set!, "ranks")
        .slice(-18)
        .map(({ predicted, measured }) => predicted / measured);
    };
    for (const ratio of errors(1)) expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
    for (const ratio of errors(3)) expect(Math.abs(3 * ratio - 1)).toBeLessThan(0.1);
  });

  it("leave out tables whose rows tell of another version, unknown systems and int8, and count them", () => {
    const table = madeTable(1);
    const copy = { ...table, engine: "TRTLLM 2.30.0" };
    const unknown = { ...table, file: "mystery/comm/nccl/2.29.2/nccl_perf.parquet" };
    const int8 = { ...table, rows: table.rows.map((row) => ({ ...row, variant: "NCCL int8" })) };
    const { sets, excluded } = collectiveSets([copy, unknown, int8]);
    expect(sets).toEqual([]);
    expect(Object.values(excluded)).toEqual([54, 54, 54]);
  });

  it("leave out the warm-up outlier of nccl-tests by name, and nothing else", () => {
    const table = madeTable(1);
    const rows = table.rows.slice(36).map((row, i) => (i === 2 ? { ...row, ns: row.ns * 5 } : row));
    const score = scoreNcclTests({ ...table, rows }, collectiveModel(hgx("hopper")), "made");
    expect([score.points, score.excluded]).toEqual([17, { "warm-up: over twice the next larger size": 1 }]);
  });

  it("a path is fitted by relative errors", () => {
    const points = [1e6, 1e8, 1e10].map((bytes) => ({ bytes, ns: 5000 + bytes / 40 }));
    expect(fitPath(points).startNs).toBeCloseTo(5000, 3);
    expect(1 / fitPath(points).nsPerByte).toBeCloseTo(40, 6);
  });
});

describe.skipIf(!there)("on public tables", () => {
  it("collectives of H100: sizes and ranks held out together", async () => {
    const { sets } = collectiveSets(await collectiveTables(SHARED, "h100_sxm/comm/nccl/2.29.2"));
    const [all] = scoreCollectives(
      sets.filter(({ kind }) => kind === "all-gather" || kind === "reduce-scatter"),
      "sizes and ranks",
      {},
    ).slice(-1);
    expect(all!.points).toBeGreaterThan(60);
    expect(all!.meanError).toBeLessThan(0.12);
    expect(all!.coverage).toBeGreaterThan(0.85);
  });

  it("all-reduce of a DGX H100 from constants fitted elsewhere", () => {
    const score = scoreNcclTests(ncclTestsTable(SHARED), collectiveModel(hgx("hopper")), "8 x H100");
    expect(score.points).toBe(31);
    expect(score.meanError).toBeLessThan(0.1);
  });

  it("dispatch and combine: shapes and nodes held out, but not normal mode over 8 nodes of a network that was not measured", async () => {
    const all = scoreDispatch(await dispatchTables(SHARED));
    const measured = all.filter(({ protocol }) => protocol.startsWith("rate of the network"));
    expect(measured.map(({ points }) => points)).toEqual([92, 92]);
    for (const row of measured) expect(row.meanError, row.family).toBeLessThan(0.1);
    const rows = all.filter(({ protocol }) => protocol.includes("held out of the fit"));
    const far = rows.filter(({ family }) => family.endsWith("normal, 8 nodes"));
    expect(far.length).toBe(2);
    for (const row of rows) expect(row.meanError, `${row.device} ${row.family}`).toBeLessThan(far.includes(row) ? 0.35 : 0.1);
  });

  it("published figures of DeepEP, transfers and ratios", () => {
    const transfers = publishedTransfers(SHARED);
    const rows = [
      ...scorePublishedDeepep(publishedDeepep(SHARED)),
      scoreKvTransfers(transfers),
      scoreTransferRates(transfers),
      scoreRatioRamp(busRatios(SHARED, "nic"), "cards"),
      scoreRatioRamp(busRatios(SHARED, "ata"), "all-to-all", "all-to-all"),
    ];
    for (const row of rows) expect(row.meanError, row.family).toBeLessThan(0.1);
    expect(scoreRingConstants(busRatios(SHARED, "nic"), hgx("hopper")).meanError).toBeLessThan(0.13);
  });
});
