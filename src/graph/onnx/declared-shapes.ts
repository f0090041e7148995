import { add, constant, type Expression, subtract, symbol } from "../ir/expression.ts";
import { BATCH, CONTEXT, TOKENS } from "../ir/graph.ts";
import { typeOfNumber } from "../shapes/element-types.ts";
import { type Fact, factOf, UNKNOWN } from "../shapes/fact.ts";
import type { TensorShapeProto_Dimension, ValueInfoProto } from "./generated/onnx_pb.ts";

/** Names that exporters give to what heddle has one word for. */
const SYMBOLS: Readonly<Record<string, string>> = {
  batch: BATCH,
  batch_size: BATCH,
  seq: TOKENS,
  sequence: TOKENS,
  sequence_length: TOKENS,
  seq_len: TOKENS,
  seq_length: TOKENS,
  total_sequence_length: CONTEXT,
  total_seq_len: CONTEXT,
};

/** Tokens that were there before the run: those after it without the new ones. */
const PAST = ["past_sequence_length", "past_seq_len", "past_seq_length", "past_decoder_sequence_length"];

/** Sizes an exporter writes as a sum: `past_sequence_length + 1`. */
const SUM = /^[A-Za-z_]\w*(\s*\+\s*\w+)+$/;

/** Type and shape that a file states; `open` names sizes it leaves out, or leaves them undefined. */
export function declared(info: ValueInfoProto, open: (axis: number) => Expression): Fact {
  if (info.type?.value.case !== "tensorType") return UNKNOWN;
  const { elemType, shape } = info.type.value.value;
  return factOf(
    typeOfNumber(elemType),
    shape !== undefined && shape.dim.length <= 64 ? shape.dim.map((dim, axis) => sizeOf(dim) ?? open(axis)) : undefined,
  );
}

function sizeOf({ value }: TensorShapeProto_Dimension): Expression | undefined {
  if (value.case === "dimValue") {
    const size = Number(value.value);
    return Number.isSafeInteger(size) && size >= 0 ? constant(size) : undefined;
  }
  return value.case === "dimParam" && /\w/.test(value.value) ? sizeNamed(value.value.slice(0, 200)) : undefined;
}

/** The size that a name stands for, as exporters call what heddle has one word for. */
export function sizeNamed(name: string): Expression {
  if (SUM.test(name))
    return add(...name.split("+").map((part) => (/^\s*\d+\s*$/.test(part) ? constant(Number(part)) : sizeNamed(part.trim()))));
  if (PAST.includes(name)) return subtract(symbol(CONTEXT), symbol(TOKENS));
  return symbol(Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name]! : name);
}
