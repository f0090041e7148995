import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { dequantiseAll } from "../decoder/dequantise.ts";
import { FORMAT_LAYOUTS, rowBytes, rowsAndColumns } from "../decoder/formats.ts";
import type { DecoderSpec } from "../decoder/spec.ts";
import type { WeightSource, WeightTensor } from "../decoder/weights.ts";

/** A rank of a gang of `size`. */
export interface Rank {
  readonly rank: number;
  readonly size: number;
}

/** Why a decoder cannot be split over so many ranks. */
export interface CannotShard {
  readonly code: "cannot-shard";
  readonly what: "query heads" | "key and value heads" | "feed-forward columns";
  readonly count: number;
  readonly ranks: number;
}

/** What of a tensor a rank holds: whole rows one after another, columns of every row, elements of a vector, or all of it. */
type Cut = "rows" | "columns" | "elements" | "whole";

const CUTS: Readonly<Record<string, Cut>> = {
  ...{ q: "rows", k: "rows", v: "rows", gate: "rows", up: "rows" },
  ...{ o: "columns", down: "columns" },
  ...{ "q-bias": "elements", "k-bias": "elements", "v-bias": "elements" },
};

/**
 * The arithmetic of one rank: its heads and its columns of the feed-forward network; the residual stream is whole.
 *
 * Errors: `cannot-shard` names what does not divide.
 */
export function shardSpec(spec: DecoderSpec, size: number): Result<DecoderSpec, CannotShard> {
  assert(Number.isInteger(size) && size >= 1, "a gang has a whole number of ranks", { size });
  const { heads, kvHeads, feedForward } = spec;
  const parts = [
    ["query heads", heads],
    ["key and value heads", kvHeads],
    ["feed-forward columns", feedForward],
  ] as const;
  for (const [what, count] of parts) if (count % size !== 0) return err({ code: "cannot-shard", what, count, ranks: size });
  return ok({ ...spec, heads: heads / size, kvHeads: kvHeads / size, feedForward: feedForward / size });
}

/**
 * The weights of one rank under the names of the whole model's.
 *
 * Model: queries, keys, values, gate and up are cut by rows, which lie one after another: views of the file's bytes. The products that close a
 * block are cut by columns: the blocks of their rows are copied as they are, or dequantised where a cut goes through a block. Everything else is whole.
 */
export function shardWeights(weights: WeightSource, at: Rank): WeightSource {
  const cutOf = (name: string): Cut => CUTS[name.replace(/^layers\.\d+\./, "")] ?? "whole";
  return {
    tensors: new Map([...weights.tensors].map(([name, tensor]) => [name, { ...tensor, shape: shardShape(tensor.shape, cutOf(name), at) }])),
    read: (name) => shardTensor(weights.read(name), cutOf(name), at),
  };
}

function shardShape(shape: readonly number[], cut: Cut, { size }: Rank): readonly number[] {
  const { rows, columns } = rowsAndColumns(shape);
  if (cut === "whole") return shape;
  if (cut === "rows") return [divided(rows, size), columns];
  if (cut === "columns") return [rows, divided(columns, size)];
  return [divided(columns, size)];
}

function shardTensor(tensor: WeightTensor, cut: Cut, at: Rank): WeightTensor {
  if (cut === "whole") return tensor;
  const shape = shardShape(tensor.shape, cut, at);
  if (cut === "columns") return columnsOf(tensor, shape, at);
  // A vector's elements, like a matrix's rows, follow one another.
  const bytes = divided(tensor.data.byteLength, at.size);
  return { ...tensor, shape, data: tensor.data.subarray(at.rank * bytes, (at.rank + 1) * bytes) };
}

function columnsOf(tensor: WeightTensor, shape: readonly number[], at: Rank): WeightTensor {
  const { rows, columns } = rowsAndColumns(shape);
  if (columns % FORMAT_LAYOUTS[tensor.format].blockElements !== 0) {
    const floats = new Uint8Array(dequantiseAll(tensor).buffer);
    return { ...tensor, format: "F32", shape, data: stripes(floats, { rows, bytes: columns * Float32Array.BYTES_PER_ELEMENT }, at) };
  }
  const bytes = rowBytes(tensor.format, columns);
  assert(bytes !== undefined, "blocks divide a row", shape);
  return { ...tensor, shape, data: stripes(tensor.data, { rows, bytes }, at) };
}

/** Of every row the rank's `bytes` of it, one row after another. */
function stripes(data: Uint8Array, { rows, bytes }: { readonly rows: number; readonly bytes: number }, { rank, size }: Rank): Uint8Array {
  const out = new Uint8Array(rows * bytes);
  for (let row = 0; row < rows; row++) {
    const from = (row * size + rank) * bytes;
    out.set(data.subarray(from, from + bytes), row * bytes);
  }
  return out;
}

function divided(count: number, size: number): number {
  assert(count % size === 0, "what is cut divides by the ranks", { count, size });
  return count / size;
}
