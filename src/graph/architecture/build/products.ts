import { constant } from "../../ir/expression.ts";
import type { TensorId } from "../../ir/graph.ts";
import { operate, perPosition, type Site, weight } from "./site.ts";

export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias?: boolean;
}

/** x · Wᵀ + b with W of [outputs, inputs], at every position. */
export function linear(site: Site, name: string, x: TensorId, { inputs, outputs, bias = false }: LinearOptions): TensorId {
  const weights = [weight(site, name, [outputs, inputs])];
  if (bias) weights.push(weight(site, `${name}-bias`, [outputs]));
  return operate(site, "Linear", { name, inputs: [x, ...weights], shape: perPosition(site, outputs) });
}

export interface ExpertLinearOptions extends LinearOptions {
  readonly experts: { readonly count: number; readonly active: number };
}

/** The product of each position with the weights of every expert it visits; one row an expert visited. */
export function expertLinear(site: Site, name: string, x: readonly TensorId[], options: ExpertLinearOptions): TensorId {
  const { inputs, outputs, bias = false, experts } = options;
  const weights = [weight(site, name, [experts.count, outputs, inputs], experts)];
  if (bias) weights.push(weight(site, `${name}-bias`, [experts.count, outputs], experts));
  const shape = [site.items, site.length, constant(experts.active), constant(outputs)];
  return operate(site, "ExpertLinear", { name, inputs: [...weights, ...x], shape, attributes: { inputs } });
}

/** A norm of the last dimension, of `groups` equal parts of it where heads are normed one by one with shared weights. */
export function norm(site: Site, name: string, x: TensorId, size: { readonly columns: number; readonly groups?: number }): TensorId {
  const { columns, groups = 1 } = size;
  const weights = [weight(site, name, [columns / groups])];
  if (site.norm === "layer") weights.push(weight(site, `${name}-bias`, [columns / groups]));
  const type = site.norm === "layer" ? "LayerNorm" : "RmsNorm";
  return operate(site, type, { name, inputs: [x, ...weights], shape: perPosition(site, columns) });
}

/** Operators that compute each element from those in its place. */
export function elementwise(site: Site, type: string, name: string, inputs: readonly TensorId[], columns: number): TensorId {
  return operate(site, type, { name, inputs, shape: perPosition(site, columns) });
}
