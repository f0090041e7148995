/**
 * Goal: rows of the sample are read as they are, cuts that cannot be are corrected or named, and campaigns that contradict others are found.
 * Method: a few rows in the sample's form, one planted fault each; the folds are recomputed; with the shared data also its counts.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { readSilicon } from "./read-silicon.ts";
import { contradictingCampaigns, contradictingRows } from "./silicon-campaigns.ts";
import { siliconCut, siliconLoopFault } from "./silicon-faults.ts";
import { FOLD_COUNT, SILICON_FOLDS } from "./silicon-folds.ts";
import { siliconFormats } from "./silicon-formats.ts";
import { type SiliconRow, siliconGroup } from "./silicon-row.ts";
import { siliconSpeculation } from "./silicon-speculation.ts";

const COLUMNS =
  "id,silicon_data_source,backend,backend_version,model_path,system,precision,mode,isl,osl,gemm_quant_mode,moe_quant_mode,batch_size,tp_size,pp_size,attention_dp_size,moe_tp_size,moe_ep_size,prefill_batch_size,prefill_num_workers,prefill_tp_size,prefill_pp_size,prefill_attention_dp_size,prefill_moe_tp_size,prefill_moe_ep_size,decode_batch_size,decode_num_workers,decode_tp_size,decode_pp_size,decode_attention_dp_size,decode_moe_tp_size,decode_moe_ep_size,silicon_ttft_ms,silicon_tpot_ms".split(
    ",",
  );
const ROW: Readonly<Record<string, string>> = {
  id: "a",
  silicon_data_source: "source_file=2026-04-06.csv; silicon_concurrency=16; measured=2026-02-05T00:00:00Z",
  backend: "trtllm",
  backend_version: "1",
  model_path: "deepseek-ai/DeepSeek-R1",
  system: "b200_sxm",
  mode: "agg",
  isl: "1024",
  osl: "1024",
  gemm_quant_mode: "fp8",
  moe_quant_mode: "fp8",
  batch_size: "16",
  tp_size: "8",
  pp_size: "1",
  attention_dp_size: "1",
  moe_tp_size: "8",
  moe_ep_size: "1",
  silicon_ttft_ms: "200",
  silicon_tpot_ms: "20",
};

function sample(...changes: readonly Readonly<Record<string, string>>[]): string {
  const rows = changes.map((change) => COLUMNS.map((column) => ({ ...ROW, ...change })[column] ?? "").join(","));
  return [COLUMNS.join(","), ...rows].join("\n");
}

function one(change: Readonly<Record<string, string>> = {}): SiliconRow {
  return readSilicon(sample(change)).rows[0]!;
}

describe("a row", () => {
  test("has model, device, clients, day and both times", () => {
    const row = one();
    expect([row.model, row.device, row.clients, row.measured, row.ttftMs, row.tpotMs]).toEqual([
      "DeepSeek-V3",
      "b200-sxm",
      16,
      "2026-02-05",
      200,
      20,
    ]);
    expect(siliconGroup(row)).toBe("DeepSeek-V3 b200_sxm trtllm");
  });

  test("without a batch size has no side", () => expect(one({ batch_size: "" }).whole).toBeUndefined());

  test("that repeats a measurement is counted and dropped", () => {
    const { rows, duplicates } = readSilicon(sample({}, { id: "b" }, { id: "c", silicon_tpot_ms: "21" }));
    expect([rows.map(({ id }) => id).join(), duplicates]).toEqual(["a,c", 1]);
  });

  test("that repeats one to two decimals is dropped too; another run that is as near in one time alone is not", () => {
    const full = { silicon_ttft_ms: "307.7921", silicon_tpot_ms: "10.0773" };
    const { rows, duplicates } = readSilicon(
      sample(full, { id: "b", silicon_ttft_ms: "307.79", silicon_tpot_ms: "10.08" }, { ...full, id: "c", silicon_tpot_ms: "10.09" }),
    );
    expect([rows.map(({ id }) => id).join(), duplicates]).toEqual(["a,c", 1]);
  });

  it.each([
    ["isl", "many", /line 2.*isl/],
    ["tp_size", "2.5", /not a count/],
    ["model_path", "someone/unknown", /no architecture/],
    ["system", "abacus", /no device/],
    ["backend", "mystery", /no engine/],
  ])("with a wrong %s is an error with its place", (column, value, message) => {
    expect(() => readSilicon(sample({ [column]: value }))).toThrow(message);
  });
});

describe("cuts", () => {
  const cut = (change: Readonly<Record<string, string>>): unknown => {
    const row = one(change);
    return siliconCut(row, row.whole!);
  };
  test("a tensor degree times the expert degree is divided", () => {
    expect(cut({ tp_size: "64", moe_tp_size: "8", moe_ep_size: "8" })).toEqual({
      cut: { tensor: 8, pipeline: 1, data: 1, expert: 8, context: 1 },
      corrected: true,
    });
  });
  test("so is an attention-data degree", () => {
    expect(cut({ tp_size: "1", attention_dp_size: "16", moe_tp_size: "4", moe_ep_size: "4" })).toEqual({
      cut: { tensor: 1, pipeline: 1, data: 4, expert: 4, context: 1 },
      corrected: true,
    });
  });
  test("other dumps are taken at their word", () => {
    const source = { silicon_data_source: "source_file=h100_sxm/x.csv; silicon_concurrency=4" };
    expect(cut({ ...source, tp_size: "4", moe_tp_size: "2", moe_ep_size: "2" })).toMatchObject({
      cut: { tensor: 4, expert: 2 },
      corrected: false,
    });
  });
  test("experts cut by columns over more devices than a server's are whole ones on their ranks", () => {
    const side = { batch: 1, workers: 1, tensor: 1, pipeline: 1, data: 32, expertTensor: 32, expert: 1 };
    const row = { ...one({}), mode: "disagg" } as const;
    expect(siliconCut(row, side)).toMatchObject({ cut: { data: 32, expert: 32 } });
    expect(siliconCut(row, { ...side, data: 8, expertTensor: 8 })).toMatchObject({ cut: { data: 8, expert: 1 } });
  });
  describe("of SGLang on the GB200 are those of its scripts", () => {
    const side = (data: number): NonNullable<SiliconRow["decode"]> => ({
      ...{ batch: 1, workers: 1, tensor: 1, pipeline: 1, data, expertTensor: data, expert: 1 },
    });
    const row = (decode: number, change: Partial<SiliconRow> = {}): SiliconRow => ({
      ...{ ...one({}), mode: "disagg", engine: "sglang", device: "gb200", measured: "2025-12-21", decode: side(decode) },
      ...change,
    });
    const cutOf = (of: SiliconRow, data: number): unknown => siliconCut(of, side(data));
    test("on one tray: a tensor group, of prompts too", () => {
      expect(cutOf(row(4), 4)).toMatchObject({ cut: { tensor: 4, data: 1, expert: 1 } });
    });
    test("on more: an expert group over all ranks, beside which prompts' trays are no tensor groups", () => {
      expect(cutOf(row(32), 32)).toMatchObject({ cut: { tensor: 1, data: 32, expert: 32 } });
      expect(cutOf(row(32), 4)).toMatchObject({ cut: { tensor: 1, data: 4, expert: 4 } });
    });
    test.each([{ measured: "2026-02-08" }, { engine: "trtllm" as const }, { device: "gb300" }])("not with %j", (change) => {
      expect(cutOf(row(4, change), 4)).toMatchObject({ cut: { tensor: 1, data: 4, expert: 1 } });
    });
  });
  test("a tensor group beyond a server is impossible", () =>
    expect(cut({ tp_size: "36", moe_tp_size: "36" })).toEqual({ impossible: "a tensor group of 36 devices" }));
});

describe("closed loops", () => {
  const fault = (clients: number | undefined, batch: number, data = 1): string | undefined => {
    const row = one({});
    return siliconLoopFault({ ...row, clients }, { ...row.whole!, batch, data }, { tensor: 8, pipeline: 1, data, expert: 1, context: 1 });
  };
  test("are known where clients are batch times ranks, of the file or of the corrected cut", () => {
    expect([fault(64, 64), fault(64, 8, 8)]).toEqual([undefined, undefined]);
  });
  test("are not where the row states no clients", () => expect(fault(undefined, 64)).toBe("no number of clients"));
  test("are not where others are on replicas that the row does not name", () => expect(fault(448, 14)).toMatch(/replicas or ranks/));
});

test("formats: 4-bit checkpoints of these mixtures leave attention in 16 bits; what is not stated says so", () => {
  expect(siliconFormats(one({ gemm_quant_mode: "nvfp4", moe_quant_mode: "nvfp4" }))?.formats).toMatchObject({
    weights: "bf16",
    experts: "f4e2m1",
  });
  expect(siliconFormats(one())?.formats).toMatchObject({ weights: "f8e4m3", blockScaled: true });
  expect(siliconFormats(one({ gemm_quant_mode: "", moe_quant_mode: "" }))).toEqual({
    formats: { weights: "bf16", kv: "bf16" },
    stated: false,
  });
  expect(siliconFormats(one({ gemm_quant_mode: "int3" }))).toBeUndefined();
});

describe("campaigns", () => {
  const day = (date: string): string => ROW["silicon_data_source"]!.replace("2026-02-05", date);
  const pair = (quicker: number): readonly SiliconRow[] =>
    readSilicon(
      sample(
        ...["1024", "8192"].flatMap((osl) => [
          { id: `slow ${osl}`, osl, silicon_data_source: day("2026-01-01") },
          { id: `quick ${osl}`, osl, silicon_data_source: day("2026-02-06"), silicon_tpot_ms: String(20 * quicker) },
        ]),
      ),
    ).rows;
  it("is named where it is much quicker at equal configurations", () =>
    expect([...contradictingCampaigns(pair(0.5))]).toEqual(["DeepSeek-V3 trtllm 1 2026-02-06"]));
  it("is not where the difference is one of repeats", () => expect(contradictingCampaigns(pair(0.9)).size).toBe(0));
  it("rows of one campaign that are much quicker than others of their configuration are found one by one", () => {
    const { rows } = readSilicon(sample({}, { id: "b", silicon_tpot_ms: "15" }, { id: "c", silicon_tpot_ms: "18" }));
    expect([...contradictingRows(rows)]).toEqual(["b"]);
    expect([...contradictingRows(pair(0.5))].length).toBe(2);
  });
  it("is not for a single pair", () => expect(contradictingCampaigns(pair(0.5).slice(0, 2)).size).toBe(0));
});

describe("entries that draft tokens", () => {
  const day = (date: string): string => ROW["silicon_data_source"]!.replace("2026-02-05", date).replace("=16", "=4");
  const sglang = { backend: "sglang", backend_version: "0.5.9", silicon_data_source: day("2026-03-25"), batch_size: "4" };
  const many = { ...sglang, silicon_data_source: sglang.silicon_data_source.replace("=4", "=128"), batch_size: "128" };
  const qwen = { ...sglang, model_path: "Qwen/Qwen3.5-397B-A17B", system: "b300_sxm", tp_size: "4", moe_tp_size: "4" };
  it.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ["an image of theirs", { backend_version: "1.2.0rc6.post3" }, "on"],
    ["another image", { backend_version: "1.2.0rc6.post2" }, "not said"],
    ["clients of both entries", sglang, "either"],
    ["clients of theirs alone", many, "on"],
    [
      "as many before there was one",
      { ...many, silicon_data_source: many.silicon_data_source.replace("2026-03-25", "2025-12-31") },
      "not said",
    ],
    ["a cut of theirs alone", qwen, "on"],
    ["the same later", { ...qwen, silicon_data_source: day("2026-04-17") }, "not said"],
    ["experts on ranks", { ...qwen, moe_tp_size: "1", moe_ep_size: "4" }, "not said"],
  ])("are told by %s", (_name, change, said) => expect(siliconSpeculation(one(change))).toBe(said));

  it("set rows apart that are quicker by more than repeats, where an entry without drafts too has the configuration", () => {
    const rows = (change: Readonly<Record<string, string>>): readonly SiliconRow[] =>
      readSilicon(sample(change, { ...change, id: "b", silicon_tpot_ms: "18" })).rows;
    expect([...contradictingRows(rows(sglang))]).toEqual(["b"]);
    expect([...contradictingRows(rows({}))]).toEqual([]);
    expect([...contradictingRows(rows(many))]).toEqual(["a", "b"]);
  });
});

test("folds are the hashes of the groups' names", () => {
  for (const [group, fold] of Object.entries(SILICON_FOLDS)) {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(group)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    expect(hash % FOLD_COUNT, group).toBe(fold);
  }
});

const SHARED = "../shared/data/aiconfigurator-silicon/silicon_sample.csv";

describe.skipIf(!existsSync(SHARED))("the public sample", () => {
  const { rows } = existsSync(SHARED) ? readSilicon(readFileSync(SHARED, "utf8")) : { rows: [] };
  it("has 2,687 rows of 2,551 measurements in the 32 groups of the folds", () => {
    const { rows: kept, duplicates } = readSilicon(readFileSync(SHARED, "utf8"));
    expect([kept.length, duplicates]).toEqual([2551, 136]);
    expect([...new Set(rows.map(siliconGroup))].sort()).toEqual(Object.keys(SILICON_FOLDS).sort());
  });
  it("has 143 cuts of more than 8 devices in servers of 8, all corrected, and 55 totals of racks, all left out", () => {
    const cuts = rows.flatMap((row) =>
      row.mode === "agg" && row.whole ? [{ row, side: row.whole, cut: siliconCut(row, row.whole) }] : [],
    );
    const beyond = cuts.filter(({ side }) => side.tensor * side.data * side.pipeline > 8);
    const [servers, racks] = [false, true].map((rack) => beyond.filter(({ row }) => row.system.startsWith("gb") === rack));
    expect([servers!.length, servers!.every(({ cut }) => "cut" in cut && cut.corrected)]).toEqual([143, true]);
    expect([racks!.length, racks!.every(({ cut }) => "impossible" in cut)]).toEqual([55, true]);
  });
  it("has 12 aggregated rows without clients, and 30 whose clients are on replicas or ranks they do not name", () => {
    const faults = rows.flatMap((row) => {
      const cut = row.mode === "agg" && row.whole ? siliconCut(row, row.whole) : undefined;
      return cut !== undefined && "cut" in cut ? [siliconLoopFault(row, row.whole!, cut.cut)?.split(":")[0] ?? "known"] : [];
    });
    const counts = ["no number of clients", "clients are not batch times ranks"].map((of) => faults.filter((fault) => fault === of).length);
    expect(counts).toEqual([12, 30]);
  });
  it("has three campaigns that contradict others, all of DeepSeek on TensorRT-LLM", () => {
    expect([...contradictingCampaigns(rows)].map((name) => name.split(" ").slice(0, 2).join(" "))).toEqual(
      Array(3).fill("DeepSeek-V3 trtllm"),
    );
  });
});
