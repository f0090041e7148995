// Goal: what memory has room for and what kernels read are one figure for every format. Method: weights of one product a layer, counted by both.
import { describe, expect, it } from "vitest";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { ELEMENT_BYTES } from "../../graph/ir/graph.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import { ONE_DEVICE } from "../iteration/cut.ts";
import { type DecoderBlocks, decoderBlocks } from "../iteration/decoder-blocks.ts";
import { sequenceBytes } from "../iteration/kv-bytes.ts";
import { decoderParameters, weightBytes } from "../iteration/weight-bytes.ts";
import { decodeWork, productWork } from "./operator-work.ts";

const TYPES: readonly PeakType[] = ["f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];
const LLAMA = mustBlocks("Llama-3.1-8B");

function mustBlocks(name: string): DecoderBlocks {
  const found = decoderBlocks(must(knownArchitecture(name), name));
  if (!found.ok) throw new Error(found.error.code);
  return found.value;
}

describe("bytes of an element", () => {
  it.each(TYPES)("%s: memory holds what products and attention read", (type) => {
    const held =
      (weightBytes(LLAMA, ONE_DEVICE, { weights: type, kv: "bf16" }) - 2 * decoderParameters(LLAMA).plain) / decoderParameters(LLAMA).dense;
    const work = (n: number) => productWork({ op: "product", m: 1, n, k: 4096, type: "bf16", weightType: type }).bytes;
    const outputs = 4096 * 2;
    expect(held).toBeCloseTo((work(8192) - work(4096) - outputs) / 4096 / 4096, 12);
    const kv = (context: number) =>
      decodeWork({ op: "decode-attention", batch: 1, context, heads: 32, kvHeads: 8, headDim: 128, window: 0, kvType: type }).bytes;
    expect(sequenceBytes(LLAMA, ONE_DEVICE, { weights: "bf16", kv: type }).perToken).toBeCloseTo(32 * (kv(2) - kv(1)), 6);
  });

  it("holds scales on top of a file's payload where a format has them, and nothing else", () => {
    for (const type of TYPES) {
      const scales =
        weightBytes(LLAMA, ONE_DEVICE, { weights: type, kv: "bf16" }) -
        2 * decoderParameters(LLAMA).plain -
        decoderParameters(LLAMA).dense * ELEMENT_BYTES[type];
      expect(scales / decoderParameters(LLAMA).dense, type).toBeCloseTo(type === "f4e2m1" ? 1 / 16 : type === "i4" ? 2 / 128 : 0, 9);
    }
  });
});
