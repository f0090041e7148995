import { bytesOfArray, type OnnxBuilder, type Value } from "../onnx/builder.ts";
import type { ComputeFormat } from "./compute-format.ts";
import { type StackedMatrix, stack, stackedFloats } from "./matrix.ts";
import { INT4_BLOCK, packInt4 } from "./pack-int4.ts";
import { isEightBit, packEightBit, packInt8 } from "./pack-int8.ts";

/** Values every product of a graph may need, made once. */
export interface ProductContext {
  readonly builder: OnnxBuilder;
  readonly format: ComputeFormat;
  /** Constants several products read, by what they are. */
  readonly shared: Map<string, Value>;
}

/** The rows of an activation, prepared for the products that read it. */
export interface ProductInput {
  readonly x: Value;
  /** Multiplies each row of x, [R, 1]; only with `int8-row`, where it costs nothing. */
  readonly rowScale?: Value;
  /** Sums of each block of 32 columns, [R, K/32]; made on first use. */
  blockSums?: Value;
  /** Rows over their largest magnitude, rounded to 8 bits, [R, K], and that magnitude, [R, 1]; made on first use. */
  rounded?: { readonly quants: Value; readonly most: Value };
}

const MICROSOFT = "com.microsoft";
/** MatMulNBits rounds activations to 8 bits per block of 32 and multiplies in integers: the fast kernel (node: accuracy_level). */
const INT8_COMPUTE = 4;
/** Below this a row counts as zero; keeps the division defined. */
const LEAST_ROW_MAX = 1e-30;
const INT8_MAX = 127;
const ZERO_POINT = 128;

/**
 * y = x · Wᵀ. Shapes: x [R, K], W [N, K], y [R, N].
 *
 * Model: `f32` plain; `int4` blocks of 32 exact for GGUF's 4-bit formats (offsets by one small product of block sums); `int8-row` one
 * activation scale per row and one weight scale per output, so a row's result never depends on its neighbours.
 */
export function product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  if (context.format === "f32") return floatProduct(context.builder, input, matrix);
  if (context.format === "int8-row") return int8Product(context, input, matrix);
  if (matrix.columns % INT4_BLOCK !== 0) return floatProduct(context.builder, input, matrix);
  if (!matrix.parts.some((part) => isEightBit(part.tensor))) return int4Product(context, input, matrix);
  // Weights of more than 4 bits keep them in an int4 stage: exact, and still a quarter of f32.
  const parts = matrix.parts.map((part, i) => {
    const alone = stack(`${matrix.name}.${i}`, [part]);
    return isEightBit(part.tensor) ? eightBitProduct(context.builder, input, alone) : int4Product(context, input, alone);
  });
  return parts.length === 1 ? parts[0]! : context.builder.node("Concat", parts, { attributes: { axis: 1 } });
}

function floatProduct(builder: OnnxBuilder, input: ProductInput, matrix: StackedMatrix): Value {
  const { name, rows, columns } = matrix;
  const weight = builder.weight(name, "float32", [rows, columns], bytesOfArray(stackedFloats(matrix)));
  return builder.node("Gemm", [input.x, weight], { attributes: { transB: 1 } });
}

function int4Product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { builder } = context;
  const { name, rows, columns } = matrix;
  const { quants, scales, offsets } = packInt4(matrix);
  const blocks = columns / INT4_BLOCK;
  const b = builder.weight(name, "uint8", [rows, blocks, INT4_BLOCK / 2], quants);
  const s = builder.weight(`${name}.scales`, "float32", [rows * blocks], bytesOfArray(scales));
  const attributes = { K: columns, N: rows, bits: 4, block_size: INT4_BLOCK, accuracy_level: INT8_COMPUTE };
  const y = builder.node("MatMulNBits", [input.x, b, s], { attributes, domain: MICROSOFT });
  if (offsets === undefined) return y;
  const c = builder.weight(`${name}.offsets`, "float32", [rows, blocks], bytesOfArray(offsets));
  return builder.node("Gemm", [blockSums(context, input, columns), c, y], { attributes: { transB: 1 } });
}

