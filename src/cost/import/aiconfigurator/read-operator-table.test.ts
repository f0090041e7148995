// Goal: AIConfigurator's tables become operator queries with times in ns, and a bad file is one error that says where. Method: small tables written for
// the purpose, and the public ones where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parquetTable } from "../../../../test/support/parquet-table.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readLowLatencyDispatch, readNormalDispatch } from "./read-deepep-table.ts";
import { pathOrigin, readOperatorTable } from "./read-operator-table.ts";

const SHARED = "../shared/data/aiconfigurator-ops";

const ORIGIN = { framework: "VLLM", version: "0.19.0", device: "NVIDIA H100 80GB HBM3", kernel_source: "k" };
const GEMM = { ...ORIGIN, gemm_dtype: "fp8_block", m: 16, n: 1024, k: 2048, latency: 0.0125 };
const ATTENTION = {
  ...ORIGIN,
  batch_size: 4,
  isl: 512,
  num_heads: 32,
  num_key_value_heads: 8,
  head_dim: 128,
  attn_dtype: "bfloat16",
  kv_cache_dtype: "fp8",
  step: 0,
  latency: 0.25,
};
const EXPERTS = {
  ...ORIGIN,
  moe_dtype: "int4_wo",
  num_tokens: 64,
  hidden_size: 4096,
  inter_size: 14336,
  topk: 2,
  num_experts: 8,
  moe_tp_size: 1,
  moe_ep_size: 2,
  distribution: "power_law_1.2",
  latency: 0.5,
};

async function fault(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
    throw thrown;
  }
  return "no error";
}

const SPARSE = {
  ...ORIGIN,
  op_name: "dsa_context_module",
  model: "zai-org/GLM-5-FP8",
  num_heads: 8,
  batch_size: 2,
  isl: 1024,
  step: 4096,
  kv_cache_dtype: "fp8",
  gemm_type: "fp8_block",
  latency: 1.5,
};

