import { bytesOfArray, type OnnxBuilder, type Value } from "../onnx/builder.ts";
import type { GraphFormat } from "./compute-format.ts";
import { floatConstant, onesConstant } from "./constants.ts";
import type { GraphDialect } from "./dialect.ts";
import { greatestOver } from "./greatest.ts";
import { type StackedMatrix, stack, stackedFloats } from "./matrix.ts";
import { INT4_BLOCK, packInt4 } from "./pack-int4.ts";
import { isEightBit, packEightBit, packInt8 } from "./pack-int8.ts";
import { type PackedWeights, packedOnce } from "./packed-weights.ts";

/** Values every product of a graph may need, made once. */
export interface ProductContext {
  readonly builder: OnnxBuilder;
  readonly format: GraphFormat;
  /** That of ONNX Runtime where absent. */
  readonly dialect?: GraphDialect;
  /** Constants several products read, by what they are. */
  readonly shared: Map<string, Value>;
  /** Packed weights, kept for other graphs with the same products. */
  readonly packed: PackedWeights;
}

/** Rows rounded to 8 bits, [R, K]: real value = (quant - 128) * step, restored by one more operator with a factor a row, [R, 1]. */
interface Rounded {
  readonly quants: Value;
  readonly step: Value;
  readonly restore?: { readonly operator: "Mul" | "Div"; readonly by: Value };
}

/** The rows of an activation, prepared for the products that read it. */
export interface ProductInput {
  readonly x: Value;
  /** What is known of rotated rows: no column dominates (`even`), and their mean square is one as well, as a norm leaves them (`even, unit`). */
  readonly rows?: "even" | "even, unit";
  /** Sums of each block of 32 columns, [R, K/32]; made on first use. */
  blockSums?: Value;
  /** Made on first use. */
  rounded?: Rounded;
}

const MICROSOFT = "com.microsoft";
/** MatMulNBits rounds activations to 8 bits per block of 32 and multiplies in integers: the fast kernel (node: accuracy_level). */
const INT8_COMPUTE = 4;
/** Below this a row counts as zero; keeps the division defined. */
const LEAST_ROW_MAX = 1e-30;
/** Rows whose mean square is below this count as zero. */
const LEAST_MEAN_SQUARE = 1e-30;
/**
 * Rotated rows are rounded over this many times their root mean square; what reaches further is cut off. Measured on SmolLM2-135M, divergence
 * from f32: 4: 0.0079, 4.5: 0.0083, 5: 0.0086, 6: 0.0106, 8: 0.0158 nats; a scale by the largest of each row: 0.0058, with twice the operators.
 */
const EVEN_REACH = 4.5;
const INT8_MAX = 127;
/** What MatMulNBits subtracts from 4-bit weights where no zero points are given. */
const INT4_MIDDLE = 8;
/** 2^-20: least scale of a block against its offset; 16 levels of it are lost in the offset, and 2^20 is exact in f32. */
const LEAST_SCALE = 1 / 1_048_576;
const ZERO_POINT = 128;

/**
 * y = x · Wᵀ. Shapes: x [R, K], W [N, K], y [R, N].
 *
 * Model: `f32` plain, and `bf16` as well: the runtime narrows it; `int4` blocks of 32 exact for GGUF's 4-bit formats (offsets by one small product of block sums); `int8-row` one
 * activation scale per row (its largest value, or for rotated rows its mean square) and one weight scale per output, so a row's result never
 * depends on its neighbours.
 */
export function product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  if (context.format === "f32" || context.format === "bf16") return floatProduct(context, input, matrix);
  if (context.format === "int8-row") return int8Product(context, input, matrix);
  if (matrix.columns % INT4_BLOCK !== 0) return floatProduct(context, input, matrix);
  if (!matrix.parts.some((part) => isEightBit(part.tensor))) return int4Product(context, input, matrix);
  // Weights of more than 4 bits keep them in an int4 stage: exact, and still a quarter of f32.
  const parts = matrix.parts.map((part, i) => {
    const alone = stack(`${matrix.name}.${i}`, [part]);
    return isEightBit(part.tensor) ? eightBitProduct(context, input, alone) : int4Product(context, input, alone);
  });
  return parts.length === 1 ? parts[0]! : context.builder.node("Concat", parts, { attributes: { axis: 1 } });
}

function floatProduct({ builder, packed }: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { name, rows, columns } = matrix;
  const floats = packedOnce(packed.floats, name, () => stackedFloats(matrix));
  const weight = builder.weight(name, "float32", [rows, columns], bytesOfArray(floats));
  return builder.node("Gemm", [input.x, weight], { attributes: { transB: 1 } });
}

