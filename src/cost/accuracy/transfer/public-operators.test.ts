// Goal: rows that a device cannot have produced are in no set, and are counted. Method: a made file in which one row is faster than the peak allows.
import { expect, it } from "vitest";
import { publicOperatorSets } from "./public-operators.ts";

const FILE = "vidur-profile/data/profiling/compute/a100/meta-llama/Llama-2-7b-hf/mlp.csv";
const TIMED = ["attn_pre_proj", "attn_post_proj", "mlp_up_proj", "mlp_down_proj", "add"].map((name) => `time_stats.${name}.median`);
const SIZES = ["n_head", "n_kv_head", "n_embd", "n_expanded_embd", "num_tokens", "num_tensor_parallel_workers"];

/** 8,192 tokens of Llama-2-7B: 0.8 TFLOP up, 0.77 of it down; times in ms. */
function file(upMs: number): string {
  return `${[...TIMED, ...SIZES].join(",")}\n6,2,${upMs},4,0.5,32,32,4096,11008,8192,1\n`;
}

async function setOf(upMs: number) {
  const sets = await publicOperatorSets({ has: (path) => path === FILE, text: () => file(upMs), bytes: () => new Uint8Array() }, 10);
  expect(sets).toHaveLength(1);
  return sets[0]!;
}

it("keeps rows that the device can have produced", async () => {
  const { rows, impossible } = await setOf(8);
  expect(rows).toHaveLength(5);
  expect(impossible).toEqual({ "product half": {}, stream: {} });
});

it("leaves out and counts a product faster than the peak of the device", async () => {
  const { rows, impossible } = await setOf(0.01);
  expect(rows).toHaveLength(4);
  expect(rows.some(({ query }) => query.op === "product" && query.n === 22_016)).toBe(false);
  expect(impossible?.["product half"]).toEqual({ "faster-than-peak": 1 });
});
