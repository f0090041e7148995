import { constant, constantOf, type Expression, floorDivide, multiply } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { axesOf, type Call, integer, integers, type Rule, text } from "../rule.ts";
import { isLong, ONE } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";

/**
 * floor(size · scale), or the sizes given.
 *
 * Source: ONNX operator spec, Resize (inputs: roi, scales, sizes since operator set 11; scales before) and Upsample.
 */
export const resize: Rule = (call) => {
  const [x] = call.inputs;
  const shape = x?.shape;
  if (shape === undefined) return [factOf(typeOf([x]), undefined)];
  const isOld = call.type === "Upsample" || call.opset < 11;
  const scales = integers(call, "scales")?.map(constant) ?? listed(call.inputs[isOld ? 1 : 2]);
  const sizes = isOld ? undefined : listed(call.inputs[3]);
  const axes = axesOf(integers(call, "axes") ?? shape.map((_, axis) => axis), shape.length);
  const policy = text(call, "keep_aspect_ratio_policy", "stretch");
  if (sizes !== undefined && policy !== "stretch")
    return [
      factOf(
        x!.type,
        shape.map((_, axis) => call.fresh(`resized_${axis}`)),
      ),
    ];
  return [
    factOf(
      x!.type,
      shape.map((size, axis) => {
        const at = axes?.indexOf(axis) ?? axis;
        if (at < 0) return size;
        return sizes?.[at] ?? scaled(size, scales?.[at]) ?? call.fresh(`resized_${axis}`);
      }),
    ),
  ];
};

/** An empty list stands for an absent one. */
function listed(fact: Fact | undefined): Fact["value"] {
  return fact?.value?.length === 0 ? undefined : fact?.value;
}

function scaled(size: Expression, scale: Expression | undefined): Expression | undefined {
  if (scale === undefined || size.terms.length * scale.terms.length > 64) return undefined;
  const product = multiply(size, scale);
  if (isLong(product)) return undefined;
  const known = constantOf(product);
  return known === undefined ? floorDivide(product, ONE) : constant(Math.floor(known));
}

/** Samples at a grid's points. Shapes: x [N, C, spatial...], grid [N, places..., axes]. Source: ONNX operator spec, GridSample. */
export const gridSample: Rule = ({ inputs: [x, grid] }) => [
  factOf(typeOf([x]), x?.shape && grid?.shape && [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)]),
];

/** [regions, C, height, width]. Source: ONNX operator spec, RoiAlign and MaxRoiPool. */
export const regions: Rule = (call) => {
  const [x, boxes] = call.inputs;
  const pooled = integers(call, "pooled_shape") ?? [integer(call, "output_height", 1), integer(call, "output_width", 1)];
  return [factOf(typeOf([x]), x?.shape && boxes?.shape && [boxes.shape[0]!, x.shape[1]!, ...pooled.map(constant)])];
};

/** [N, C, crop]. Source: ONNX operator spec, CenterCropPad. */
export const centerCropPad: Rule = (call: Call) => {
  const [x, target] = call.inputs;
  const axes = x?.shape && axesOf(integers(call, "axes") ?? x.shape.map((_, axis) => axis), x.shape.length);
  return [
    factOf(
      typeOf([x]),
      axes &&
        x!.shape!.map((size, axis) => {
          const at = axes.indexOf(axis);
          return at < 0 ? size : (target?.value?.[at] ?? call.fresh("cropped"));
        }),
    ),
  ];
};
