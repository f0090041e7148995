import { constant } from "../../ir/expression.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { Mamba2 } from "../mamba2.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site, state, weight } from "./site.ts";

/** Input product, convolution, recurrence, gated norm, output product; states of fixed size. */
export function buildMamba2(site: Site, block: Mamba2, x: TensorId, { width }: { readonly width: number }): TensorId {
  const { heads, headDim, stateSize, groups, kernel, bias } = block;
  const inner = heads * headDim;
  const mixed = inner + 2 * groups * stateSize;
  const projected = linear(site, "in", x, { inputs: width, outputs: inner + mixed + heads, bias });
  const convolution = [weight(site, "convolution", [mixed, kernel])];
  if (block.convolutionBias) convolution.push(weight(site, "convolution-bias", [mixed]));
  const past = state(site, "convolution", [site.items, constant(mixed), constant(kernel - 1)]);
  const convolved = operate(site, "CausalConvolution", {
    name: "convolution",
    inputs: [projected, ...convolution],
    shape: perPosition(site, mixed),
    attributes: { kernel },
    accesses: [
      { state: past, mode: "read" },
      { state: past, mode: "write" },
    ],
  });
  const memory = state(site, "recurrent", [site.items, constant(heads), constant(headDim), constant(stateSize)]);
  const scanned = operate(site, "SelectiveScan", {
    name: "scan",
    inputs: [convolved, projected, ...["a", "d", "dt-bias"].map((name) => weight(site, name, [heads]))],
    shape: perPosition(site, inner),
    attributes: { heads, headDim, stateSize },
    accesses: [
      { state: memory, mode: "read" },
      { state: memory, mode: "write" },
    ],
  });
  const gated = norm(site, "norm", elementwise(site, "Activation", "gate", [scanned, projected], inner), { columns: inner });
  return linear(site, "out", gated, { inputs: inner, outputs: width, bias });
}
