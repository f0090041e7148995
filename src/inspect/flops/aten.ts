import { add, constant, type Expression } from "../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../graph/ir/graph.ts";
import { knownElements } from "../tensor-bytes.ts";
import { type FlopRule, type FlopRules, zero } from "./flop-rule.ts";

type Shape = readonly Expression[];

function shapeOf({ tensors }: Graph, ids: Operator["inputs"], at: number): Shape | undefined {
  const id = ids[at];
  return id === undefined ? undefined : tensors[id]?.shape;
}

function twice(...sizes: readonly (Shape | undefined)[]): Expression | undefined {
  return sizes.includes(undefined) ? undefined : knownElements([constant(2), ...sizes.flatMap((shape) => shape!)]);
}

/** Every element of the result is a sum over the last axis of the factor at a place. */
function product(place: number): FlopRule {
  return (graph, operator) => twice(shapeOf(graph, operator.outputs, 0), shapeOf(graph, operator.inputs, place)?.slice(-1));
}

/** Weights of one output channel for every place of the result; turned round, of one input channel for every place of the image. */
const convolution: FlopRule = (graph, operator) => {
  const isTurned = operator.type.includes("transpose") || operator.attributes["transposed"] === true;
  const image = isTurned ? shapeOf(graph, operator.inputs, 0) : shapeOf(graph, operator.outputs, 0);
  return twice(image, shapeOf(graph, operator.inputs, 1)?.slice(1));
};

/**
 * Scores and mixture of values. Shapes: [..., L, E] × [..., S, E] × [..., S, V]. All pairs count, also where a mask or `is_causal` leaves some out,
 * as in PyTorch's own counter (torch.utils.flop_counter, sdpa_flop_count).
 */
const attention: FlopRule = (graph, operator) => {
  const [query, key, value] = [0, 1, 2].map((place) => shapeOf(graph, operator.inputs, place));
  const scores = twice(query, key?.slice(-2, -1));
  const mixture = twice(query?.slice(0, -1), key?.slice(-2, -1), value?.slice(-1));
  return scores && mixture && add(scores, mixture);
};

/** Two factors: 2 for every combination of their axes. Of more, the order of the products decides, which the graph does not say. */
const einsum: FlopRule = (graph, operator) => {
  if (operator.inputs.length === 1) return constant(0);
  const [left = ""] = String(operator.attributes["equation"]).replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== 2 || operator.inputs.length !== 2 || left.includes(".")) return undefined;
  const sizes = new Map<string, Expression>();
  for (const [place, term] of terms.entries()) {
    const shape = shapeOf(graph, operator.inputs, place);
    if (shape?.length !== term.length) return undefined;
    [...term].forEach((label, axis) => {
      sizes.set(label, shape[axis]!);
    });
  }
  return twice([...sizes.values()]);
};

/** Every matrix of weights, once a step and sequence. The first inputs are the sequence and the states. */
function recurrent(states: number): FlopRule {
  return (graph, operator) => {
    const steps = shapeOf(graph, operator.inputs, 0)?.slice(0, -1);
    const matrices = operator.inputs.slice(1 + states).flatMap((_, at) => {
      const shape = shapeOf(graph, operator.inputs, 1 + states + at);
      return shape?.length === 2 ? [twice(steps, shape)] : [];
    });
    return matrices.length === 0 || matrices.includes(undefined) ? undefined : add(...(matrices as readonly Expression[]));
  };
}

function each(names: string, rule: FlopRule): FlopRules {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, rule]));
}

/** What does something to each element alone, or moves data. In-place forms follow below. */
const FREE = `
  abs neg ceil floor round trunc sign positive square relu relu6 hardtanh leaky_relu threshold celu elu selu prelu
  bitwise_not clone contiguous alias detach lift_fresh lift_fresh_copy dropout native_dropout alpha_dropout feature_dropout tril triu
  fill zero copy requires_grad normal uniform bernoulli random flip roll nan_to_num conj resolve_conj resolve_neg
  exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
  sigmoid logit erf erfc erfinv gelu silu mish softplus softsign hardswish hardsigmoid log_sigmoid
  add sub rsub mul div true_divide floor_divide pow remainder fmod maximum minimum fmax fmin atan2 addcmul addcdiv lerp outer
  bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift __and__ __or__ __xor__ __lshift__ __rshift__ hypot copysign
  eq ne lt le gt ge logical_and logical_or logical_xor logical_not isfinite isinf isnan where masked_fill clamp clip clamp_min clamp_max
  to _to_copy type_as softmax log_softmax _softmax _log_softmax cumsum cumprod logcumsumexp
  max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
  adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d
  adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
  upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d
  _upsample_nearest_exact2d _upsample_bilinear2d_aa
  layer_norm native_layer_norm rms_norm _fused_rms_norm batch_norm native_batch_norm _native_batch_norm_legit
  _native_batch_norm_legit_no_training cudnn_batch_norm group_norm native_group_norm instance_norm
  view reshape _unsafe_view view_copy flatten unflatten squeeze squeeze_copy unsqueeze unsqueeze_copy permute permute_copy transpose swapaxes
  swapdims transpose_copy t numpy_T mT adjoint movedim expand broadcast_to expand_copy expand_as view_as reshape_as repeat tile
  repeat_interleave pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d as_strided unfold
  cat concat concatenate stack split split_with_sizes chunk unbind
  slice slice_scatter select select_scatter narrow index index_select gather embedding index_put index_copy index_add index_fill
  scatter scatter_add scatter_reduce _unsafe_index _unsafe_index_put nonzero masked_select one_hot topk sort argsort diagonal diagonal_scatter
  sum mean prod amax amin max min var std var_mean std_mean aminmax logsumexp norm linalg_vector_norm any all argmax argmin median mode kthvalue diff histc
  arange zeros ones empty full rand randn randint new_zeros new_ones new_empty new_full empty_permuted empty_strided new_empty_strided
  zeros_like ones_like empty_like full_like rand_like randn_like randint_like scalar_tensor eye linspace
`.trim();

const IN_PLACE: FlopRules = Object.fromEntries(FREE.split(/\s+/).map((name) => [`${name}_`, zero]));

/**
 * Floating-point operations of ATen operators. Inputs stand in the order of the operator's schema.
 *
 * Source: PyTorch's counter where it has the operator (torch.utils.flop_counter, torch 2.15.0), held equal by a test on exported models.
 */
export const ATEN_FLOPS: FlopRules = {
  ...each(FREE, zero),
  ...IN_PLACE,
  ...each("mm _int_mm _scaled_mm bmm matmul linear mv dot vdot", product(0)),
  ...each("addmm addmm_ baddbmm baddbmm_ addmv addmv_", product(1)),
  ...each("conv1d conv2d conv3d convolution _convolution conv_transpose1d conv_transpose2d conv_transpose3d", convolution),
  ...each("scaled_dot_product_attention _scaled_dot_product_attention_math _scaled_dot_product_flash_attention", attention),
  ...each("_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention", attention),
  ...each("_scaled_dot_product_cudnn_attention", attention),
  einsum,
  lstm: recurrent(2),
  gru: recurrent(1),
};