function int4Product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { builder, packed } = context;
  const { name, rows, columns } = matrix;
  const { quants, scales, offsets } = packedOnce(packed.int4, name, () => packInt4(matrix));
  const blocks = columns / INT4_BLOCK;
  const b = builder.weight(name, "uint8", [rows, blocks, INT4_BLOCK / 2], quants);
  const attributes = { K: columns, N: rows, bits: 4, block_size: INT4_BLOCK, accuracy_level: INT8_COMPUTE };
  const options = { attributes, domain: MICROSOFT };
  const scaled = (values: Float32Array): Value => builder.weight(`${name}.scales`, "float32", [rows * blocks], bytesOfArray(values));
  if (offsets !== undefined && context.dialect === "openvino") {
    const exact = withZeroPoints(scales, offsets);
    const zeros = builder.weight(`${name}.zeros`, "float32", [rows, blocks], bytesOfArray(exact.zeros));
    return builder.node("MatMulNBits", [input.x, b, scaled(exact.scales), zeros], options);
  }
  const s = scaled(scales);
  if (offsets === undefined) return builder.node("MatMulNBits", [input.x, b, s], options);
  const y = builder.node("MatMulNBits", [input.x, b, s], options);
  const c = builder.weight(`${name}.offsets`, "float32", [rows, blocks], bytesOfArray(offsets));
  return builder.node("Gemm", [blockSums(context, input, columns), c, y], { attributes: { transB: 1 } });
}

/**
 * scale · (q - 8) + offset as scale · (q - zero point). Where a block's weights hardly differ its scale is raised, so that the zero point stays
 * exact in f32; what that adds is 2e-5 of the offset at most.
 */
function withZeroPoints(scales: Float32Array, offsets: Float32Array): { readonly scales: Float32Array; readonly zeros: Float32Array } {
  const raised = Float32Array.from(scales, (scale, i) => {
    const least = Math.abs(offsets[i]!) * LEAST_SCALE;
    return Math.abs(scale) < least ? least : scale;
  });
  const zeros = Float32Array.from(raised, (scale, i) => INT4_MIDDLE - (scale === 0 ? 0 : offsets[i]! / scale));
  return { scales: raised, zeros };
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

function eightBitProduct({ builder, packed }: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { name, rows, columns, parts } = matrix;
  const { quants, scales, block } = packedOnce(packed.eightBit, name, () => packEightBit(parts[0]!.tensor, parts[0]!.scale));
  const blocks = columns / block;
  const b = builder.weight(name, "uint8", [rows, blocks, block], quants);
  const s = builder.weight(`${name}.scales`, "float32", [rows * blocks], bytesOfArray(scales));
  const attributes = { K: columns, N: rows, bits: 8, block_size: block, accuracy_level: INT8_COMPUTE };
  return builder.node("MatMulNBits", [input.x, b, s], { attributes, domain: MICROSOFT });
}

function int8Product(context: ProductContext, input: ProductInput, matrix: StackedMatrix): Value {
  const { builder, packed } = context;
  const { name, rows, columns } = matrix;
  const { quants, scales } = packedOnce(packed.int8, name, () => packInt8(matrix));
  const { quants: rounded, step, restore } = roundRows(context, input, columns);
  const b = builder.weight(name, "int8", [columns, rows], bytesOfArray(quants));
  const bScale = builder.weight(`${name}.scales`, "float32", [rows], bytesOfArray(scales));
  const y = builder.node("MatMulIntegerToFloat", [rounded, b, step, bScale, zeroPoint(context)], { domain: MICROSOFT });
  return restore === undefined ? y : builder.node(restore.operator, [y, restore.by]);
}

/** One scale a row, or for rows of a known size one for all: neither depends on other rows. */
function roundRows(context: ProductContext, input: ProductInput, columns: number): Rounded {
  input.rounded ??= input.rows === undefined ? roundByLargest(context, input.x) : roundEven(context, input.x, input.rows, columns);
  return input.rounded;
}

function roundByLargest(context: ProductContext, x: Value): Rounded {
  const { builder } = context;
  const step = constantOnce(context, "step of 1", () => floatConstant(builder, [], 1 / INT8_MAX));
  const least = constantOnce(context, "least", () => floatConstant(builder, [1, 1], LEAST_ROW_MAX));
  const greatest = greatestOver(builder, builder.node("Abs", [x]), 1, 1);
  const most = builder.node("Max", [greatest, least]);
  const quants = builder.node("QuantizeLinear", [builder.node("Div", [x, most]), step, zeroPoint(context)]);
  return { quants, step, restore: { operator: "Mul", by: most } };
}

/** Rotated rows spread evenly, so their mean square tells how far they reach; a norm brings it to one in a single operator. */
function roundEven(context: ProductContext, x: Value, rows: "even" | "even, unit", columns: number): Rounded {
  const { builder } = context;
  const step = constantOnce(context, "step of an even row", () => floatConstant(builder, [], EVEN_REACH / INT8_MAX));
  const quantised = (unit: Value): Value => builder.node("QuantizeLinear", [unit, step, zeroPoint(context)]);
  if (rows === "even, unit") return { quants: quantised(x), step };
  const ones = constantOnce(context, `ones ${columns}`, () => onesConstant(builder, columns));
  const attributes = { epsilon: { float: LEAST_MEAN_SQUARE }, axis: -1 };
  const [unit = "", by = ""] = builder.nodeOutputs("SimplifiedLayerNormalization", [x, ones], { attributes, outputs: 2 });
  return { quants: quantised(unit), step, restore: { operator: "Div", by } };
}

function zeroPoint(context: ProductContext): Value {
  return constantOnce(context, "zero", () => context.builder.constant("uint8", [], Uint8Array.of(ZERO_POINT)));
}

/** A constant made once a graph. */
export function constantOnce(context: ProductContext, key: string, make: () => Value): Value {
  const known = context.shared.get(key) ?? make();
  context.shared.set(key, known);
  return known;
}
