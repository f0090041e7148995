import { constant, type Expression } from "../../ir/expression.ts";
import { factOf } from "../fact.ts";
import { ONE } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, each, likeFirst, type RuleTable, type Shape } from "./call.ts";

/** The last axes are those that are normalised. */
function normalised(call: AtenCall): { readonly shape: Shape | undefined; readonly statistics: Shape | undefined } {
  const shape = call.first?.shape;
  const sizes = call.sizes("normalized_shape") ?? call.fail("no axes to normalise over");
  if (shape === undefined) return { shape, statistics: undefined };
  if (sizes.length > shape.length) call.fail(`${sizes.length} axes of ${shape.length} to normalise over`);
  const kept = shape.length - sizes.length;
  sizes.forEach((size, at) => {
    call.same(size, shape[kept + at], "normalised sizes");
  });
  return { shape, statistics: shape.map((size, axis) => (axis < kept ? size : ONE)) };
}

const layerNorm: AtenRule = (call) => {
  const { shape, statistics } = normalised(call);
  const type = call.first?.type ?? "unknown";
  const means = factOf(type === "f32" || type === "f64" ? type : "unknown", statistics);
  return [factOf(type, shape), means, means];
};

function channelsOf(call: AtenCall): Expression | undefined {
  const shape = call.first?.shape;
  if (shape !== undefined && shape.length < 2) call.fail(`an image of ${shape.length} dimensions`);
  for (const name of ["weight", "bias", "running_mean", "running_var"])
    call.same(call.fact(name)?.shape?.[0], shape?.[1], `${name} and channels`);
  return shape?.[1];
}

/** Statistics have a place a channel in training and none in inference; what the archive states of them is taken. */
const batchNorm: AtenRule = (call) => {
  channelsOf(call);
  const [x] = likeFirst(call);
  return [x, undefined, undefined];
};

const groupNorm: AtenRule = (call) => {
  channelsOf(call);
  const [x] = likeFirst(call);
  const groups = call.number("group", call.number("num_groups", 0));
  const statistics = x?.shape && groups > 0 ? [x.shape[0]!, constant(groups)] : undefined;
  const means = factOf(x?.type === "f32" ? "f32" : "unknown", statistics);
  return [x, means, means];
};

export const NORMALISATION: RuleTable = {
  ...each("layer_norm native_layer_norm rms_norm", layerNorm),
  _fused_rms_norm: (call) => layerNorm(call).slice(0, 2),
  ...each("batch_norm native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training cudnn_batch_norm", batchNorm),
  ...each("group_norm native_group_norm instance_norm", groupNorm),
  native_dropout: (call) => [likeFirst(call)[0], factOf("bool", call.first?.shape)],
};
