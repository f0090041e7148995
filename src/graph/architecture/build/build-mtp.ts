import { must } from "../../../base/assert.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { MtpModule, Stack } from "../stack.ts";
import { buildLayer } from "./build-layer.ts";
import { buildOutlet } from "./build-outlet.ts";
import type { BuiltStack } from "./build-stack.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site } from "./site.ts";

/** One drafting module; table and head are the model's own. Returns the stream the next module starts from. */
export function buildMtp(
  built: BuiltStack,
  stack: Stack,
  module: MtpModule,
  from: { readonly index: number; readonly stream: TensorId },
): BuiltMtp {
  const { width } = stack;
  const site: Site = { ...built.site, scope: `mtp.${from.index}` };
  const table = must(built.table, "a drafting module shares the table of embeddings");
  const next = operate(site, "Gather", { name: "token-rows", inputs: [table, built.input], shape: perPosition(site, width) });
  const parts = [norm(site, "embedding-norm", next, { columns: width }), norm(site, "stream-norm", from.stream, { columns: width })];
  const joined = elementwise(site, "Concat", "concat", parts, 2 * width);
  const projected = linear(site, "product", joined, { inputs: 2 * width, outputs: width });
  const stream = buildLayer(site, module.layer, projected, {
    width,
    role: "decoder",
    memory: undefined,
    lastChoice: { tensor: undefined },
  });
  const head: Site = { ...site, scope: `${site.scope}.head` };
  const shared = stack.outlet.kind === "head" ? ({ ...stack.outlet, tied: true } as const) : stack.outlet;
  const output = buildOutlet(head, shared, norm(head, "norm", stream, { columns: width }), { width, table });
  return { stream, output };
}

export interface BuiltMtp {
  readonly stream: TensorId;
  readonly output: TensorId;
}