describe("AIConfigurator tables", () => {
  it("of sparse attention know the model's indexer, and layers that share a choice", async () => {
    const shared = { ...SPARSE, op_name: "dsa_context_module_skip_indexer", model: "nvidia/GLM-5.2-NVFP4" };
    const rows = [SPARSE, shared, { ...SPARSE, model: "zai-org/GLM-6" }, { ...SPARSE, gemm_type: "int4_wo" }];
    const table = await readOperatorTable(parquetTable(rows), "x/dsa_context_module_perf.parquet");
    const sizes = { width: 6144, queryRank: 2048, kvRank: 512, plainDim: 192, rotatedDim: 64, valueDim: 256, chosen: 2048, indexDim: 128 };
    const query = { op: "sparse-attention", phase: "prefill", batch: 2, tokens: 1024, context: 4096, heads: 8, ...sizes } as const;
    const types = { type: "f8e4m3", blockScaled: true, kvType: "f8e4m3" } as const;
    expect(table.rows).toEqual([
      { query: { ...query, indexHeads: 32, ...types }, ns: 1_500_000, row: 1, variant: "k" },
      { query: { ...query, indexHeads: 0, ...types }, ns: 1_500_000, row: 2, variant: "k" },
    ]);
    expect(table.skipped).toEqual({ "the sizes of zai-org/GLM-6 are not known": 1, "a type is not known": 1 });
    const decodes = parquetTable([
      { ...SPARSE, isl: 1 },
      { ...SPARSE, isl: 2 },
    ]);
    const decode = await readOperatorTable(decodes, "x/dsa_generation_module_perf.parquet");
    expect(decode.rows).toMatchObject([{ query: { phase: "decode", context: 4097, tokens: 1 } }]);
    expect(decode.skipped).toEqual({ "decode of more than one token": 1 });
  });

  it("of products say type and scaling", async () => {
    const table = await readOperatorTable(parquetTable([GEMM, { ...GEMM, gemm_dtype: "int3" }]), "x/gemm_perf.parquet");
    expect(table).toMatchObject({ device: ORIGIN.device, engine: "VLLM 0.19.0", skipped: { "type int3 is not known": 1 } });
    expect(table.rows).toEqual([
      { query: { op: "product", m: 16, n: 1024, k: 2048, type: "f8e4m3", blockScaled: true }, ns: 12_500, row: 1 },
    ]);
  });

  it("of attention count the new token into the context of a decode, and know tables without windows", async () => {
    const bytes = parquetTable([{ ...ATTENTION, isl: 1, step: 127 }]);
    const shape = { batch: 4, heads: 32, kvHeads: 8, headDim: 128, window: 0, kvType: "f8e4m3" };
    const decode = await readOperatorTable(bytes, "generation_attention_perf.parquet");
    expect(decode.rows[0]!.query).toEqual({ op: "decode-attention", ...shape, context: 128 });
    const windowed = parquetTable([{ ...ATTENTION, window_size: 128 }]);
    const prefill = await readOperatorTable(windowed, "context_attention_perf.parquet");
    expect(prefill.rows[0]!.query).toEqual({ op: "prefill-attention", ...shape, window: 128, tokens: 512, context: 0, type: "bf16" });
  });

  it("of experts keep stored and computed types apart", async () => {
    const table = await readOperatorTable(parquetTable([EXPERTS]), "moe_perf.parquet");
    expect(table.rows[0]!.query).toMatchObject({
      type: "bf16",
      weightType: "i4",
      ranks: { tensor: 1, expert: 2 },
      load: { powerLaw: 1.2 },
    });
  });

  it("of collectives count elements in bytes", async () => {
    const row = { kernel_source: "NCCL", op_name: "all_gather", nccl_dtype: "half", num_gpus: 8, message_size: 1024, latency: 0.01 };
    const table = await readOperatorTable(parquetTable([row, { ...row, nccl_dtype: "int8" }]), "a/comm/nccl/2.23/nccl_perf.parquet");
    expect(table.rows.map(({ query, variant }) => [query.op === "collective" && query.bytes, variant])).toEqual([
      [2048, "NCCL half"],
      [1024, "NCCL int8"],
    ]);
    expect(pathOrigin(table.file)).toEqual({ system: "a", engine: "nccl", version: "2.23" });
  });

  it("are read from a Buffer that lies in a pool", async () => {
    const bytes = parquetTable([GEMM]);
    const pool = new Uint8Array(bytes.length + 16);
    pool.set(bytes, 16);
    const table = await readOperatorTable(Buffer.from(pool.buffer, 16, bytes.length), "x/gemm_perf.parquet");
    expect(table.rows.length).toBe(1);
  });

  it("name column and row of what is wrong", async () => {
    const read = (row: object) => fault(readOperatorTable(parquetTable([GEMM, { ...GEMM, ...row }]), "x/gemm_perf.parquet"));
    expect(await read({ m: 0 })).toContain("x/gemm_perf.parquet, row 2, column m");
    expect(await read({ m: 2.5 })).toContain("row 2, column m");
    const { n: _, ...without } = GEMM;
    expect(await fault(readOperatorTable(parquetTable([without]), "x/gemm_perf.parquet"))).toContain("column n");
    expect(await fault(readOperatorTable(new Uint8Array(40), "x/gemm_perf.parquet"))).toContain("no Parquet file");
    expect(await fault(readOperatorTable(parquetTable([GEMM]), "x/other.parquet"))).toContain("gemm_perf");
    const cut = parquetTable([GEMM]);
    cut.fill(0xff, 4, 60);
    expect(await fault(readOperatorTable(cut, "x/gemm_perf.parquet"))).toContain("x/gemm_perf.parquet");
  });

  it.skipIf(!existsSync(SHARED))("are read whole from the public ones", async () => {
    const bytes = (path: string) => readFileSync(`${SHARED}/${path}`);
    const read = (path: string) => readOperatorTable(bytes(path), path);
    const products = await read("a100_sxm/gemm/vllm/0.14.0/gemm_perf.parquet");
    expect([products.rows.length, products.skipped]).toEqual([9240, {}]);
    const latent = await read("b200_sxm/mla/vllm/0.19.0/mla_context_module_perf.parquet");
    expect([latent.rows.length, latent.skipped]).toEqual([8784, {}]);
    const collectives = await read("h100_sxm/comm/nccl/2.23/nccl_perf.parquet");
    expect([collectives.rows.length, collectives.skipped, collectives.device]).toEqual([342, {}, ""]);
    const folder = "h100_sxm/comm/sglang/0.5.12/wideep_deepep";
    expect((await readLowLatencyDispatch(bytes(`${folder}_ll_perf.parquet`), "ll")).length).toBe(176);
    expect((await readNormalDispatch(bytes(`${folder}_normal_perf.parquet`), "normal")).length).toBe(2484);
  });
});