/** A product with zeros and ones: one operator, where reshaping and summing are two. */
function blockSums(context: ProductContext, input: ProductInput, columns: number): Value {
  if (input.blockSums === undefined) {
    const { builder } = context;
    const blocks = columns / INT4_BLOCK;
    const sums = constantOnce(context, `block sums ${columns}`, () => {
      const ones = new Float32Array(columns * blocks);
      for (let column = 0; column < columns; column++) ones[column * blocks + Math.floor(column / INT4_BLOCK)] = 1;
      return builder.constant("float32", [columns, blocks], bytesOfArray(ones));
    });
    input.blockSums = builder.node("MatMul", [input.x, sums]);
  }
  return input.blockSums;
}

function eightBitProduct(builder: OnnxBuilder, input: ProductInput, matrix: StackedMatrix): Value {
  const { name, rows, columns, parts } = matrix;
  const { quants, scales, block } = packEightBit(parts[0]!.tensor, parts[0]!.scale);
  const blocks = columns / block;
  const b = builder.weight(name, "uint8", [rows, blocks, block], quants);
  const s = builder.weight(`${name}.scales`, "float32", [rows * blocks], bytesOfArray(scales));
  const attributes = { K: columns, N: rows, bits: 8, block_size: block, accuracy_level: INT8_COMPUTE };
  return builder.node("MatMulNBits", [input.x, b, s], { attributes, domain: MICROSOFT });
}

function int8Product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { y, rowScale } = unscaledProduct(context, input, matrix);
  return context.builder.node("Mul", [y, rowScale]);
}

/** As `product` in `int8-row`, with the scale of each row left to whoever reads it, [R, 1]. */
export function unscaledProduct(context: ProductContext, input: ProductInput, matrix: StackedMatrix): { y: Value; rowScale: Value } {
  const { builder } = context;
  const { name, rows, columns } = matrix;
  const { quants, scales } = packInt8(matrix);
  const { quants: rounded, most } = roundRows(context, input);
  const b = builder.weight(name, "int8", [columns, rows], bytesOfArray(quants));
  const bScale = builder.weight(`${name}.scales`, "float32", [rows], bytesOfArray(scales));
  const { step, zero } = levels(context);
  const y = builder.node("MatMulIntegerToFloat", [rounded, b, step, bScale, zero], { domain: MICROSOFT });
  return { y, rowScale: most };
}

/** One scale a row. Rows are divided by their largest magnitude first, so that rounding needs one step for all and no input of its own. */
function roundRows(context: ProductContext, input: ProductInput): { readonly quants: Value; readonly most: Value } {
  if (input.rounded === undefined) {
    const { builder } = context;
    const { step, zero, least } = levels(context);
    const greatest = builder.node("ReduceMax", [builder.node("Abs", [input.x])], { attributes: { axes: [1], keepdims: 1 } });
    const most = builder.node("Max", [greatest, least]);
    const quants = builder.node("QuantizeLinear", [builder.node("Div", [input.x, most]), step, zero]);
    input.rounded = { quants, most: input.rowScale === undefined ? most : builder.node("Mul", [most, input.rowScale]) };
  }
  return input.rounded;
}

function levels(context: ProductContext): { step: Value; zero: Value; least: Value } {
  const { builder } = context;
  return {
    step: constantOnce(context, "step", () => floatConstant(builder, [], 1 / INT8_MAX)),
    zero: constantOnce(context, "zero", () => builder.constant("uint8", [], Uint8Array.of(ZERO_POINT))),
    least: constantOnce(context, "least", () => floatConstant(builder, [1, 1], LEAST_ROW_MAX)),
  };
}

/** A constant made once a graph. */
export function constantOnce(context: ProductContext, key: string, make: () => Value): Value {
  const known = context.shared.get(key) ?? make();
  context.shared.set(key, known);
  return known;
}

export function onesConstant(builder: OnnxBuilder, size: number): Value {
  return builder.constant("float32", [size], bytesOfArray(new Float32Array(size).fill(1)));
}

export function int64Constant(builder: OnnxBuilder, values: readonly number[]): Value {
  return builder.constant("int64", [values.length], bytesOfArray(BigInt64Array.from(values, BigInt)));
}

export function floatConstant(builder: OnnxBuilder, dims: readonly number[], value: number): Value {
  return builder.constant("float32", dims, bytesOfArray(Float32Array.of(value)));
}
