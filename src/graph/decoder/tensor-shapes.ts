import { HeddleError } from "../../base/heddle-error.ts";
import type { DecoderSpec } from "./spec.ts";
import type { TensorName, WeightSource } from "./weights.ts";

export type DecoderShape = Omit<DecoderSpec, "rope">;

/** Every tensor a decoder of this shape has, with its shape, in the order of the computation. */
export function* expectedTensors(shape: DecoderShape): Generator<readonly [TensorName, readonly number[]]> {
  const { width, feedForward, vocabulary } = shape;
  yield ["embedding", [vocabulary, width]];
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `layers.${layer}.`;
    yield [`${prefix}attention-norm`, [width]];
    yield* attentionTensors(prefix, shape);
    yield [`${prefix}ffn-norm`, [width]];
    yield [`${prefix}gate`, [feedForward, width]];
    yield [`${prefix}up`, [feedForward, width]];
    yield [`${prefix}down`, [width, feedForward]];
  }
  yield ["final-norm", [width]];
  if (!shape.tiedHead) yield ["head", [vocabulary, width]];
}

function* attentionTensors(prefix: string, shape: DecoderShape): Generator<readonly [TensorName, readonly number[]]> {
  const { width, headDim } = shape;
  const queries = shape.heads * headDim;
  const keys = shape.kvHeads * headDim;
  yield [`${prefix}q`, [queries, width]];
  yield [`${prefix}k`, [keys, width]];
  yield [`${prefix}v`, [keys, width]];
  yield [`${prefix}o`, [width, queries]];
  if (shape.qkvBias) {
    yield [`${prefix}q-bias`, [queries]];
    yield [`${prefix}k-bias`, [keys]];
    yield [`${prefix}v-bias`, [keys]];
  }
  if (shape.qkNorm) {
    yield [`${prefix}q-norm`, [headDim]];
    yield [`${prefix}k-norm`, [headDim]];
  }
}

/**
 * Holds the tensors of a file against those the shape needs: none missing, none of another shape, none left over that would silently
 * not be computed.
 *
 * Errors: `model-weights-missing`, `model-config-invalid`, `model-unsupported`, each naming the tensor.
 */
export function checkTensors(shape: DecoderShape, tensors: WeightSource["tensors"]): void {
  let matched = 0;
  for (const [name, expected] of expectedTensors(shape)) {
    const found = tensors.get(name);
    if (found === undefined) throw new HeddleError("model-weights-missing", { where: name });
    if (found.shape.length !== expected.length || found.shape.some((size, i) => size !== expected[i])) {
      throw new HeddleError("model-config-invalid", {
        where: name,
        detail: `the file has the shape [${found.shape}], the configuration asks for [${expected}]`,
      });
    }
    matched++;
  }
  if (matched === tensors.size) return;
  const needed = new Set([...expectedTensors(shape)].map(([name]) => name));
  const extra = [...tensors.keys()].find((name) => !needed.has(name));
  throw new HeddleError("model-unsupported", { where: extra ?? "tensors", detail: "no such tensor is part of this family" });
}
