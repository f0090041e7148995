import { constant, type Expression } from "../../ir/expression.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { Outlet } from "../outlet.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site, weight } from "./site.ts";

export interface OutletPlace {
  readonly width: number;
  /** Table of input embeddings. */
  readonly table: TensorId | undefined;
}

/** The part of a stack behind its layers. Heads and poolers look at one position of each sequence. */
export function buildOutlet(site: Site, outlet: Outlet, x: TensorId, { width, table }: OutletPlace): TensorId {
  switch (outlet.kind) {
    case "none":
      return x;
    case "head": {
      const one = onePosition(site, x, width);
      const weights = [outlet.tied && table !== undefined ? table : weight(site, "product", [outlet.outputs, width])];
      if (outlet.bias) weights.push(weight(site, "bias", [outlet.outputs]));
      return operate(one.site, "Linear", { name: "product", inputs: [one.x, ...weights], shape: perPosition(one.site, outlet.outputs) });
    }
    case "pooler": {
      const one = onePosition(site, x, width);
      return linear(one.site, "product", one.x, { inputs: width, outputs: outlet.outputs, bias: true });
    }
    case "projector": {
      const within: Site = { ...site, length: constant(outlet.positions) };
      let made = elementwise(within, "Pool", "pool", [x], outlet.width);
      if (outlet.norm !== "none") made = norm({ ...within, norm: outlet.norm }, "norm", made, { columns: outlet.width });
      let inputs = outlet.width;
      for (const [index, outputs] of outlet.products.entries()) {
        made = linear(within, `product-${index}`, made, { inputs, outputs, bias: outlet.bias });
        inputs = outputs;
      }
      return made;
    }
  }
}

function onePosition(site: Site, x: TensorId, width: number): { readonly site: Site; readonly x: TensorId } {
  const length: Expression = constant(1);
  const within: Site = { ...site, length };
  return { site: within, x: operate(within, "Gather", { name: "position", inputs: [x], shape: perPosition(within, width) }) };
}
