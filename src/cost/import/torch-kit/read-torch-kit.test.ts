import { describe, expect, it } from "vitest";
import { toHeddleError } from "../../../base/heddle-error.ts";
import { readTorchKit } from "./read-torch-kit.ts";

const times = { spread: 0.02, runs: 11 };
const product = (m: number, ns: number) => ({ query: { op: "product", m, n: 4096, k: 4096, type: "bf16" }, ns, ...times });
const KIT = {
  form: "heddle-torch-kit",
  version: 1,
  device: {
    name: "NVIDIA H100 80GB HBM3",
    backend: "cuda",
    count: 1,
    memoryBytes: 85_000_000_000,
    torch: "2.6.0",
    runtime: "12.4",
    threads: 0,
  },
  catalogueId: "",
  quick: true,
  seconds: 61.5,
  rows: [
    product(16, 20_000),
    product(4096, 180_000),
    {
      query: {
        op: "prefill-attention",
        batch: 1,
        tokens: 4096,
        context: 0,
        heads: 32,
        kvHeads: 8,
        headDim: 128,
        window: 0,
        type: "bf16",
        kvType: "bf16",
      },
      ns: 300_000,
      ...times,
    },
    {
      query: { op: "decode-attention", batch: 64, context: 1024, heads: 32, kvHeads: 8, headDim: 128, window: 0, kvType: "bf16" },
      ns: 120_000,
      ...times,
    },
    { query: { op: "stream", bytes: 268_435_456 }, ns: 100_000, ...times },
    { query: { op: "collective", kind: "all-reduce", bytes: 1_048_576, ranks: 8, ranksPerNode: 8 }, ns: 40_000, ...times },
  ],
  transfers: [{ from: "host", to: "device", bytes: 65_536, ns: 9000, ...times }],
  skipped: { "budget of seconds used up": 3 },
};

function failure(change: object | string): { readonly code: string; readonly message: string } {
  try {
    readTorchKit(typeof change === "string" ? change : JSON.stringify({ ...KIT, ...change }), "mine.json");
  } catch (thrown) {
    return toHeddleError(thrown);
  }
  throw new Error("the file was read");
}

describe("files of the PyTorch kit", () => {
  it("are tables of operators, held against the sheet of the device their driver names", () => {
    const { table, sheet, filtered } = readTorchKit(JSON.stringify(KIT), "mine.json");
    expect(table.rows.map(({ query }) => query.op)).toEqual([
      "product",
      "product",
      "prefill-attention",
      "decode-attention",
      "stream",
      "collective",
    ]);
    expect(table.engine).toBe("PyTorch 2.6.0");
    expect(table.skipped).toEqual(KIT.skipped);
    expect(sheet?.id).toBe("h100-sxm");
    expect(filtered?.rejected).toEqual([]);
  });

  it("lose the rows a device cannot have done, by number", () => {
    // 137 GFLOP in 50 us are 2.7 PFLOP/s; in 180 us they are 0.76.
    const { filtered } = readTorchKit(
      JSON.stringify({ ...KIT, rows: [...KIT.rows, product(4096, 50_000), product(16, 20_000)] }),
      "mine.json",
    );
    expect(filtered?.rejected.map(({ row, fault }) => [row, fault])).toEqual([
      [7, "faster-than-peak"],
      [8, "copy"],
    ]);
    expect(filtered?.table.rows.length).toBe(KIT.rows.length);
  });

  it("are kept whole where the device is not known, and held against the one the user names", () => {
    const unknown = { ...KIT, device: { ...KIT.device, name: "Acme 9000" } };
    expect(readTorchKit(JSON.stringify(unknown), "x").filtered).toBeUndefined();
    expect(readTorchKit(JSON.stringify({ ...unknown, catalogueId: "mi300x" }), "x").sheet?.id).toBe("mi300x");
    const apart = ["NVIDIA GB200", "NVIDIA B200", "NVIDIA A100-SXM4-40GB", "NVIDIA L40S", "NVIDIA L4", "AMD Instinct MI300X"].map(
      (name) => readTorchKit(JSON.stringify({ ...KIT, device: { ...KIT.device, name } }), "x").sheet?.id,
    );
    expect(apart).toEqual(["gb200", "b200-sxm", "a100-sxm-40", "l40s", "l4", "mi300x"]);
  });

  const faults: readonly [string, object | string, RegExp][] = [
    ["no JSON", "{", /no JSON/],
    ["another form", { form: "x" }, /form\): must be heddle-torch-kit/],
    ["another version", { version: 2 }, /version\): must be 1/],
    ["no rows", { rows: [] }, /rows\): holds no measured operator/],
    ["a time of 0", { rows: [product(1, 0)] }, /rows\[0\].ns/],
    ["a time that is no number", { rows: [{ ...product(1, 5), ns: null }] }, /rows\[0\].ns/],
    ["an operator there is not", { rows: [{ query: { op: "fft" }, ns: 1, ...times }] }, /rows\[0\].query.op/],
    ["a size of 0", { rows: [product(0, 100)] }, /rows\[0\].query.m/],
    ["a field there is not", { surprise: 1 }, /surprise\): there is no such field/],
    ["an id there is not", { catalogueId: "h1000" }, /catalogueId\): the catalogue has no device h1000/],
  ];

  it.each(faults)("are refused with their field: %s", (_fault, change, expected) => {
    const error = failure(change);
    expect(error.code).toBe("measurements-invalid");
    expect(error.message).toMatch(expected);
  });
});
