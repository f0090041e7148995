import { HeddleError } from "../../base/heddle-error.ts";
import { ceilDivide, constant, type Expression, equal, multiply, textOf } from "../ir/expression.ts";
import type { AttributeValue, DataType } from "../ir/graph.ts";

/** Type and sizes of a value of a state program. */
export interface StateForm {
  readonly type: DataType;
  readonly shape: readonly Expression[];
}

/** What goes into an operator. */
export interface StateCall {
  /** For errors. */
  readonly name: string;
  readonly inputs: readonly StateForm[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Values of one row that share a scale where the attribute `block` says nothing: all of them. */
export const WHOLE_ROW = 0;

/** Algorithms of `Hash`, with the form of the digest. */
const DIGESTS: Readonly<Record<string, StateForm>> = {
  sha256: { type: "u8", shape: [constant(32)] },
  crc32: { type: "u32", shape: [constant(1)] },
};

/** Forms of the outputs of each operator. Errors: `graph-invalid`. */
const OUTPUTS: Readonly<Record<string, (call: StateCall) => readonly StateForm[]>> = {
  /** Rows of `source` by index, one after the other: (source [p, …], index [n]) → [n, …]. */
  Pack: (call) => {
    const [source, index] = taken(call, 2);
    ranked(call, source, 1);
    indices(call, index, 1);
    return [{ type: source.type, shape: [index.shape[0]!, ...source.shape.slice(1)] }];
  },
  /** `target` with some rows replaced: (target [p, …], rows [n, …], index [n]) → [p, …]. */
  Unpack: (call) => {
    const [target, rows, index] = taken(call, 3);
    ranked(call, target, 1);
    indices(call, index, 1);
    same(call, rows.type === target.type && sameShape(rows.shape.slice(1), target.shape.slice(1)), "rows are not rows of the target");
    return [target];
  },
  /** Symmetric, one scale a row of the last axis: x f32 [.., c] → (codes i8 [.., c], scale f32 [..]). */
  QuantizeInt8: (call) => {
    const [x] = taken(call, 1);
    floats(call, x);
    return [
      { type: "i8", shape: x.shape },
      { type: "f32", shape: x.shape.slice(0, -1) },
    ];
  },
  DequantizeInt8: (call) => {
    const [codes, scale] = taken(call, 2);
    same(
      call,
      codes.type === "i8" && scale.type === "f32" && sameShape(scale.shape, codes.shape.slice(0, -1)),
      "codes i8 with a scale a row",
    );
    return [{ type: "f32", shape: codes.shape }];
  },
  /** E4M3 without infinities, one scale a row or a `block` of it: x f32 [.., c] → (codes u8 [.., c], scale f32 [.., blocks]). */
  QuantizeFp8: (call) => {
    const [x] = taken(call, 1);
    floats(call, x);
    return [
      { type: "u8", shape: x.shape },
      { type: "f32", shape: [...x.shape.slice(0, -1), blocksOf(call, x.shape)] },
    ];
  },
  DequantizeFp8: (call) => {
    const [codes, scale] = taken(call, 2);
    const shape = [...codes.shape.slice(0, -1), blocksOf(call, codes.shape)];
    same(call, codes.type === "u8" && scale.type === "f32" && sameShape(scale.shape, shape), "codes u8 with a scale a block");
    return [{ type: "f32", shape: codes.shape }];
  },
  /** Digest of a tensor's bytes; `algorithm` is `sha256` or `crc32`. */
  Hash: (call) => {
    taken(call, 1);
    const form = DIGESTS[String(call.attributes["algorithm"] ?? "sha256")];
    if (form === undefined) throw invalid(call, `algorithm is one of ${Object.keys(DIGESTS).join(", ")}`);
    return [form];
  },
  Copy: (call) => taken(call, 1),
  /**
   * Rows to experts: (x [t, h], experts i32 [t, k]) with `experts` = e → (rows [t·k, h] by expert, in the order of tokens; counts i32 [e]; order i32
   * [t·k]: the place in `experts`, row by row, that each row came from).
   */
  Dispatch: (call) => {
    const [x, experts] = taken(call, 2);
    ranked(call, x, 2);
    indices(call, experts, 2);
    const count = call.attributes["experts"];
    if (typeof count !== "number" || !Number.isInteger(count) || count < 1)
      throw invalid(call, "the attribute experts is a whole number >= 1");
    const rows = multiply(experts.shape[0]!, experts.shape[1]!);
    return [
      { type: x.type, shape: [rows, x.shape[1]!] },
      { type: "i32", shape: [constant(count)] },
      { type: "i32", shape: [rows] },
    ];
  },
  /** Back to tokens: (rows f32 [t·k, h], order i32 [t·k], weights f32 [t, k]) → [t, h], each the weighted sum of its rows. */
  Combine: (call) => {
    const [rows, order, weights] = taken(call, 3);
    floats(call, rows);
    ranked(call, rows, 2);
    indices(call, order, 1);
    same(call, weights.type === "f32" && weights.shape.length === 2, "weights are f32 [t, k]");
    return [{ type: "f32", shape: [weights.shape[0]!, rows.shape[1]!] }];
  },
};

export const STATE_OPERATORS: readonly string[] = Object.keys(OUTPUTS);

export function stateOutputs(type: string, call: StateCall): readonly StateForm[] {
  const rule = Object.hasOwn(OUTPUTS, type) ? OUTPUTS[type] : undefined;
  if (rule === undefined) throw invalid(call, `no operator ${type}; there are ${STATE_OPERATORS.join(", ")}`);
  return rule(call);
}

/** Values that share a scale; `WHOLE_ROW` where the attribute is not there. Errors: `graph-invalid`. */
export function blockOf(call: Pick<StateCall, "name" | "attributes">): number {
  const block = call.attributes["block"] ?? WHOLE_ROW;
  if (typeof block !== "number" || !Number.isInteger(block) || block < 0) throw invalid(call, "the attribute block is a whole number >= 0");
  return block;
}

function blocksOf(call: StateCall, shape: readonly Expression[]): Expression {
  const block = blockOf(call);
  const last = shape.at(-1);
  if (last === undefined) throw invalid(call, "a tensor without axes has no rows");
  return block === WHOLE_ROW ? constant(1) : ceilDivide(last, constant(block));
}

function taken(call: StateCall, count: 1): readonly [StateForm];
function taken(call: StateCall, count: 2): readonly [StateForm, StateForm];
function taken(call: StateCall, count: 3): readonly [StateForm, StateForm, StateForm];
function taken(call: StateCall, count: number): readonly StateForm[] {
  if (call.inputs.length !== count) throw invalid(call, `takes ${count} inputs, got ${call.inputs.length}`);
  return call.inputs;
}

function floats(call: StateCall, { type, shape }: StateForm): void {
  if (type !== "f32" || shape.length === 0) throw invalid(call, `takes rows of f32, got ${type} [${shape.map(textOf).join(", ")}]`);
}

function ranked(call: StateCall, { shape }: StateForm, axes: number): void {
  if (shape.length < axes) throw invalid(call, `takes a tensor of at least ${axes} axes, got ${shape.length}`);
}

function indices(call: StateCall, { type, shape }: StateForm, axes: number): void {
  if (type !== "i32" || shape.length !== axes) throw invalid(call, `takes indices i32 of ${axes} axes, got ${type} of ${shape.length}`);
}

function same(call: StateCall, holds: boolean, wanted: string): void {
  if (!holds) throw invalid(call, wanted);
}

function sameShape(left: readonly Expression[], right: readonly Expression[]): boolean {
  return left.length === right.length && left.every((dim, i) => equal(dim, right[i]!));
}

function invalid({ name }: Pick<StateCall, "name">, detail: string): HeddleError {
  return new HeddleError("graph-invalid", { where: name, detail });
}
