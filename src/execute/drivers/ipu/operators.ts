import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { must } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import type { Operator } from "../../../graph/ir/graph.ts";
import { blockOf, WHOLE_ROW } from "../../../graph/program/state-operators.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { bytesView, elementsOf, tensorIn } from "../../device/tensor-arrays.ts";
import { combineRows, dispatchOrder } from "./experts.ts";
import { type Blocks, dequantizeFp8, dequantizeInt8, quantizeFp8, quantizeInt8 } from "./quantise.ts";
import { packRows, type Rows, unpackRows } from "./rows.ts";

type Kernel = (operator: Operator, inputs: readonly HostTensor[]) => readonly HostTensor[];

/** Kernels of `heddle.state`; types and numbers of inputs were checked when the program was made, sizes are checked here. */
export const STATE_KERNELS: Readonly<Record<string, Kernel>> = {
  Pack: (_operator, [source, index]) => {
    const { type, dims } = source!;
    return [tensorIn(type, [index!.dims[0]!, ...dims.slice(1)], packRows(rowsOf(source!), index!.data as Int32Array))];
  },
  Unpack: (operator, [target, rows, index]) => {
    needs(
      operator,
      rows!.dims[0] === index!.dims[0] && equal(rows!.dims.slice(1), target!.dims.slice(1)),
      "an index for each row of the target's width",
    );
    return [tensorIn(target!.type, target!.dims, unpackRows(rowsOf(target!), bytesView(rows!.data), index!.data as Int32Array))];
  },
  QuantizeInt8: (_operator, [x]) => {
    const { codes, scales } = quantizeInt8(x!.data as Float32Array, wholeRows(x!));
    return [
      { type: "i8", dims: x!.dims, data: codes },
      { type: "f32", dims: x!.dims.slice(0, -1), data: scales },
    ];
  },
  DequantizeInt8: (operator, [codes, scale]) => {
    needs(operator, equal(scale!.dims, codes!.dims.slice(0, -1)), "a scale for each row");
    return [
      { type: "f32", dims: codes!.dims, data: dequantizeInt8(codes!.data as Int8Array, scale!.data as Float32Array, wholeRows(codes!)) },
    ];
  },
  QuantizeFp8: (operator, [x]) => {
    const blocks = blocksOf(operator, x!);
    const { codes, scales } = quantizeFp8(x!.data as Float32Array, blocks);
    return [
      { type: "u8", dims: x!.dims, data: codes },
      { type: "f32", dims: [...x!.dims.slice(0, -1), perRow(operator, x!)], data: scales },
    ];
  },
  DequantizeFp8: (operator, [codes, scale]) => {
    needs(operator, equal(scale!.dims, [...codes!.dims.slice(0, -1), perRow(operator, codes!)]), "a scale for each block");
    const values = dequantizeFp8(codes!.data as Uint8Array, scale!.data as Float32Array, blocksOf(operator, codes!));
    return [{ type: "f32", dims: codes!.dims, data: values }];
  },
  Hash: ({ attributes }, [x]) => {
    const bytes = bytesView(x!.data);
    if (attributes["algorithm"] === "crc32") return [{ type: "u32", dims: [1], data: Uint32Array.of(crc32(bytes)) }];
    return [{ type: "u8", dims: [32], data: new Uint8Array(createHash("sha256").update(bytes).digest()) }];
  },
  Copy: (_operator, [x]) => [tensorIn(x!.type, x!.dims, bytesView(x!.data).slice())],
  Dispatch: (operator, [x, chosen]) => {
    needs(operator, x!.dims[0] === chosen!.dims[0], "a choice of experts for each row");
    const choices = chosen!.dims[1]!;
    const { order, counts } = dispatchOrder(chosen!.data as Int32Array, Number(operator.attributes["experts"]));
    const tokens = order.map((place) => Math.floor(place / choices));
    return [
      tensorIn(x!.type, [order.length, x!.dims[1]!], packRows(rowsOf(x!), tokens)),
      { type: "i32", dims: [counts.length], data: counts },
      { type: "i32", dims: [order.length], data: order },
    ];
  },
  Combine: (operator, [rows, order, weights]) => {
    const [tokens, choices] = [weights!.dims[0]!, weights!.dims[1]!];
    const width = rows!.dims[1]!;
    needs(
      operator,
      order!.dims[0] === tokens * choices && rows!.dims[0] === tokens * choices,
      "a row and a weight for each place of the order",
    );
    const parts = {
      rows: rows!.data as Float32Array,
      order: order!.data as Int32Array,
      weights: weights!.data as Float32Array,
      choices,
      width,
    };
    return [
      { type: "f32", dims: [tokens, width], data: tokens === 0 || choices === 0 ? new Float32Array(tokens * width) : combineRows(parts) },
    ];
  },
};

export function runOperator(operator: Operator, inputs: readonly HostTensor[]): readonly HostTensor[] {
  return must(STATE_KERNELS[operator.type], "an operator that is supported")(operator, inputs);
}

function rowsOf({ type, dims, data }: HostTensor): Rows {
  const bytes = bytesView(data);
  const width = elementsOf(dims.slice(1)) * data.BYTES_PER_ELEMENT;
  needs({ name: type }, dims.length > 0, "a tensor with rows");
  return { bytes, rowBytes: width };
}

function wholeRows({ dims }: HostTensor): Blocks {
  const width = dims.at(-1)!;
  return { width, block: Math.max(1, width) };
}

function blocksOf(operator: Operator, tensor: HostTensor): Blocks {
  const block = blockOf(operator);
  return block === WHOLE_ROW ? wholeRows(tensor) : { width: tensor.dims.at(-1)!, block };
}

function perRow(operator: Operator, { dims }: HostTensor): number {
  const block = blockOf(operator);
  return block === WHOLE_ROW ? 1 : Math.ceil(dims.at(-1)! / block);
}

function needs(operator: Pick<Operator, "name">, holds: boolean, what: string): void {
  if (!holds) throw new HeddleError("input-invalid", { where: operator.name, detail: `it wants ${what}` });
}

function equal(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((dim, i) => dim === right[i]);
}
