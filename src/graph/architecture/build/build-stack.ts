import { constant, symbol } from "../../ir/expression.ts";
import { BATCH, type TensorId, TOKENS } from "../../ir/graph.ts";
import { ENCODED } from "../sizes.ts";
import type { Stack } from "../stack.ts";
import { fixedLength } from "../stem.ts";
import { buildLayer } from "./build-layer.ts";
import { buildOutlet } from "./build-outlet.ts";
import { buildStem } from "./build-stem.ts";
import { elementwise, norm } from "./products.ts";
import type { Site } from "./site.ts";

export interface BuiltStack {
  readonly input: TensorId;
  readonly output: TensorId;
  /** The stream behind the last layer, before the final norm. */
  readonly stream: TensorId;
  readonly table: TensorId | undefined;
  readonly site: Site;
}

/** All of a stack; `memory` is the output of the encoder before it. */
export function buildStack(base: Pick<Site, "graph" | "type" | "kvType">, stack: Stack, memory: TensorId | undefined): BuiltStack {
  const length = fixedLength(stack.stem);
  const extent =
    length === undefined ? { items: symbol(BATCH), length: symbol(TOKENS) } : { items: symbol(ENCODED), length: constant(length) };
  const site: Site = { ...base, ...extent, norm: stack.norm, scope: stack.prefix };
  const at = (scope: string): Site => ({ ...site, scope: `${stack.prefix}${scope}` });
  const { width, role } = stack;
  const entry = buildStem(at("embedding"), stack.stem, { width, memory });
  let stream = entry.stream;
  const lastChoice = { tensor: undefined };
  const tapped: TensorId[] = [];
  for (const [index, layer] of stack.layers.entries()) {
    stream = buildLayer(at(`layers.${index}`), layer, stream, { width, role, memory, lastChoice });
    const tap = stack.taps?.find((one) => one.layer === index);
    if (tap !== undefined) tapped.push(buildOutlet(at(`taps.${tapped.length}`), tap.projector, stream, { width, table: undefined }));
  }
  const last = at("head");
  const output = stack.finalNorm ? norm(last, "norm", stream, { columns: width }) : stream;
  const { table } = entry;
  const made = buildOutlet(last, stack.outlet, output, { width, table });
  return { input: entry.input, output: joined(last, stack, [made, ...tapped]), stream, table, site };
}

/** What taps give is added where the decoder's first layers take it. */
function joined(site: Site, { outlet }: Stack, parts: readonly [TensorId, ...TensorId[]]): TensorId {
  if (parts.length === 1 || outlet.kind !== "projector") return parts[0];
  return elementwise({ ...site, length: constant(outlet.positions) }, "Add", "taps", parts, outlet.products.at(-1)!);
}
