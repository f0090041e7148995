// Goal: Vidur's profiles are read with their units, their products with the shapes the model's sizes give, and a bad one is one error that says where.
// Method: small files, and the public ones where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { plausibleRows } from "../../operator/plausible-rows.ts";
import { readLayerProfile } from "./read-layer-profile.ts";
import { readNetworkProfile } from "./read-network-profile.ts";

const SHARED = "../shared/data/vidur-profile/data/profiling";
const ORIGIN = { device: "A100", engine: "vidur" };
const HEADER = "time_stats.mlp_up_proj.median,time_stats.add.median,n_head,n_kv_head,n_embd,n_expanded_embd,use_gated_mlp,num_tokens";
const MLP = `${HEADER},num_tensor_parallel_workers\n0.5,0.002,64,8,8192,28672,True,128,4\n`;
const ALL_REDUCE = ",time_stats.all_reduce.median,num_workers,size,devices_per_node\n0,0.043,16,2048,8\n";

function fault(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
    throw thrown;
  }
  return "no error";
}

describe("Vidur's profiles", () => {
  it("of layers have every operator, and products with their sharded shapes", () => {
    const { times, products } = readLayerProfile(MLP, "mlp.csv", ORIGIN);
    expect(times).toEqual([
      { operator: "mlp_up_proj", tokens: 128, tensorRanks: 4, ns: 500_000, line: 2 },
      { operator: "add", tokens: 128, tensorRanks: 4, ns: 2000, line: 2 },
    ]);
    expect(products.rows).toEqual([{ query: { op: "product", m: 128, n: 14336, k: 8192, type: "f16" }, ns: 500_000, row: 2 }]);
  });

  it("of networks say what lies in one node", () => {
    const { rows } = readNetworkProfile(ALL_REDUCE, "all_reduce.csv", ORIGIN);
    const query = { op: "collective", kind: "all-reduce", bytes: 2048, ranks: 16, ranksPerNode: 8 };
    expect(rows).toEqual([{ query, ns: 43_000, row: 2 }]);
    const sent = readNetworkProfile(ALL_REDUCE.replace("all_reduce", "send_recv").replace("16,2048,8", "2,64,1"), "s.csv", ORIGIN);
    expect(sent.rows[0]!.query).toEqual({ op: "point-to-point", bytes: 64, sameNode: false });
  });

  it("name what is wrong", () => {
    expect(fault(() => readLayerProfile(MLP.replace("0.5,", "soon,"), "x/mlp.csv", ORIGIN))).toContain(
      "x/mlp.csv, line 2, column time_stats.mlp_up_proj.median",
    );
    expect(fault(() => readLayerProfile("a,b\n1,2\n", "x/mlp.csv", ORIGIN))).toContain("time_stats.<operator>.median");
    expect(fault(() => readNetworkProfile(ALL_REDUCE.replace("16,", "0,"), "x.csv", ORIGIN))).toContain("column num_workers");
  });

  it.skipIf(!existsSync(SHARED))("are read whole from the public ones, all of it possible on an A100", () => {
    const text = readFileSync(`${SHARED}/compute/a100/meta-llama/Llama-2-70b-hf/mlp.csv`, "utf8");
    const { times, products } = readLayerProfile(text, "mlp.csv", ORIGIN);
    expect(times.length).toBe((text.trimEnd().split("\n").length - 1) * 10);
    expect(products.rows.length).toBe((times.length * 4) / 10);
    const { counts } = plausibleRows(products, deviceSheet("a100"));
    expect([counts["faster-than-peak"], counts["faster-than-memory"]]).toEqual([0, 0]);
    const network = readNetworkProfile(readFileSync(`${SHARED}/network/a100_dgx/all_reduce.csv`, "utf8"), "all_reduce.csv", ORIGIN);
    expect(network.rows.length).toBe(6958);
  });
});
