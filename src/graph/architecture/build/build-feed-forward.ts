import { constant } from "../../ir/expression.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { DenseFeedForward, MixtureFeedForward } from "../feed-forward.ts";
import { elementwise, expertLinear, linear } from "./products.ts";
import { operate, perPosition, type Site, weight } from "./site.ts";

interface Width {
  readonly width: number;
}

/** Up (and gate), activation, down. */
export function buildFeedForward(site: Site, block: Omit<DenseFeedForward, "kind">, x: TensorId, { width }: Width): TensorId {
  const { inner, bias, gated } = block;
  const up = linear(site, "up", x, { inputs: width, outputs: inner, bias });
  const parts = gated ? [linear(site, "gate", x, { inputs: width, outputs: inner, bias }), up] : [up];
  const active = elementwise(site, "Activation", "activation", parts, inner);
  return linear(site, "down", active, { inputs: inner, outputs: width, bias });
}

/** Router, the experts it chooses, and the shared ones. */
export function buildMixture(site: Site, block: MixtureFeedForward, x: TensorId, { width }: Width): TensorId {
  const { active, inner, bias, shared } = block;
  const experts = { count: block.experts, active };
  const scores = linear(site, "router", x, { inputs: width, outputs: block.experts });
  const chosenFrom = block.routerBias ? [scores, weight(site, "router-bias", [block.experts])] : [scores];
  const chosen = operate(site, "TopK", { name: "choice", inputs: chosenFrom, shape: perPosition(site, active), attributes: { k: active } });
  const up = expertLinear(site, "expert-gate-up", [x, chosen], { inputs: width, outputs: 2 * inner, bias, experts });
  const perExpert = [site.items, site.length, constant(active), constant(inner)];
  const activated = operate(site, "Activation", { name: "expert-activation", inputs: [up], shape: perExpert });
  const down = expertLinear(site, "expert-down", [activated, chosen], { inputs: inner, outputs: width, bias, experts });
  const routed = operate(site, "Combine", { name: "combine", inputs: [down, chosen], shape: perPosition(site, width) });
  if (shared === undefined) return routed;
  const within: Site = { ...site, scope: `${site.scope}.shared` };
  const common = buildFeedForward(within, { inner: shared.inner, bias, gated: true }, x, { width });
  const parts = shared.gate ? [common, linear(within, "scale", x, { inputs: width, outputs: 1 })] : [common];
  return elementwise(site, "Add", "sum", [routed, ...parts], width);
}
